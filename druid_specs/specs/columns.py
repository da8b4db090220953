"""Druid columns of messages: the same names, with Druid's types."""

from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel

TIME_COLUMN: Final = "event_time"
"""Becomes ``__time`` in every data source: event time, so that a replay stands where the driving was."""

ColumnType = Literal["string", "long", "double"]

_TYPES: Final[dict[Any, ColumnType]] = {
    str: "string",
    int: "long",
    bool: "long",
    float: "double",
    AwareDatetime: "long",
}


def column_types(message: type[BaseModel]) -> dict[str, ColumnType]:
    """Return the type of each column of a message but for `TIME_COLUMN`, in the message's order.

    Further times are epoch milliseconds (``long``), as Druid has one timestamp a row; a yes or no is 1 or 0
    (``long``); other numbers are ``double``, which holds what was published without a loss.
    """
    return {name: _column_type(field.annotation) for name, field in message.model_fields.items() if name != TIME_COLUMN}


def time_columns(message: type[BaseModel]) -> tuple[str, ...]:
    """Return the columns that are times, but for `TIME_COLUMN`: text in messages, milliseconds in Druid."""
    return tuple(
        name
        for name, field in message.model_fields.items()
        if name != TIME_COLUMN and _python_type(field.annotation) is AwareDatetime
    )


def _column_type(annotation: Any) -> ColumnType:
    kind = _python_type(annotation)
    if kind not in _TYPES:
        raise TypeError(f"no Druid column holds a {annotation}")
    return _TYPES[kind]


def _python_type(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _python_type(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        kinds = {_python_type(one) for one in get_args(annotation) if one is not NoneType}
        return kinds.pop() if len(kinds) == 1 else annotation
    return annotation
