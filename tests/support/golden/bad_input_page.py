"""The page of bad input: its table of verdicts is made from the messages that tests send."""

from pathlib import Path
from typing import Final

from tests.support.examples.bad_input import BAD_INPUT
from tests.support.golden.made_tables import with_tables

BAD_INPUT_PAGE: Final = Path(__file__).parents[3] / "docs" / "bad-input.md"

_BEGIN: Final = "<!-- table: written by pytest with --update-golden -->"
_END: Final = "<!-- end of table -->"


def bad_input_page() -> str:
    """Return what the page should be: its own text, with the table of the messages as they are now."""
    head = ["| input | verdict | code or fault |", "|---|---|---|"]
    return with_tables(BAD_INPUT_PAGE, _BEGIN, _END, "\n".join([*head, *(bad.row for bad in BAD_INPUT)]) + "\n")
