"""The page of all settings: its tables are made from the settings' models."""

from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from schemas.settings import Settings
from tests.support.golden.made_tables import with_tables

SETTINGS_PAGE: Final = Path(__file__).parents[3] / "docs" / "settings.md"

_BEGIN: Final = "<!-- tables: written by pytest with --update-golden -->"
_END: Final = "<!-- end of tables -->"


def settings_page() -> str:
    """Return what the page should be: its own text, with tables of the settings as they are now."""
    return with_tables(SETTINGS_PAGE, _BEGIN, _END, _tables())


def _tables() -> str:
    parts = []
    for part, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        rows = [_row(f"DRIVER_SCORE_{part}__{name}".upper(), of_part) for name, of_part in model.model_fields.items()]
        about = (model.__doc__ or "").strip().splitlines()[0].replace("``", "`")
        head = "| variable | default | values | |\n|---|---|---|---|"
        title = part.capitalize().replace("_", " ")
        parts.append(f"## {title}\n\n{about}\n\n{head}\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _row(variable: str, field: FieldInfo) -> str:
    return f"| `{variable}` | {_default(field)} | {_values(field)} | {field.description or ''} |"


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is None:
        return "unset"
    if isinstance(default, dict):
        return "`{}`" if not default else "below"
    return f"`{list(default) if isinstance(default, tuple) else default}`" if default != "" else "empty"


def _values(field: FieldInfo) -> str:
    kind = _kind(field.annotation)
    limits = [_limit(one) for one in field.metadata]
    return ", ".join([kind, *(limit for limit in limits if limit)])


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if isinstance(annotation, UnionType):
        return " or ".join(_kind(one) for one in get_args(annotation) if one is not NoneType)
    names = {
        int: "whole number",
        float: "number",
        bool: "`true`, `false`",
        str: "text",
        Path: "path",
        SecretStr: "secret",
    }
    return names.get(annotation, "JSON")


def _limit(constraint: object) -> str:
    for kind, sign in (
        (annotated_types.Ge, "≥"),
        (annotated_types.Gt, ">"),
        (annotated_types.Le, "≤"),
        (annotated_types.Lt, "<"),
    ):
        if isinstance(constraint, kind):
            return f"{sign} {getattr(constraint, kind.__name__.lower()):,}"
    pattern = getattr(constraint, "pattern", None)
    return f"matches `{pattern}`" if pattern else ""
