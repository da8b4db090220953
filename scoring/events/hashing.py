"""Hashes of texts: of event ids, of clients, and of the keys of trips."""

from typing import Any, Final

import numpy as np

from scoring.events.compilation import inlined_kernel, kernel

FNV_OFFSET: Final = np.uint64(0xCBF29CE484222325)
FNV_PRIME: Final = np.uint64(0x100000001B3)
_MIX: Final = np.uint64(0xFF51AFD7ED558CCD)
_HALF: Final = np.uint64(32)


@inlined_kernel
def fold_bytes(hashed: Any, content: Any, start: int, size: int) -> Any:
    """Update an FNV-1a hash with bytes."""
    for at in range(start, start + size):
        hashed = (hashed ^ np.uint64(content[at])) * FNV_PRIME
    return hashed


@inlined_kernel
def mixed(hashed: Any) -> Any:
    """Spread the bits, as the low ones choose the place in the table; the step is that of MurmurHash3's finaliser."""
    hashed = (hashed ^ (hashed >> _HALF)) * _MIX
    return hashed ^ (hashed >> _HALF)


@inlined_kernel
def hash_text(content: Any, start: int, size: int) -> Any:
    """Hash bytes by FNV-1a (64 bits), mixed; never 0, which is no text.

    Source: Fowler, Noll, Vo, http://www.isthe.com/chongo/tech/comp/fnv/.
    """
    return max(mixed(fold_bytes(FNV_OFFSET, content, start, size)), np.uint64(1))


@kernel
def hash_texts(content: Any, starts: Any, sizes: Any, hashes: Any) -> None:
    """Hash many texts, each at its place in the content."""
    for row in range(starts.size):
        hashes[row] = hash_text(content, starts[row], sizes[row])
