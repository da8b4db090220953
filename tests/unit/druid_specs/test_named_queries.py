"""Named queries as files, their parameters, and what the command says of bad ones."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from driver_score.cli.operations.druid_query import parse_time
from driver_score.local_stack.programs import REPOSITORY_DIR
from druid_specs.errors import QueryOptionError, UnknownQueryError
from druid_specs.named_queries import PARAMETERS, ParameterValue, named_query, query_names
from druid_specs.sql_connection import SqlParameter

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", query_names())
def test_a_query_says_what_it_is_and_has_a_place_for_each_parameter(name: str) -> None:
    query = named_query(name)
    assert query.description.endswith(".")
    assert "{{" not in query.statement
    assert query.statement.count("?") == len(query.parameters)
    assert set(query.parameters) <= set(PARAMETERS)
    assert {"since", "until", "client"} <= set(query.parameters)


@pytest.mark.parametrize("name", query_names())
def test_a_query_counts_a_trip_once_by_its_highest_revision(name: str) -> None:
    statement = named_query(name).statement
    assert "LATEST_BY(score, MILLIS_TO_TIMESTAMP(revision))" in statement
    assert re.search(r"GROUP BY 1, 2\b", statement)
    assert len(re.findall(r'FROM "', statement)) == 1


def test_the_guide_shows_every_query_with_what_it_answers() -> None:
    guide = (REPOSITORY_DIR / "docs" / "sql.md").read_text()
    assert set(re.findall(r"^\$ driver-score druid query ([\w-]+)", guide, flags=re.MULTILINE)) == set(query_names())


def test_texts_names_and_comments_hold_no_parameters() -> None:
    statement = named_query("score-distribution-by-client").statement
    assert "'trip'" in statement
    assert ":" not in re.sub(r"'[^']*'", "", statement)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, SqlParameter("VARCHAR", None)),
        ("client_a", SqlParameter("VARCHAR", "client_a")),
        ("' OR 1=1 --", SqlParameter("VARCHAR", "' OR 1=1 --")),
    ],
)
def test_a_parameter_keeps_its_type_and_value(given: str | None, expected: SqlParameter) -> None:
    query = named_query("fleet-overview")
    bound = query.bind({"client": given})
    assert bound[query.parameters.index("client")] == expected


def test_times_are_epoch_milliseconds_and_open_ends_are_filled_in() -> None:
    query = named_query("fleet-overview")
    bound = dict(zip(query.parameters, query.bind({"since": datetime(2026, 3, 9, tzinfo=UTC)}), strict=True))
    assert bound["since"] == SqlParameter("TIMESTAMP", 1_773_014_400_000)
    assert bound["until"] == SqlParameter("TIMESTAMP", 4_102_444_800_000)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("driver-trend", {}, "--driver is needed by driver-trend."),
        (
            "scores-by-model",
            {"min_km": 3.0},
            "--min-km has no effect in scores-by-model, which takes --since, --until, --client, --class.",
        ),
        (
            "fleet-overview",
            {"since": NOW, "until": NOW},
            "--since (2026-03-16T12:00:00+00:00) is not before --until (2026-03-16T12:00:00+00:00).",
        ),
    ],
)
def test_options_that_cannot_work_are_named(name: str, given: dict[str, ParameterValue], message: str) -> None:
    with pytest.raises(QueryOptionError) as raised:
        named_query(name).bind(given)
    assert str(raised.value) == message


@pytest.mark.parametrize("name", ["nothing", "../queries/fleet-overview", "", "fleet-overview.sql"])
def test_a_query_that_there_is_not_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UnknownQueryError, match="driver-ranking, driver-trend"):
        named_query(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-09", datetime(2026, 3, 9, tzinfo=UTC)),
        ("2026-03-09T08:00", datetime(2026, 3, 9, 8, tzinfo=UTC)),
        ("2026-03-09T08:00+01:00", datetime(2026, 3, 9, 7, tzinfo=UTC)),
        ("90m", NOW - timedelta(minutes=90)),
        ("24h", NOW - timedelta(days=1)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
    ],
)
def test_a_time_is_a_date_or_so_long_ago(text: str, expected: datetime) -> None:
    assert parse_time(text, "since", now=NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "", "d", "-3d", "1.5d", "2026-13-01", "99999999999d", "' OR 1=1 --"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(QueryOptionError, match=r"--since .* is not a time"):
        parse_time(text, "since", now=NOW)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "unknown query 'nothing'"),
        (["fleet-overview", "--since", "yesterday"], "--since 'yesterday' is not a time"),
        (["fleet-overview", "--class", "tank"], "--class 'tank' is not one of car, van, truck, bus, motorcycle."),
        (["fleet-overview"], "no Druid answers at http://127.0.0.1:1"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "driver_score", "druid", "query", *arguments],
        env={**os.environ, "DRIVER_SCORE_DRUID__URL": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
