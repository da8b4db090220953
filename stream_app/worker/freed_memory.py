"""Have the C library give memory back to the system once it is free."""

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Names of parameters in glibc's malloc.h."""

_MMAP_BYTES: Final = 1024 * 1024
_TRIM_BYTES: Final = 16 * 1024 * 1024


def give_back_large_arrays() -> None:
    """Let arrays of a MiB or more go back as soon as they are freed.

    By itself glibc takes them from its heaps once a few were freed, and a heap shrinks only from its end. What a
    checkpoint took stayed so: some 600 bytes for each of a million open trips. Other C libraries are left as they are.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)
