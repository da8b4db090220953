"""Whether a supervisor spec matches the messages that it ingests."""

from collections.abc import Iterable
from typing import Any

from druid_specs.errors import SpecMismatchError
from druid_specs.specs.columns import TIME_COLUMN, column_types, time_columns
from schemas.columns import OUTPUT_MESSAGES


def check_supervisor(spec: dict[str, Any], source: str) -> None:
    """Check that a spec declares all columns of its messages, with their types.

    Parameters
    ----------
    spec
        In Druid's form, its topic without a prefix.
    source
        Name of the spec in errors: its file.

    Raises
    ------
    SpecMismatchError
        If a column is missing, is not in the messages, or has another type; if the time is not `TIME_COLUMN`; or
        if Druid would discover columns by itself.
    """
    try:
        schema = spec["spec"]["dataSchema"]
        topic = spec["spec"]["ioConfig"]["topic"]
        dimensions = {column["name"]: column["type"] for column in schema["dimensionsSpec"]["dimensions"]}
        time_column = schema["timestampSpec"]["column"]
        is_rolled_up = schema["granularitySpec"]["rollup"]
    except (KeyError, TypeError) as error:
        raise SpecMismatchError(source, str(error).strip("'"), "is not valid in a supervisor spec of Druid") from error
    if topic not in OUTPUT_MESSAGES:
        raise SpecMismatchError(source, "topic", f"is {topic!r}, which is not a topic of output messages")
    if time_column != TIME_COLUMN:
        raise SpecMismatchError(source, time_column, f"is not the time of the messages, which is {TIME_COLUMN!r}")
    if schema["dimensionsSpec"].get("useSchemaDiscovery") or schema["dimensionsSpec"].get("includeAllDimensions"):
        raise SpecMismatchError(source, "*", "enables schema discovery: each column must be declared")
    if is_rolled_up:
        _check_sources(schema, dimensions, topic, source)
    else:
        _check_columns(schema, dimensions, topic, source)


def _check_columns(schema: dict[str, Any], dimensions: dict[str, str], topic: str, source: str) -> None:
    """Check a data source with one row for each message."""
    message = OUTPUT_MESSAGES[topic]
    expected: dict[str, str] = dict(column_types(message))
    for name, kind in expected.items():
        if name not in dimensions:
            raise SpecMismatchError(source, name, f"of {message.__name__} is missing")
        if dimensions[name] != kind:
            raise SpecMismatchError(source, name, f"is {dimensions[name]}, but {kind} in {message.__name__}")
    _refuse_unknown(dimensions, expected, topic, source)
    for metric in _metrics(schema):
        raise SpecMismatchError(source, str(metric.get("name")), "is a metric, which only roll-ups have")
    parsed = {transform.get("name"): transform.get("expression") for transform in _transforms(schema)}
    for name in time_columns(message):
        if parsed.get(name) != f'timestamp_parse("{name}")':
            raise SpecMismatchError(source, name, "is a time and needs a transform of the same name that parses it")


def _check_sources(schema: dict[str, Any], dimensions: dict[str, str], topic: str, source: str) -> None:
    """Check that a roll-up is made of columns that the messages have."""
    known = {
        *OUTPUT_MESSAGES[topic].model_fields,
        *(transform["name"] for transform in _transforms(schema) if "name" in transform),
    }
    _refuse_unknown(dimensions, known, topic, source)
    _refuse_unknown((one["fieldName"] for one in _metrics(schema) if "fieldName" in one), known, topic, source)


def _refuse_unknown(names: Iterable[str], known: Iterable[str], topic: str, source: str) -> None:
    for name in names:
        if name not in known:
            raise SpecMismatchError(source, name, f"is not in {OUTPUT_MESSAGES[topic].__name__}")


def _metrics(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return list(schema.get("metricsSpec") or [])


def _transforms(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return list((schema.get("transformSpec") or {}).get("transforms") or [])
