"""How the kernels are compiled: once per machine and version of their source.

numba's cache looks at the file of the outermost function only, so a change in a file that it calls would go
unseen. The cache folder's name therefore carries a hash of all sources here. ``NUMBA_CACHE_DIR`` moves it.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

import numba


def _cache_folder() -> Path:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    if base := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(base) / digest
    if home := os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME"):
        candidate = (Path(home) if "XDG_CACHE_HOME" in os.environ else Path(home) / ".cache") / "driver-score"
        try:
            candidate.mkdir(parents=True, exist_ok=True)
        except OSError:
            pass
        else:
            if os.access(candidate, os.W_OK):
                return candidate / digest
    return Path(tempfile.gettempdir()) / f"driver-score-{os.getuid()}" / digest


numba.config.CACHE_DIR = str(_cache_folder())

kernel: Final = numba.njit(cache=True, nogil=True, no_cfunc_wrapper=True)
"""Decorator of every kernel: compiled without fast-math, so that results are the same bits in any batching.

Nothing calls kernels from C; a wrapper for that would cost a quarter of the time to compile.
"""

inlined_kernel: Final = numba.njit(nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True, forceinline=True)
"""Decorator of the kernels on the way of every event, which only kernels call; Python can't.

A call hands on each field of each array, a hundred numbers, and counts references. Inlined, events go in three times
as fast; left to itself, the compiler inlines or not with any small change.
"""
