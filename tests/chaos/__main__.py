"""``python -m tests.chaos``: a known stream, real Kafka, several workers, and faults at random moments."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.report import around_section, as_markdown, as_text
from tests.chaos.run import run_chaos
from tests.support.servers.kafka_cluster import NODES


def main() -> None:
    """Run, say what was found, and fail where anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="drawn when it is not given")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--faults", type=int, default=50)
    parser.add_argument("--brokers", type=int, choices=(1, NODES), default=1, help="one, or a cluster of three")
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the results into this page")
    arguments = parser.parse_args()
    if arguments.write is not None:
        around_section(arguments.write.read_text(), arguments.brokers)  # not to fail after the run
    seed = random.SystemRandom().randrange(1_000_000) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="driver-score-chaos-"))
    print(f"seed {seed}, logs in {folder}", flush=True)
    run = run_chaos(
        folder,
        seed=seed,
        events=arguments.events,
        faults=arguments.faults,
        brokers=arguments.brokers,
        say=lambda line: print(line, flush=True),
    )
    print(as_text(run))
    if arguments.write is not None:
        before, after = around_section(arguments.write.read_text(), run.brokers)
        arguments.write.write_text(f"{before}\n{as_markdown(run)}\n{after}")
    sys.exit(0 if run.verdict.passed else 1)


if __name__ == "__main__":
    main()
