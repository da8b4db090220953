"""Keys that producers place on a certain partition."""

import itertools
import zlib


def key_on(partition: int, partition_count: int, stem: str = "key") -> str:
    """Return a key that begins so, and that librdkafka places on this partition by default."""
    keys = (f"{stem}_{number}" for number in itertools.count())
    return next(key for key in keys if zlib.crc32(key.encode()) % partition_count == partition)
