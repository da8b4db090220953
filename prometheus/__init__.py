"""What Prometheus and Alertmanager run with.

``rules`` has recording rules, alerts and their thresholds as plain files, ``tests`` promtool's unit tests of them.
``alert_routing`` makes Alertmanager's configuration from the settings: who is notified of which alert.
"""

from prometheus.alert_routing import alertmanager_config, alertmanager_yaml, write_alertmanager_yaml

__all__ = ["alertmanager_config", "alertmanager_yaml", "write_alertmanager_yaml"]
