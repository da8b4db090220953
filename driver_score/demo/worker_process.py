"""A worker as a child process, with its metrics."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from prometheus_client.parser import text_string_to_metric_families

from schemas.errors import DriverScoreError

_START_TIMEOUT_S: Final = 300.0
"""The first start on a machine compiles the kernels, which takes up to a minute on a slow one."""

_STOP_TIMEOUT_S: Final = 20.0
_POLL_S: Final = 0.1
_LOG_TAIL_LINES: Final = 5


class WorkerFailedError(DriverScoreError):
    """The worker ended by itself."""

    def __init__(self, log_path: Path) -> None:
        tail = log_path.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        super().__init__("\n".join([f"the worker stopped. Its log, {log_path}, ends with:", *tail]))


class WorkerProcess:
    """Runs ``driver-score worker`` until the context is left.

    Parameters
    ----------
    bootstrap
        Address of the broker.
    log_path
        File of its log.
    environment
        Further settings.
    """

    def __init__(self, bootstrap: str, log_path: Path, environment: dict[str, str] | None = None) -> None:
        self._log_path = log_path
        self._environment = {
            **os.environ,
            "DRIVER_SCORE_KAFKA__BOOTSTRAP": bootstrap,
            "DRIVER_SCORE_WORKER__METRICS_PORT": "0",
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._metrics_address: str | None = None

    def __enter__(self) -> Self:
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "driver_score", "worker"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us first, and we stop it
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_until_ready(self) -> None:
        """Wait until the worker has begun.

        Raises
        ------
        WorkerFailedError
            When it ends instead, or takes too long.
        """
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            self.check()
            for line in self._log_path.read_text(errors="replace").splitlines():
                if '"metrics"' in line:
                    self._metrics_address = json.loads(line)["address"]
                elif '"worker started"' in line:
                    return
            time.sleep(_POLL_S)
        raise WorkerFailedError(self._log_path)

    def check(self) -> None:
        """Raise `WorkerFailedError` when the worker has ended."""
        if self._process is None or self._process.poll() is not None:
            raise WorkerFailedError(self._log_path)

    def metrics(self) -> dict[str, float]:
        """Read the worker's metrics: the sum of each over its labels, and rejects by code as ``rejects:<code>``."""
        if self._metrics_address is None:
            return {}
        with urllib.request.urlopen(self._metrics_address, timeout=10) as answer:  # noqa: S310 - our own child
            text = answer.read().decode()
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                name = sample.name.removeprefix("driver_score_worker_")
                sums[name] = sums.get(name, 0.0) + sample.value
                if name == "rejects_total":
                    sums[f"rejects:{sample.labels['code']}"] = sample.value
        return sums

    def stop(self) -> None:
        """Stop the worker: SIGTERM, so that it stores what it has, then SIGKILL after a while."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
