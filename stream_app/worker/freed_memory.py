"""Have the C library return freed memory to the system."""

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Names of parameters in glibc's malloc.h."""

_MMAP_BYTES: Final = 1024 * 1024
_TRIM_BYTES: Final = 16 * 1024 * 1024


def return_large_arrays() -> None:
    """Return arrays of a MiB or more to the system as soon as they are freed.

    By default glibc allocates them from its heaps once a few were freed, and a heap shrinks from its end only. So the
    memory of a checkpoint was kept: some 600 bytes for each of a million open trips. Other C libraries are unchanged.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)
