"""The page of health: its table of reasons is made from their codes."""

from pathlib import Path
from typing import Final

from stream_app.telemetry.health_reasons import MEANINGS
from tests.support.golden.made_tables import with_tables

HEALTH_PAGE: Final = Path(__file__).parents[3] / "docs" / "health.md"

_BEGIN: Final = "<!-- table: written by pytest with --update-golden -->"
_END: Final = "<!-- end of table -->"


def health_page() -> str:
    """Return what the page should be: its own text, with a table of the codes as they are now."""
    return with_tables(HEALTH_PAGE, _BEGIN, _END, _table())


def _table() -> str:
    rows = [
        f"| `{code}` | {meaning.effect} | {meaning.text} | {', '.join(f'`{name}`' for name in meaning.fields)} |"
        for code, meaning in MEANINGS.items()
    ]
    return "\n".join(["| code | effect | means | further fields |", "|---|---|---|---|", *rows]) + "\n"
