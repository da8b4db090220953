"""Grafana dashboards as code: ``boards`` says what is shown, ``generate`` writes the JSON that Grafana loads."""
