"""``driver-score worker``: score trip events until told to stop."""

import os
import sys

import typer


def worker(context: typer.Context) -> None:
    """Score trip events from Kafka until SIGTERM. Settings come from DRIVER_SCORE_… environment variables."""
    debug = ["--debug"] if context.obj else []
    # In place of this process, not as its child: signals and the exit status need no one to pass them on.
    os.execv(sys.executable, [sys.executable, "-m", "stream_app.worker", *debug])  # noqa: S606 - our own program
