"""Prometheus and Alertmanager from Debian's packages, as plain processes."""

import json
from pathlib import Path
from typing import Any, Final

from stream_app.stack.programs import REPOSITORY_DIR, program
from stream_app.stack.server_process import LOOPBACK, ServerProcess, http_answers

RULES: Final = REPOSITORY_DIR / "prometheus" / "rules" / "*.yaml"
ALERTMANAGER_CONFIG: Final = REPOSITORY_DIR / "prometheus" / "alertmanager.yml"

WORKER_JOB: Final = "driver-score-worker"
"""What the alert rules call the worker."""

_START_TIMEOUT_S: Final = 30.0
_SCRAPE_INTERVAL: Final = "5s"
"""One machine, few series; and an alert shall not wait for its first sample."""

_SILENT: Final[dict[str, Any]] = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}


class NativePrometheus(ServerProcess):
    """A Prometheus that scrapes the worker and itself, with the alert rules of the repository.

    Parameters
    ----------
    work_dir
        Folder of data, configuration and log.
    port
        Where it listens on loopback.
    alertmanager_port
        Where alerts go.
    scraped
        Address of each further job.
    """

    def __init__(self, work_dir: Path, port: int, *, alertmanager_port: int, scraped: dict[str, str]) -> None:
        work_dir = work_dir.absolute()
        super().__init__("Prometheus", work_dir / "logs" / "prometheus.log", start_timeout_s=_START_TIMEOUT_S)
        self.port = port
        self._work_dir = work_dir
        self._alertmanager = f"{LOOPBACK}:{alertmanager_port}"
        self._scraped = scraped

    def answers(self) -> bool:
        """Tell whether it is ready, by its own account."""
        return http_answers(self.port, "/-/ready")

    def _command(self) -> list[str]:
        config = {
            "global": {"scrape_interval": _SCRAPE_INTERVAL, "evaluation_interval": _SCRAPE_INTERVAL},
            "rule_files": [str(RULES)],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [self._alertmanager]}]}]},
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [address]}]}
                for job, address in {"prometheus": f"{LOOPBACK}:{self.port}", **self._scraped}.items()
            ],
        }
        path = self._work_dir / "prometheus.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(config, indent=2))  # JSON is YAML
        return [
            program("prometheus"),
            f"--config.file={path}",
            f"--storage.tsdb.path={self._work_dir / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
        ]


class NativeAlertmanager(ServerProcess):
    """An Alertmanager with the routing of the repository; without one, it shows alerts and tells nobody.

    Parameters
    ----------
    work_dir
        Folder of data, configuration and log.
    port
        Where it listens on loopback.
    """

    def __init__(self, work_dir: Path, port: int) -> None:
        work_dir = work_dir.absolute()
        super().__init__("Alertmanager", work_dir / "logs" / "alertmanager.log", start_timeout_s=_START_TIMEOUT_S)
        self.port = port
        self._work_dir = work_dir

    def answers(self) -> bool:
        """Tell whether it is ready, by its own account."""
        return http_answers(self.port, "/-/ready")

    def _command(self) -> list[str]:
        path = ALERTMANAGER_CONFIG
        if not path.exists():
            path = self._work_dir / "alertmanager.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(_SILENT, indent=2))
        return [
            program("prometheus-alertmanager"),
            f"--config.file={path}",
            f"--storage.path={self._work_dir / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            "--cluster.listen-address=",  # alone
        ]
