"""``driver-score worker``: score trip events until SIGTERM."""

import os
import sys

import typer


def worker(context: typer.Context) -> None:
    """Score trip events from Kafka until SIGTERM. Settings come from DRIVER_SCORE_… environment variables."""
    debug = ["--debug"] if context.obj else []
    # Replaces this process instead of starting a child: signals and exit status need no forwarding.
    os.execv(sys.executable, [sys.executable, "-m", "stream_app.worker", *debug])  # noqa: S606 - our own program
