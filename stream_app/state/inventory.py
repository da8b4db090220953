"""The row that completes a checkpoint: of which log the states are, and which chunks there must be.

A changelog can lose records: a replica that was not in sync was elected, a topic was restored in part. What is left
looks whole, so the last row of each checkpoint says what belongs to it.
"""

from collections.abc import Collection
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from scoring.errors import StateError
from scoring.features import LateTrip
from stream_app.state.log_changes import Lineage


class Scope(NamedTuple):
    """Of whom scores are published: of nobody, of one client, or, where neither is set, of all."""

    is_nobody: bool = False
    client_id: str | None = None


class Rescoring(BaseModel):
    """What is published while records of before are scored again.

    Attributes
    ----------
    publish_from
        Offset of the first record whose scores are published. Those before it are read so that no trip is cut.
    up_to
        Offset of the last record that had been read.
    client_id
        The only client whose scores are published up to there; null for all.
    """

    model_config = ConfigDict(frozen=True)

    publish_from: int
    up_to: int
    client_id: str | None = None

    def scope(self, included_offset: int) -> Scope:
        """Tell of whom scores are published that are made up to an offset."""
        if included_offset < self.publish_from:
            return Scope(is_nobody=True)
        return Scope(client_id=self.client_id if included_offset <= self.up_to else None)


class Inventory(BaseModel):
    """What belongs to a checkpoint of one partition.

    Attributes
    ----------
    lineage
        As text: which states, of which log.
    chunks
        Numbers of the chunks.
    begins_cut
        Whether the states began in the middle of the log: trips were under way then.
    rescoring
        Set where records of before are scored again.
    placed_from
        Offset of the first record that was placed by the present number of partitions. Events of a vehicle before it
        may be on another partition.
    late_trips
        Trips that are still to be scored again, as events came late.
    """

    model_config = ConfigDict(frozen=True)

    lineage: str
    chunks: tuple[int, ...] = ()
    begins_cut: bool = False
    rescoring: Rescoring | None = None
    placed_from: int = 0
    late_trips: tuple[LateTrip, ...] = ()

    def to_row(self) -> bytes:
        """Encode it."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def of_row(cls, content: bytes) -> "Inventory | None":
        """Decode it; null for a row that a version of before has written, which is empty.

        Raises
        ------
        StateError
            When it can't be read.
        """
        if not content:
            return None
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise _unreadable() from error

    @property
    def parsed_lineage(self) -> Lineage:
        """The lineage.

        Raises
        ------
        StateError
            When it can't be read.
        """
        lineage = Lineage.parse(self.lineage)
        if lineage is None:
            raise _unreadable()
        return lineage

    def missing(self, found: Collection[int]) -> tuple[int, ...]:
        """Give the chunks that should be there and are not."""
        return tuple(chunk for chunk in self.chunks if chunk not in found)


def _unreadable() -> StateError:
    return StateError(
        "the last row of a checkpoint can't be read",
        remedy="It was written by a later version of driver-score: start that version",
    )
