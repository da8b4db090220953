"""Names in our SQL, whose keywords and functions are all in capitals."""

import re

_NOT_NAMES = re.compile(r"'(?:[^']|'')*'|\$\{[^}]*\}|--[^\n]*")
_SOURCE = re.compile(r'\bFROM\s+"([^"]+)"')
_ALIAS = re.compile(r'\bAS\s+"?(\w+)"?(?:\((\w+)\))?')
_TABLE = re.compile(r"\b(\w+)\s+AS\s*\(")


def sources_of(statement: str) -> set[str]:
    """Return the data sources of a statement."""
    return set(_SOURCE.findall(statement))


def names_used(statement: str) -> set[str]:
    """Return the names that a statement takes from its data sources: all but those it gives itself.

    A name that is given to an expression is looked at where it is given: ``MAX(score) AS score`` uses ``score``.
    """
    text = _SOURCE.sub("FROM source", _NOT_NAMES.sub(" ", statement.replace("${feature:raw}", "score")))
    given = {"source"} | {name for pair in _ALIAS.findall(text) for name in pair if name} | set(_TABLE.findall(text))
    taken = re.sub(r'\bAS\s+"?\w+"?(\(\w+\))?', " ", text)
    names = set(re.findall(r"\b[a-z_][a-z0-9_]*\b", taken))
    inside = {name for call in re.findall(r"LATEST_BY\(\s*(\w+)", taken) for name in [call]}
    return (names - given) | inside
