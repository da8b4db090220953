"""What is not yet as it should be, as lines for people."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

_PERIODS: Final = TypeAdapter(timedelta)


def differences(current: Any, desired: Any, path: str = "") -> Iterator[str]:
    """Return a line for each thing that differs.

    Druid completes what it is given with its defaults: what is only in ``current`` is no difference, but in a list,
    which is ours alone.

    Parameters
    ----------
    current
        As Druid has it.
    desired
        As it shall be.
    path
        Of both, for the lines.
    """
    if isinstance(desired, dict):
        found = current if isinstance(current, dict) else {}
        for key, inner in desired.items():
            yield from differences(found.get(key), inner, f"{path}.{key}" if path else str(key))
    elif _is_named(desired):
        yield from _named_differences(current if _is_named(current) else [], desired, path)
    elif isinstance(desired, list) and isinstance(current, list) and len(current) == len(desired):
        for place, (found, inner) in enumerate(zip(current, desired, strict=True)):
            yield from differences(found, inner, f"{path}[{place}]")
    elif not _is_same(current, desired):
        yield f"{path}: {_shown(current)} → {_shown(desired)}"


def _named_differences(current: list[dict[str, Any]], desired: list[dict[str, Any]], path: str) -> Iterator[str]:
    """Compare lists of columns, metrics or transforms by name; their order counts, too."""
    before = {one["name"]: one for one in current}
    after = {one["name"]: one for one in desired}
    for name, inner in after.items():
        if name in before:
            yield from differences(before[name], inner, f"{path}.{name}")
        else:
            yield f"{path}: + {name}"
    yield from (f"{path}: - {name}" for name in before if name not in after)
    if before.keys() == after.keys() and list(before) != list(after):
        yield f"{path}: order"


def _is_same(current: Any, desired: Any) -> bool:
    """Compare two values in the forms that Druid gives them: PT1H comes back as PT3600S, NONE as an object."""
    if current is None:
        return not desired
    if isinstance(desired, str) and isinstance(current, dict):
        return current == {"type": desired.lower()}
    if isinstance(desired, str) and isinstance(current, str):
        return current == desired or (_period(current) is not None and _period(current) == _period(desired))
    return bool(current == desired)


def _period(text: str) -> timedelta | None:
    try:
        return _PERIODS.validate_python(text)
    except ValidationError:
        return None


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "name" in one for one in value)


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)
