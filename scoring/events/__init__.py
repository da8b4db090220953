"""Trip events as columns, and what the kernels that read and fold them share.

`EventColumns` are a batch of events: samples as rows of `SAMPLE`, ids as bytes in the order of `IdPlace`. Kernels are
compiled by `kernel` and `inlined_kernel`, take arrays as `borrowed` views, and hash texts by `hash_text`.
"""

from scoring.events.columns import EventColumns
from scoring.events.compilation import borrowed, inlined_kernel, kernel
from scoring.events.hashing import hash_text
from scoring.events.ids import IdPlace
from scoring.events.sample import SAMPLE

__all__ = ["SAMPLE", "EventColumns", "IdPlace", "borrowed", "hash_text", "inlined_kernel", "kernel"]
