"""Lines that say what of the input did not count as it was sent."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text


def print_losses(console: Console, large: Iterable[str], small: Iterable[str]) -> None:
    """Print a line for each loss; large ones are marked as warnings, also where there are no colours."""
    for loss in large:
        console.print(Text(f"WARNING: {loss}", style="bold red"), soft_wrap=True)
    for loss in small:
        console.print(Text(loss), soft_wrap=True)
