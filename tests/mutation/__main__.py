"""``python -m tests.mutation``: how many small mistakes in the core do unit tests notice, and which do they not."""

import argparse
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutation.mutants import Mutant, all_mutants, in_drawn_order
from tests.mutation.rooms import ROOMS
from tests.mutation.workshop import Verdict, Workshop


def main() -> None:
    """Test mutants until the time is over, and print those that survived."""
    names = [room.name for room in ROOMS]
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no mutant after this time")
    parser.add_argument("--mutants", type=int, default=None, help="test this many at most")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1, help="of the order in which mutants are drawn")
    parser.add_argument("--rooms", nargs="*", choices=names, default=names)
    arguments = parser.parse_args()
    mutants = in_drawn_order(all_mutants([room for room in ROOMS if room.name in arguments.rooms]), arguments.seed)
    print(f"{len(mutants):,} mutants, seed {arguments.seed}", flush=True)
    ends_s = time.monotonic() + 60 * arguments.minutes
    verdicts = run(mutants[: arguments.mutants], arguments.processes, ends_s)
    print(report(verdicts))


def run(mutants: list[Mutant], processes: int, ends_s: float) -> list[Verdict]:
    """Test mutants in several copies of the repository at once, in their order."""
    waiting = iter(mutants)
    taking = threading.Lock()
    verdicts: list[Verdict] = []

    def work(folder: Path) -> None:
        workshop = Workshop(folder)
        while time.monotonic() < ends_s:
            with taking:
                mutant = next(waiting, None)
            if mutant is None:
                return
            verdict = workshop.test(mutant)
            verdicts.append(verdict)
            done = f"{len(verdicts)} {verdict.outcome} after {verdict.seconds:.0f} s"
            print(f"{done}: {mutant.module} {mutant.operator} {mutant.occurrence}", flush=True)

    with tempfile.TemporaryDirectory(prefix="driver-score-mutation-") as folder, ThreadPoolExecutor(processes) as pool:
        list(pool.map(work, [Path(folder, str(number)) for number in range(processes)]))
    return verdicts


def report(verdicts: list[Verdict]) -> str:
    """Render the survivors, and the share that was killed, by room."""
    survivors = [verdict.mutant for verdict in verdicts if verdict.outcome == "survived"]
    lines = [f"{mutant.operator} {mutant.occurrence}\n{mutant.diff()}\n" for mutant in survivors]
    tested = Counter(verdict.mutant.room.name for verdict in verdicts)
    survived = Counter(mutant.room.name for mutant in survivors)
    tested["all"], survived["all"] = tested.total(), survived.total()
    for name, count in tested.items():
        killed = count - survived[name]
        lines.append(f"{name:<12} {killed:>4} of {count:>4} killed, {killed / max(count, 1):.0%}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
