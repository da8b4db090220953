"""Grafana dashboards as code.

``boards`` has a module per dashboard, built from ``panels``, ``datasources``, ``variables`` and ``sql``; ``model`` is
what Grafana's JSON consists of. ``generate`` writes the files in ``dashboards``, which Grafana loads as
``provisioning`` says.
"""

from grafana.generate import DASHBOARDS_DIR, StaleDashboardError, check, write

__all__ = ["DASHBOARDS_DIR", "StaleDashboardError", "check", "write"]
