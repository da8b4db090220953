"""The worker as a process of the stack."""

import sys
from pathlib import Path
from typing import Final

from driver_score.local_stack.server_process import LOOPBACK, ServerProcess, http_answers
from stream_app.telemetry.metrics_server import READY_PATH

_START_TIMEOUT_S: Final = 300.0
"""The first start on a machine compiles the kernels, which takes up to a minute on a slow one."""


class NativeWorker(ServerProcess):
    """``driver-score worker`` with the settings of this process.

    Parameters
    ----------
    logs_dir
        Folder of its log.
    kafka
        Kafka, which must answer before.
    bootstrap
        Where Kafka is.
    metrics_port
        Where it serves its metrics on loopback.
    """

    def __init__(self, logs_dir: Path, kafka: ServerProcess, bootstrap: str, metrics_port: int) -> None:
        super().__init__("worker", logs_dir / "worker.log", start_timeout_s=_START_TIMEOUT_S, needs=[kafka])
        self.port = metrics_port
        self._bootstrap = bootstrap

    def answers(self) -> bool:
        """Tell whether it has its place in its group, and its states."""
        return http_answers(self.port, READY_PATH)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "driver_score", "worker"]

    def _environment(self) -> dict[str, str]:
        return {
            "DRIVER_SCORE_KAFKA__BOOTSTRAP": self._bootstrap,
            "DRIVER_SCORE_WORKER__METRICS_HOST": LOOPBACK,
            "DRIVER_SCORE_WORKER__METRICS_PORT": str(self.port),
        }
