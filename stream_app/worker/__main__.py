"""``python -m stream_app.worker``: the worker's process. Settings come from DRIVER_SCORE_… environment variables."""

import os
import sys

# Before Polars is imported, which reads it then. The worker's frames have some hundred rows: to pass them to another
# thread and wait for it costs more than the work, a tenth of the throughput in all.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

from schemas.errors import DriverScoreError, ExitStatus
from schemas.settings import load_settings
from stream_app.telemetry.logs import configure_logs, write_suppressed_lines
from stream_app.worker.run import run_worker


def main() -> None:
    """Run a worker; a `DriverScoreError` is printed as one line, with ``--debug`` as a traceback."""
    configure_logs()
    try:
        run_worker(load_settings())
    except DriverScoreError as error:
        if "--debug" in sys.argv[1:]:
            raise
        write_suppressed_lines()
        sys.stderr.write(f"error: {error}\n")
        sys.exit(ExitStatus.FAILED)


main()
