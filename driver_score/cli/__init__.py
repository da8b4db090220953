"""The command line: a file per command."""

import os
import sys

if "worker" in sys.argv[1:]:
    # Before Polars is imported, which reads it then. The worker's frames have some hundred rows: handing them to
    # another thread and waiting for it costs more than the work, a tenth of the throughput in all.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
