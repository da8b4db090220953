"""The worker as a process of this machine."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from driver_score.local_stack.server_process import LOOPBACK, ServerProcess, http_answers
from driver_score.local_stack.servers.kafka import BrokerProcess, local_access
from stream_app.telemetry.metrics_server import READY_PATH

_START_TIMEOUT_S: Final = 300.0
"""The first start on a machine compiles the kernels, which takes up to a minute on a slow one."""


class NativeWorker(ServerProcess):
    """``python -m stream_app.worker`` with the settings of this process.

    Parameters
    ----------
    logs_dir
        Folder of its log.
    broker
        Where it reads and writes; must answer before.
    metrics_port
        Where it serves its metrics on loopback.
    environment
        Further variables of its environment.
    """

    def __init__(
        self, logs_dir: Path, broker: BrokerProcess, metrics_port: int, environment: Mapping[str, str] | None = None
    ) -> None:
        super().__init__("worker", logs_dir / "worker.log", start_timeout_s=_START_TIMEOUT_S, needs=[broker])
        self.port = metrics_port
        self._variables = {
            **(environment or {}),
            **local_access(broker.bootstrap),
            "DRIVER_SCORE_WORKER__METRICS_HOST": LOOPBACK,
            "DRIVER_SCORE_WORKER__METRICS_PORT": str(metrics_port),
        }

    def answers(self) -> bool:
        """Return whether it has its partitions, and their states."""
        return http_answers(self.port, READY_PATH)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "stream_app.worker"]

    def _environment(self) -> Mapping[str, str | None]:
        return self._variables
