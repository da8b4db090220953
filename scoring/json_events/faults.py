"""Faults of optional fields as the kernel notes them: a code of three bits for each field, in one int64 an event."""

from collections import Counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.messages.optional_fields import FieldFault
from scoring.events.compilation import inlined_kernel

_FAULTS: Final = tuple(FieldFault)
_BITS: Final = 3

PLACEHOLDER: Final = 1 + _FAULTS.index(FieldFault.PLACEHOLDER)
OUT_OF_RANGE: Final = 1 + _FAULTS.index(FieldFault.OUT_OF_RANGE)
NOT_FINITE: Final = 1 + _FAULTS.index(FieldFault.NOT_FINITE)
WRONG_TYPE: Final = 1 + _FAULTS.index(FieldFault.WRONG_TYPE)
UNKNOWN_CHOICE: Final = 1 + _FAULTS.index(FieldFault.UNKNOWN_CHOICE)
ILLEGAL_ID: Final = 1 + _FAULTS.index(FieldFault.ILLEGAL_ID)


@inlined_kernel
def note_fault(faults: Any, row: int, field: int, fault: int) -> None:
    """Note the fault of a field of an event, by the field's number and the fault's code."""
    faults[row] |= np.int64(fault) << np.int64(_BITS * field)


@inlined_kernel
def fault_of(noted: Any, field: int) -> Any:
    """Keep only the fault of one field."""
    return noted & (np.int64((1 << _BITS) - 1) << np.int64(_BITS * field))


def count_noted(faults: NDArray[np.int64], fields: tuple[str, ...]) -> Counter[tuple[str, FieldFault]]:
    """Count the events of each field and fault.

    Parameters
    ----------
    faults
        int64 array [events]: 0 for an event without a fault.
    fields
        Names of the fields, by their numbers.
    """
    counts: Counter[tuple[str, FieldFault]] = Counter()
    noted = faults[faults != 0]
    if len(noted) == 0:
        return counts
    for field, name in enumerate(fields):
        by_code = np.bincount((noted >> (_BITS * field)) & ((1 << _BITS) - 1), minlength=1 + len(_FAULTS))
        counts.update({(name, fault): int(count) for fault, count in zip(_FAULTS, by_code[1:], strict=True) if count})
    return counts
