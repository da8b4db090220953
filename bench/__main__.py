"""``python -m bench``: throughput of our worker and of peers that do the same job, and latency of scores."""

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.machine import machine
from bench.page import as_markdown
from bench.parts import ALONE, ON_KAFKA, Sizes, run_parts
from bench.results import Results

_PARTS: Final = (*ON_KAFKA, *ALONE)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=_PARTS, metavar="PART", help=", ".join(_PARTS))
    parser.add_argument(
        "--scale", type=float, default=1.0, help="factor for all events and seconds; 0.5 for a shorter run"
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=3,
        help="number of runs of the first backlog and at half of its rate; the median is reported",
    )
    parser.add_argument("--large-peers", action="store_true", help="run Kafka Streams with the large fleet too")
    parser.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    parser.add_argument("--write", type=Path, metavar="PATH", help="write docs/performance.md")
    return parser.parse_args()


def main() -> None:
    """Run the selected parts and print the results."""
    arguments = _arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it retries while a new topic has no leader
    results = Results(os.getloadavg()[0])
    logs_dir = Path(tempfile.mkdtemp(prefix="driver-score-bench-"))
    print(f"Logs: {logs_dir}", flush=True)
    run_parts(arguments.only, results, Sizes(arguments.scale, arguments.runs, arguments.large_peers), logs_dir)
    page = as_markdown(results)
    print(page)
    if arguments.write is not None:
        arguments.write.write_text(page)
    if arguments.json:
        print(json.dumps({"machine": machine(results.load_before), **results.as_json()}))
    if results.failures:
        sys.exit(1)
    shutil.rmtree(logs_dir)


if __name__ == "__main__":
    main()
