"""``driver-score reprocess``: score trips again from stored events."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from schemas.settings import load_settings

TIME_FORMATS: Final = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]
"""Of times in options."""


def reprocess(
    since: Annotated[
        datetime,
        typer.Option("--from", formats=TIME_FORMATS, help="UTC."),
    ],
    client: Annotated[str | None, typer.Option(help="Publish only this client's scores again.")] = None,
    margin_h: Annotated[
        float, typer.Option("--margin", min=0, help="Hours to read before that time: longer than any trip.")
    ] = 24,
) -> None:
    """Score the trips again that were sent since a time; the workers must be stopped.

    Trip states and offsets of the group are set back together. The next workers read the events again and publish the
    scores with higher revisions, which replace those of before.
    """
    from stream_app.maintenance import reset_to  # noqa: PLC0415 - Faust is imported with it

    reset = reset_to(load_settings(), since.replace(tzinfo=UTC), timedelta(hours=margin_h), client)
    typer.echo(
        f"{reset.records} records will be read again, and scored with revisions from {reset.first_revision} on. "
        "Start the workers."
    )
