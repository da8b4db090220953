"""The exporter as a process of the stack."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from driver_score.local_stack.server_process import LOOPBACK, ServerProcess, http_answers
from driver_score.local_stack.servers.kafka import local_access
from stream_app.telemetry.metrics_server import LIVE_PATH

_START_TIMEOUT_S: Final = 60.0


class NativeExporter(ServerProcess):
    """``driver-score exporter`` with the settings of this process.

    Parameters
    ----------
    logs_dir
        Folder of its log.
    bootstrap
        Where Kafka is.
    druid_url
        Where Druid's router is.
    port
        Where it serves its metrics on loopback.
    """

    def __init__(self, logs_dir: Path, bootstrap: str, druid_url: str, port: int) -> None:
        super().__init__("exporter", logs_dir / "exporter.log", start_timeout_s=_START_TIMEOUT_S)
        self.port = port
        self._bootstrap = bootstrap
        self._druid_url = druid_url

    def answers(self) -> bool:
        """Return whether it is live; a scrape would query Druid, which may still be starting."""
        return http_answers(self.port, LIVE_PATH)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "driver_score", "exporter"]

    def _environment(self) -> Mapping[str, str | None]:
        return {
            **local_access(self._bootstrap),
            "DRIVER_SCORE_DRUID__URL": self._druid_url,
            "DRIVER_SCORE_EXPORTER__HOST": LOOPBACK,
            "DRIVER_SCORE_EXPORTER__PORT": str(self.port),
        }
