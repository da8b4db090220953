"""How the kernels are compiled: once per machine and version of their source.

numba's cache looks at the file of the outermost function only, so a change in a file that it calls would go
unseen. The cache folder's name therefore carries a hash of all sources here. ``NUMBA_CACHE_DIR`` moves it.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any, Final

import numba
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic


def _cache_folder() -> Path:
    sources = [
        source
        for folder in ("events", "json_events", "features")
        for source in sorted((Path(__file__).parents[1] / folder).rglob("*.py"))
    ]
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

A call passes each field of each array, a hundred numbers, and counts references. Inlined, updates are three times as
fast; by its own choice the compiler inlines or not with any small change.
"""


@intrinsic
def borrowed(_typing_context: Any, array: types.Array) -> Any:
    """Give a borrowed view of an array: kernels that it is passed to count no references.

    Counting them, an atomic step each time an array is passed, took half the time of reading a message. The array
    itself must stay alive meanwhile, as an argument of the outermost kernel does.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(array)(context, builder, arguments[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)
        view.parent = cgutils.get_null_value(view.parent.type)
        return impl_ret_borrowed(context, builder, signature.return_type, view._getvalue())  # noqa: SLF001

    return array(array), generate
