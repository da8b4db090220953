"""Whether a supervisor spec matches the messages that it takes in."""

from collections.abc import Iterable
from typing import Any

from druid_specs.columns import TIME_COLUMN, column_types, time_columns
from druid_specs.errors import SpecMismatchError
from schemas.columns import OUTPUT_MESSAGES


def check_supervisor(spec: dict[str, Any], source: str) -> None:
    """Make sure that a spec takes in the columns of its messages, all and as they are.

    Parameters
    ----------
    spec
        In Druid's form, its topic without a prefix.
    source
        What an error calls the spec: its file.

    Raises
    ------
    SpecMismatchError
        If a column is missing, is not in the messages, or has another type; if the time is not `TIME_COLUMN`; or
        if Druid is left to find columns by itself.
    """
    try:
        schema = spec["spec"]["dataSchema"]
        topic = spec["spec"]["ioConfig"]["topic"]
        dimensions = {column["name"]: column["type"] for column in schema["dimensionsSpec"]["dimensions"]}
        time_column = schema["timestampSpec"]["column"]
        is_rolled_up = schema["granularitySpec"]["rollup"]
    except (KeyError, TypeError) as error:
        raise SpecMismatchError(source, str(error).strip("'"), "is not as Druid's supervisor specs have it") from error
    if topic not in OUTPUT_MESSAGES:
        raise SpecMismatchError(source, "topic", f"is {topic!r}, which has no messages of ours")
    if time_column != TIME_COLUMN:
        raise SpecMismatchError(source, time_column, f"is not the time of the messages, which is {TIME_COLUMN!r}")
    if schema["dimensionsSpec"].get("useSchemaDiscovery") or schema["dimensionsSpec"].get("includeAllDimensions"):
        raise SpecMismatchError(source, "*", "leaves columns for Druid to find: every one must be declared")
    if is_rolled_up:
        _check_sources(schema, dimensions, topic, source)
    else:
        _check_columns(schema, dimensions, topic, source)


def _check_columns(schema: dict[str, Any], dimensions: dict[str, str], topic: str, source: str) -> None:
    """Check a data source with a row for each message."""
    message = OUTPUT_MESSAGES[topic]
    expected: dict[str, str] = dict(column_types(message))
    for name, kind in expected.items():
        if name not in dimensions:
            raise SpecMismatchError(source, name, f"is in {message.__name__}, and missing here")
        if dimensions[name] != kind:
            raise SpecMismatchError(source, name, f"is {dimensions[name]} here, and {kind} in {message.__name__}")
    _refuse_unknown(dimensions, expected, topic, source)
    for metric in _metrics(schema):
        raise SpecMismatchError(source, str(metric.get("name")), "is a metric, in a data source of rows")
    parsed = {transform.get("name"): transform.get("expression") for transform in _transforms(schema)}
    for name in time_columns(message):
        if parsed.get(name) != f'timestamp_parse("{name}")':
            raise SpecMismatchError(source, name, "is a time, and must be parsed by a transform of its name")


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
