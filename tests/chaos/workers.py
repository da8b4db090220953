"""Several workers, and whatever starts one again that has ended, as an orchestrator does."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from schemas.errors import ExitStatus
from tests.support.servers.brokers import PATIENCE_S, wait_until
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
    def log(self) -> str:
        return self.log_path.read_text()

    @property
    def ready(self) -> bool:
        return self.alive and "worker started" in self.log

    @property
    def error(self) -> str | None:
        """The line with which it has ended with the status of a failure; null where it has ended in another way."""
        errors = [line for line in self.log.splitlines() if line.startswith("error: ")]
        ended_well = self.process.poll() == ExitStatus.FAILED and len(errors) == 1 and "Traceback" not in self.log
        return errors[0] if ended_well else None

    @property
    def end(self) -> str:
        """How it has ended, with its last line."""
        last_line = self.log.rstrip().rpartition("\n")[2]
        return f"{self.log_path.name}: status {self.process.returncode}: {last_line}"

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
    settings
        Of all workers that are started from now on; they may be changed.

    Attributes
    ----------
    expected_stops
        Workers that have stopped as they should, by what they said.
    deaths
        What other workers said that have ended by themselves.
    unexplained
        Those of them that said no cause.
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
        self._draw = draw
        self._numbers: Iterator[int] = iter(range(1_000_000))
        self.settings = settings
        self.models = models
        self.size = size
        self.workers: list[ChaosWorker] = []
        self.expected_stops: Counter[str] = Counter()
        self.deaths: list[str] = []
        self.unexplained: list[str] = []
        self.starts = 0

    @property
    def model(self) -> Path:
        return self.models[0]

    def environment(self, **settings: object) -> dict[str, str]:
        """Return the variables of workers and commands, with some settings of their own."""
        bootstrap, prefix = self._place
        return worker_environment(bootstrap, prefix, **{**self.settings, **settings})

    def start(self, **settings: object) -> ChaosWorker:
        """Start one more, with some settings of its own."""
        log_path = self._folder / f"worker-{next(self._numbers)}.log"
        environment = self.environment(**settings, model__path=self.model)
        with log_path.open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "stream_app.worker"], stderr=log, env=environment)
        worker = ChaosWorker(process, log_path, self.model)
        self.workers.append(worker)
        self.starts += 1
        return worker

    def look_after(self) -> None:
        """Resume who has been paused long enough, note who has ended by itself, and start what is missing."""
        for worker in self.workers:
            if worker.resumes_at_s is not None and time.monotonic() >= worker.resumes_at_s:
                worker.resume()
            if not worker.alive:
                self._note_death(worker)
        self.workers = [worker for worker in self.workers if worker.alive]
        self.start_missing()

    def start_missing(self, **settings: object) -> None:
        """Start what is missing, without a look at those that run."""
        while len(self.workers) < self.size:
            self.start(**settings)

    def wait_until_ready(self) -> None:
        """Wait until all have started, and resume who is paused."""
        for worker in self.workers:
            if worker.paused:
                worker.resume()

        def are_ready() -> bool:
            self.look_after()
            return all(worker.ready for worker in self.workers)

        wait_until(are_ready, "all workers have started")

    def stop_all(self) -> None:
        """Ask all to leave, and wait until they have."""
        for worker in self.workers:
            worker.process.send_signal(signal.SIGTERM)
        for worker in self.workers:
            if worker.process.wait(PATIENCE_S) != 0:
                self._note_death(worker)
        self.workers.clear()

    def expect_stops(self, cause: str) -> None:
        """Wait until all have ended by themselves, as they should: each with one line that has this in it."""
        for worker in self.workers:
            worker.process.wait(PATIENCE_S)
            if worker.error is not None and cause in worker.error:
                self.expected_stops[cause] += 1
            else:
                self._note_death(worker)
        self.workers.clear()

    def _note_death(self, worker: ChaosWorker) -> None:
        self.deaths.append(worker.end)
        if worker.error is None:
            self.unexplained.append(worker.end)

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
