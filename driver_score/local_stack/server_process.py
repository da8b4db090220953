"""A server as a process of this machine: started, waited for, logged and stopped."""

import atexit
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from driver_score.local_stack import bounded_log
from schemas.errors import DriverScoreError

LOOPBACK: Final = "127.0.0.1"

LOG_TAIL_LINES: Final = 15
"""Lines of a server's log that an error shows: enough for a Java exception's head, still one screen."""

STOP_TIMEOUT_S: Final = 20.0
"""Kafka needed up to 0.8 s to close its logs, Druid 3 s; a busy machine with large logs needs more."""

_ANSWER_TIMEOUT_S: Final = 2.0
_LOG_END_TIMEOUT_S: Final = 2.0
_POLL_INTERVAL_S: Final = 0.1


def log_tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a log, which may be far larger than memory."""
    with path.open(errors="replace") as log:
        return [line.rstrip("\n") for line in deque(log, maxlen=lines)]


class ServerFailedError(DriverScoreError):
    """A server that this process started has ended, or does not answer.

    Parameters
    ----------
    name
        Name of the server.
    problem
        What is wrong with it.
    log_path
        Its log, whose last lines are part of the message.
    """

    def __init__(self, name: str, problem: str, *, log_path: Path) -> None:
        tail = log_tail(log_path, LOG_TAIL_LINES)
        super().__init__("\n".join([f"{name} {problem}. Its log, {log_path}, ends with:", *tail]))


class ServerProcess(ABC):
    """A server that runs as a child of this process.

    Use it as a context manager, or call `start` and `stop`. Unless it is detached it never outlives this process:
    on Linux the kernel kills it together with the *thread* that started it, also when this process is killed. Start
    it from a thread that outlives it.

    Parameters
    ----------
    name
        Its name in error messages.
    log_path
        File that its output is appended to; the folder is created if missing.
    start_timeout_s
        Timeout of its start.
    needs
        Servers that must answer before it is spawned.
    """

    def __init__(
        self, name: str, log_path: Path, *, start_timeout_s: float, needs: "Sequence[ServerProcess]" = ()
    ) -> None:
        self.name = name
        self.needs = tuple(needs)
        self.log_path = log_path.absolute()
        self.start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._log_keeper: subprocess.Popen[bytes] | None = None
        self._spawned = 0.0

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else null."""
        return self._process.pid if self._process else None

    @abstractmethod
    def answers(self) -> bool:
        """Return whether it is ready; must return quickly."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the program and its arguments; write the files that it reads."""

    def _environment(self) -> Mapping[str, str | None]:
        """Return variables that its environment has in addition to ours; null for those of ours that it has not."""
        return {}

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises
        ------
        ServerFailedError
            If it ends, or does not answer in time.
        """
        start_all([self])

    def spawn(self, *, detached: bool = False) -> None:
        """Start the process without waiting for it.

        Parameters
        ----------
        detached
            Keep it running when this process ends, with a log of bounded size.
        """
        command = self._command()
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        # An own session: Ctrl-C in a terminal must reach our process first, which then stops the server.
        with self._log(bounded=detached) as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is built here
                [*([] if detached else _dies_with_parent()), *command],
                env={name: text for name, text in {**os.environ, **self._environment()}.items() if text is not None},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._spawned = time.monotonic()
        if not detached:
            atexit.register(self.stop)

    @contextlib.contextmanager
    def _log(self, *, bounded: bool) -> Iterator[IO[bytes]]:
        """Return the file or pipe of the server's output."""
        if not bounded:
            with self.log_path.open("ab") as log:
                yield log
            return
        command = [sys.executable, "-m", bounded_log.__name__, str(self.log_path), str(bounded_log.MAX_LOG_BYTES)]
        read_end, write_end = os.pipe()
        with open(write_end, "wb") as log:  # noqa: PTH123 - no path, a pipe
            self._log_keeper = subprocess.Popen(  # noqa: S603 - the command is built here
                command, stdin=read_end, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
            os.close(read_end)
            yield log

    def _end_log(self) -> None:
        """Wait until the log of a server that has ended is complete."""
        if self._log_keeper is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # a child of the server may hold it open
                self._log_keeper.wait(_LOG_END_TIMEOUT_S)

    def has_started(self) -> bool:
        """Return whether a process that was spawned answers.

        Raises
        ------
        ServerFailedError
            If it has ended, or takes too long.
        """
        if self._process is None:
            return False
        has_answered = self.answers()
        self.check_runs()
        if not has_answered and time.monotonic() - self._spawned > self.start_timeout_s:
            problem = f"does not answer after {self.start_timeout_s:g} s"
            raise ServerFailedError(self.name, problem, log_path=self.log_path)
        return has_answered

    def check_runs(self) -> None:
        """Do nothing while a process that was spawned runs.

        Raises
        ------
        ServerFailedError
            If it has ended.
        """
        if self._process is not None and self._process.poll() is not None:
            self._end_log()
            raise ServerFailedError(self.name, f"ended with status {self._process.returncode}", log_path=self.log_path)

    def ask_to_stop(self) -> None:
        """Send SIGTERM without waiting."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Stop the server: SIGTERM, then SIGKILL after `STOP_TIMEOUT_S`. No effect if it does not run."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._end_log()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_all(
    servers: Sequence[ServerProcess],
    *,
    detached: bool = False,
    on_spawned: Callable[[ServerProcess], None] = lambda _: None,
    on_started: Callable[[ServerProcess], None] = lambda _: None,
) -> None:
    """Start servers concurrently, each once those that it needs are ready; stop them all if one fails.

    Parameters
    ----------
    servers
        In the order in which they are spawned. Servers that they need and that are not listed must be running.
    detached
        Keep them running when this process ends.
    on_spawned, on_started
        Called for each when its process exists, and when it is ready.

    Raises
    ------
    ServerFailedError
        If one ends, or does not answer in time.
    """
    waiting = list(servers)
    spawned: list[ServerProcess] = []
    try:
        while waiting:
            for server in waiting:
                if server not in spawned and not set(server.needs) & set(waiting):
                    server.spawn(detached=detached)
                    spawned.append(server)
                    on_spawned(server)
            for server in [one for one in waiting if one.has_started()]:
                waiting.remove(server)
                on_started(server)
            if waiting:
                time.sleep(_POLL_INTERVAL_S)
    except BaseException:
        stop_all(spawned[::-1])
        raise


def stop_all(servers: Sequence[ServerProcess]) -> None:
    """Ask all servers to stop at once, then wait for each."""
    for server in servers:
        server.ask_to_stop()
    for server in servers:
        server.stop()


def free_port() -> int:
    """Return a TCP port of the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Return whether something listens on a TCP port of the loopback address."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def http_answers(port: int, path: str) -> bool:
    """Return whether a server on loopback answers a GET request with status 200."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _dies_with_parent() -> list[str]:
    """Return the command prefix that lets the kernel kill the child with its parent, if available."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
