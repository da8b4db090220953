"""The same job in Kafka Streams: a Java process, built from ``bench/peers/kafka_streams`` by Maven when it has changed.

One processor on the topic of events, which is partitioned by vehicle already; the states of open trips in an in-memory
store with cache and changelog; at least once. It reads and checks single samples as the contract says, folds each into
all features but phone use, scores window and trip by the same ONNX model when a window or the trip ends, and publishes
the messages of ``driver-scores`` but for reasons and score id; what is bad goes to the dead-letter topic.

It does less where a stream engineer would begin with less: no envelopes of several samples, no sorting of events that
come out of order (late ones are dropped), no accelerations from speeds alone, no closing of trips that fall silent, no
alerts and profiles.
"""

import hashlib
import subprocess
from pathlib import Path
from typing import Final

from driver_score.local_stack.programs import DEFAULT_CACHE_DIR, MissingProgramError, program, staged_jars
from scoring.model import DEFAULT_MODEL

MAIN_CLASS: Final = "driverscore.streams.Main"

_PROJECT_DIR: Final = Path(__file__).parent / "kafka_streams"
_MIB: Final = 1024 * 1024
_MAX_ERROR_LINES: Final = 5


def build(cache_dir: Path = DEFAULT_CACHE_DIR) -> Path:
    """Return the folder of the jars, built by Maven unless it is there.

    The folder's name holds a hash of the sources. Several callers at once do no harm: the first to finish wins.

    Parameters
    ----------
    cache_dir
        Where the folder is, or will be.

    Raises
    ------
    MissingProgramError
        If Maven or Java's compiler is missing and can't be installed, or Maven fails.
    """
    jars_dir = cache_dir.absolute() / f"kafka-streams-peer-{_source_hash()}"
    if jars_dir.is_dir():
        return jars_dir
    program("javac")
    maven = program("mvn")
    cache_dir.mkdir(parents=True, exist_ok=True)
    with staged_jars(jars_dir) as staging:
        done = subprocess.run(
            [maven, "-q", "-B", "-f", str(_PROJECT_DIR / "pom.xml"), "package", f"-Dbuild.folder={staging}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            errors = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
            raise MissingProgramError(
                "Maven can't build bench/peers/kafka_streams: " + "\n".join(errors[:_MAX_ERROR_LINES]),
                remedy="Check that Maven reaches its repository, and that its Java is 17 or newer.",
            )
    return jars_dir


def command(
    bootstrap: str,
    prefix: str,
    *,
    group: str,
    state_dir: Path,
    commit_interval_s: float = 2.0,
    threads: int = 1,
    heap_mb: int = 2048,
    cache_mb: int = 512,
    model_dir: Path = DEFAULT_MODEL,
) -> list[str]:
    """Return the command that runs it, built if need be; it ends on SIGTERM, with status 143.

    Parameters
    ----------
    bootstrap
        Address of the broker.
    prefix
        Before the names of topics; ``trip-events``, ``driver-scores`` and ``trip-events-dlq`` must be there.
    group
        Full name of the consumer group, which is the application's id.
    state_dir
        Where it keeps its lock; one of its own for each process.
    commit_interval_s
        Between two commits; each writes the changed states to the changelog first.
    threads
        Stream threads, which share the partitions.
    heap_mb
        Java heap, initial and maximum size.
    cache_mb
        Changed states that are held back until the next commit, of all threads.
    model_dir
        Folder of the model.
    """
    settings = {
        "bootstrap": bootstrap,
        "prefix": prefix,
        "group": group,
        "state-dir": state_dir,
        "commit-ms": round(commit_interval_s * 1000),
        "threads": threads,
        "cache-bytes": cache_mb * _MIB,
        "model": model_dir,
    }
    return [
        program("java"),
        f"-Xms{heap_mb}m",
        f"-Xmx{heap_mb}m",
        "-XX:+UseParallelGC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        f"{build()}/*",
        MAIN_CLASS,
        *(f"{name}={setting}" for name, setting in settings.items()),
    ]


def _source_hash() -> str:
    digest = hashlib.sha256()
    for path in [_PROJECT_DIR / "pom.xml", *sorted((_PROJECT_DIR / "src").rglob("*.java"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
