"""Write the output of a server into a bounded log: ``python -m driver_score.local_stack.bounded_log PATH MAX_BYTES``.

One process for each detached server: it reads the server's output and ends with it. At the limit the log is renamed
to ``PATH.1``, which is replaced. Only the standard library is imported: eleven of these run.
"""

import signal
import sys
from collections.abc import Iterable
from logging import Formatter, makeLogRecord
from logging.handlers import RotatingFileHandler
from typing import Final

MAX_LOG_BYTES: Final = 10 * 1024 * 1024
"""Days of Druid's most talkative service; two files a server are 220 MB for the whole stack."""


def keep(lines: Iterable[str], path: str, max_bytes: int) -> None:
    """Append lines to a log as they come, and begin a new one when it would be larger than this."""
    handler = RotatingFileHandler(path, maxBytes=max_bytes, backupCount=1, errors="replace")
    handler.setFormatter(Formatter("%(message)s"))
    for line in lines:
        handler.emit(makeLogRecord({"msg": line.rstrip("\n")}))
    handler.close()


if __name__ == "__main__":
    # Ends with the server, not before: its last lines are kept too.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
    keep(sys.stdin, sys.argv[1], int(sys.argv[2]))
