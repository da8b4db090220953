"""``python -m tests.chaos``: a known stream, real Kafka, several workers, and faults at random moments."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.report import as_markdown, as_text
from tests.chaos.run import run_chaos

_MARK = "<!-- written by python -m tests.chaos -->\n"


def main() -> None:
    """Run, say what was found, and fail where anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="drawn when it is not given")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--faults", type=int, default=50)
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the results at the end of this page")
    arguments = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="driver-score-chaos-"))
    print(f"seed {seed}, logs in {folder}", flush=True)
    run = run_chaos(
        folder, seed=seed, events=arguments.events, faults=arguments.faults, say=lambda line: print(line, flush=True)
    )
    print(as_text(run))
    if arguments.write is not None:
        page = arguments.write.read_text().partition(_MARK)[0]
        arguments.write.write_text(page + _MARK + as_markdown(run))
    sys.exit(0 if run.verdict.passed else 1)


if __name__ == "__main__":
    main()
