"""Pages of the documentation whose tables are made from the code."""

from pathlib import Path


def with_tables(page: Path, begin: str, end: str, tables: str) -> str:
    """Return a page's own text, with what stands between two marks replaced by these tables."""
    before, remainder = page.read_text().split(begin)
    return f"{before}{begin}\n\n{tables}\n{end}{remainder.split(end)[1]}"
