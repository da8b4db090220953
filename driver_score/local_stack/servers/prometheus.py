"""Prometheus from Debian's package, on loopback, with the alert rules of the repository."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from driver_score.local_stack.programs import REPOSITORY_DIR, program
from driver_score.local_stack.server_process import LOOPBACK, ServerProcess, free_port, http_answers

PROMETHEUS_DIR: Final = REPOSITORY_DIR / "prometheus"
RULES_DIR: Final = PROMETHEUS_DIR / "rules"

WORKER_JOB: Final = "driver-score-worker"
EXPORTER_JOB: Final = "driver-score-exporter"


class NativePrometheus(ServerProcess):
    """A Prometheus that scrapes the given targets and sends its alerts to an Alertmanager.

    Parameters
    ----------
    work_dir
        Folder of its data, settings and log.
    targets
        Addresses, ``host:port``, of each job of ``prometheus/prometheus.yaml``; a job without any is left out.
    alertmanager
        Address of the Alertmanager; null without.
    port
        Where it listens; a free one when null.
    runbook_base
        Before ``docs/runbooks/…`` in links.
    rules_dir
        Folder of the rules.
    interval
        Interval of scrapes and rule evaluations; null for that of ``prometheus.yaml``.
    """

    def __init__(
        self,
        work_dir: Path,
        targets: Mapping[str, Sequence[str]],
        *,
        alertmanager: str | None = None,
        port: int | None = None,
        runbook_base: str = "",
        rules_dir: Path = RULES_DIR,
        interval: str | None = None,
    ) -> None:
        super().__init__("Prometheus", work_dir / "logs" / "prometheus.log", start_timeout_s=60.0)
        self.port = port or free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._work_dir = work_dir.absolute()
        self._targets = {"prometheus": [f"{LOOPBACK}:{self.port}"], **targets}
        self._alertmanager = alertmanager
        self._runbook_base = runbook_base
        self._rules_dir = rules_dir.absolute()
        self._interval = interval

    def answers(self) -> bool:
        """Return whether it can be asked."""
        return http_answers(self.port, "/-/ready")

    def config(self) -> dict[str, Any]:
        """Make its configuration: that of the compose stack, with the addresses and folders of this machine."""
        config: dict[str, Any] = yaml.safe_load((PROMETHEUS_DIR / "prometheus.yaml").read_text(encoding="utf-8"))
        config["global"]["external_labels"] = {"runbook_base": self._runbook_base}
        config["rule_files"] = [f"{self._rules_dir}/*.yaml"]
        config["alerting"]["alertmanagers"] = [_static([self._alertmanager])] if self._alertmanager else []
        config["scrape_configs"] = [
            {
                **{key: setting for key, setting in job.items() if not key.endswith("_sd_configs")},
                **_static(self._targets[job["job_name"]]),
            }
            for job in config["scrape_configs"]
            if self._targets.get(job["job_name"])
        ]
        if self._interval is not None:
            for part in (config["global"], *config["scrape_configs"]):
                part["scrape_interval"] = self._interval
                part.pop("scrape_timeout", None)
            config["global"]["evaluation_interval"] = self._interval
        return config

    def _command(self) -> list[str]:
        conf_path = self._work_dir / "conf" / "prometheus.yaml"
        conf_path.parent.mkdir(parents=True, exist_ok=True)
        conf_path.write_text(yaml.safe_dump(self.config(), sort_keys=False), encoding="utf-8")
        return [
            program("prometheus"),
            f"--config.file={conf_path}",
            f"--storage.tsdb.path={self._work_dir / 'data' / 'prometheus'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            f"--web.external-url={self.url}",  # in links of alerts; else it is the machine's name
        ]


def _static(addresses: Sequence[str]) -> dict[str, Any]:
    return {"static_configs": [{"targets": list(addresses)}]}
