"""A batch of trip events as arrays: the input of the feature kernels, from Kafka, files and simulations alike."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.event_frame import EVENT_TYPES, ID_COLUMNS, MEASUREMENT_COLUMNS, VEHICLE_CLASSES
from scoring.events.hashing import hash_texts
from scoring.events.sample import SAMPLE

MOTION_FIELDS: Final = tuple(name for name in MEASUREMENT_COLUMNS if name != "duration_s")
"""Measurements that a sample keeps as they are."""

POSITION_FIELDS: Final = ("latitude", "longitude")
"""In a sample they follow the measurements."""


@dataclass(frozen=True)
class EventColumns:
    """Events in the order in which they arrived.

    Attributes
    ----------
    content
        uint8 array: bytes that contain the ids.
    id_starts, id_sizes
        int64 and int32 arrays [events, 4]: place and length of each id in the content, in the order of `ID_COLUMNS`.
        A driver who is not known has the length 0.
    vehicle_classes
        int8 array [events]: positions in `VEHICLE_CLASSES`.
    samples
        Array of ``SAMPLE`` [events]; measurements and positions are NaN when unknown.
    offsets
        int64 array [events]: offset of the Kafka record that each was in; 0 for those of files.
    """

    content: NDArray[np.uint8]
    id_starts: NDArray[np.int64]
    id_sizes: NDArray[np.int32]
    vehicle_classes: NDArray[np.int8]
    samples: NDArray[np.void]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.samples)

    @classmethod
    def allocate(cls, count: int, content: NDArray[np.uint8]) -> "EventColumns":
        """Make columns for so many events, to be filled."""
        places = len(ID_COLUMNS)
        return cls(
            content,
            np.zeros((count, places), np.int64),
            np.zeros((count, places), np.int32),
            np.zeros(count, np.int8),
            np.zeros(count, SAMPLE),
            np.zeros(count, np.int64),
        )

    @classmethod
    def of_frame(cls, events: pl.DataFrame) -> "EventColumns":
        """Make columns of an event frame; where the UTC offset is unknown, local time is UTC.

        The driver may be null.
        """
        id_starts, id_sizes, content = _ids_of(events)
        classes = events["vehicle_class"].cast(pl.Enum(VEHICLE_CLASSES)).to_physical()
        return cls(
            content,
            id_starts,
            id_sizes,
            classes.to_numpy().astype(np.int8),
            _samples_of(events),
            np.zeros(len(events), np.int64),
        )

    def take(self, rows: "NDArray[np.integer] | NDArray[np.bool_] | slice | list[int]") -> "EventColumns":
        """Take some events, by positions, mask or slice."""
        return EventColumns(
            self.content,
            self.id_starts[rows],
            self.id_sizes[rows],
            self.vehicle_classes[rows],
            self.samples[rows],
            self.offsets[rows],
        )

    def followed_by(self, more: "EventColumns") -> "EventColumns":
        """Append more events."""
        return EventColumns(
            np.concatenate([self.content, more.content]),
            np.concatenate([self.id_starts, more.id_starts + len(self.content)]),
            np.concatenate([self.id_sizes, more.id_sizes]),
            np.concatenate([self.vehicle_classes, more.vehicle_classes]),
            np.concatenate([self.samples, more.samples]),
            np.concatenate([self.offsets, more.offsets]),
        )

    def with_own_ids(self) -> "EventColumns":
        """Copy the ids, so that the content that they were part of can be freed: for few events, it is slow."""
        content = self.content.tobytes()
        starts, sizes = self.id_starts.ravel().tolist(), self.id_sizes.ravel().tolist()
        ids = b"".join(content[start : start + size] for start, size in zip(starts, sizes, strict=True))
        ends = np.cumsum(self.id_sizes.ravel(), dtype=np.int64).reshape(self.id_sizes.shape)
        return replace(self, content=np.frombuffer(ids, np.uint8), id_starts=ends - self.id_sizes)

    def ids(self, name: str) -> list[str]:
        """Give one id of each event, as text: for few events, it is slow."""
        place = ID_COLUMNS.index(name)
        starts, sizes = self.id_starts[:, place].tolist(), self.id_sizes[:, place].tolist()
        content = self.content.tobytes()
        return [content[start : start + size].decode() for start, size in zip(starts, sizes, strict=True)]


def _ids_of(events: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
    starts = np.zeros((len(events), len(ID_COLUMNS)), np.int64)
    sizes = np.zeros((len(events), len(ID_COLUMNS)), np.int32)
    contents = []
    used = 0
    for place, name in enumerate(ID_COLUMNS):
        starts[:, place], sizes[:, place], content = _lay_out(events[name].fill_null(""))
        starts[:, place] += used
        used += len(content)
        contents.append(content)
    return starts, sizes, np.concatenate(contents)


def _lay_out(texts: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
    """Concatenate the distinct texts; give the place and length of each row's."""
    distinct = texts.unique()
    encoded = distinct.to_list()
    lengths = distinct.str.len_bytes().to_numpy().astype(np.int32)
    code = texts.cast(pl.Enum(distinct)).to_physical().to_numpy()
    content = np.frombuffer("".join(encoded).encode(), np.uint8)
    return (np.cumsum(lengths, dtype=np.int64) - lengths)[code], lengths[code], content


def _samples_of(events: pl.DataFrame) -> NDArray[np.void]:
    columns = events.select(
        "timestamp_ms",
        pl.col("event_type").cast(pl.Enum(EVENT_TYPES)).to_physical(),
        pl.col("utc_offset_min").fill_null(0),
        pl.col(MOTION_FIELDS).fill_null(np.nan),
        pl.col(POSITION_FIELDS).cast(pl.Float32).fill_null(np.nan),
    )
    samples = np.zeros(len(events), SAMPLE)
    for name in columns.columns:
        samples[name] = columns[name].to_numpy()
    samples["duration_ms"] = duration_ms(events["duration_s"].fill_nan(0).fill_null(0).to_numpy())
    rows = np.flatnonzero(events["event_id"].is_not_null().to_numpy())
    if len(rows):
        starts, sizes, content = _lay_out(events["event_id"].drop_nulls())
        hashes = np.zeros(len(rows), np.uint64)
        hash_texts(content, starts, sizes, hashes)
        samples["event_hash"][rows] = hashes
    return samples


def duration_ms(duration_s: NDArray[np.float32]) -> NDArray[np.int32]:
    """Round durations to whole milliseconds."""
    return np.rint(duration_s.astype(np.float64) * 1000).astype(np.int32)
