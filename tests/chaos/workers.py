"""Several workers, and whatever starts one again that has ended, as an orchestrator does."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.servers.brokers import PATIENCE_S
from tests.support.servers.running_worker import worker_environment


class ChaosWorker:
    """A worker process that may be killed, stopped and paused."""

    def __init__(self, process: "subprocess.Popen[bytes]", log_path: Path, model: Path) -> None:
        self.process = process
        self.log_path = log_path
        self.model = model
        self.resumes_at_s: float | None = None

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def paused(self) -> bool:
        return self.resumes_at_s is not None

    @property
    def ready(self) -> bool:
        return self.alive and "worker started" in self.log_path.read_text()

    def pause(self, seconds: float) -> None:
        self.process.send_signal(signal.SIGSTOP)
        self.resumes_at_s = time.monotonic() + seconds

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.resumes_at_s = None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to leave; return its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


class WorkerPool:
    """Keeps some workers running.

    Parameters
    ----------
    folder
        Of their logs.
    models
        Folders of the models that workers may use; the first is the one in use.
    draw
        Source of chance.
    """

    def __init__(
        self,
        bootstrap: str,
        prefix: str,
        folder: Path,
        models: list[Path],
        size: int,
        draw: random.Random,
        **settings: object,
    ) -> None:
        self._place = bootstrap, prefix
        self._folder = folder
        self._settings = settings
        self._draw = draw
        self._numbers: Iterator[int] = iter(range(1_000_000))
        self.models = models
        self.size = size
        self.workers: list[ChaosWorker] = []
        self.deaths: list[str] = []
        self.starts = 0

    @property
    def model(self) -> Path:
        return self.models[0]

    def start(self) -> None:
        number = next(self._numbers)
        log_path = self._folder / f"worker-{number}.log"
        bootstrap, prefix = self._place
        environment = worker_environment(bootstrap, prefix, **self._settings, model__path=self.model)
        with log_path.open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "stream_app.worker"], stderr=log, env=environment)
        self.workers.append(ChaosWorker(process, log_path, self.model))
        self.starts += 1

    def look_after(self) -> None:
        """Resume who has been paused long enough, note who has ended by itself, and start what is missing."""
        for worker in self.workers:
            if worker.resumes_at_s is not None and time.monotonic() >= worker.resumes_at_s:
                worker.resume()
            if not worker.alive:
                last_line = worker.log_path.read_text().rstrip().rpartition("\n")[2]
                self.deaths.append(f"{worker.log_path.name}: status {worker.process.returncode}: {last_line}")
        self.workers = [worker for worker in self.workers if worker.alive]
        while len(self.workers) < self.size:
            self.start()

    def some(self, *, paused: bool = False) -> ChaosWorker | None:
        """Draw one of the workers that have started."""
        candidates = [worker for worker in self.workers if worker.paused == paused and worker.ready]
        return self._draw.choice(candidates) if candidates else None

    def remove(self, worker: ChaosWorker) -> None:
        self.workers.remove(worker)

    def kill_all(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.workers.clear()
