"""``driver-score rescore``: score one trip again from its events in Kafka."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from driver_score.cli.operations.reprocess import TIME_FORMATS
from schemas.settings import load_settings


def rescore(
    trip: Annotated[str, typer.Option(help="Id of the trip.")],
    vehicle: Annotated[str | None, typer.Option(help="Its vehicle, where several have a trip of that id.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=TIME_FORMATS, help="Only events that Kafka received since then, UTC."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=TIME_FORMATS, help="Only events that Kafka received before, UTC.")
    ] = None,
) -> None:
    """Score one trip again with all of its events in Kafka, in order of time; workers go on meanwhile.

    For events that came after the trip's state was deleted. Its windows and the trip are published with a revision
    above all others, so that readers take it; prints the score, one a line of each driver. The trip must have ended.
    """
    from stream_app.maintenance import rescore_trip  # noqa: PLC0415 - Faust is imported with it

    scores = rescore_trip(
        load_settings(),
        trip,
        vehicle_id=vehicle,
        since=None if since is None else since.replace(tzinfo=UTC),
        until=None if until is None else until.replace(tzinfo=UTC),
    )
    for score in scores:
        typer.echo(json.dumps(score, ensure_ascii=False))
