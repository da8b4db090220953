"""A run as a page of the documentation."""

from typing import Final

from tests.chaos.run import ChaosRun
from tests.chaos.verdict import EXAMPLES

_END: Final = "<!-- end of the run -->\n"


def as_text(run: ChaosRun) -> str:
    """Say in a few lines what was found."""
    what = f"{len(run.faults)} faults, {run.stream.messages:,} messages, {_broker_count(run.brokers)}"
    lines = [f"{what}, seed {run.seed}, {run.seconds:.0f} s"]
    lines += [f"  {name}: {count:,}" for name, count in run.verdict.counts.items()]
    for kind, wrong in run.verdict.errors.items():
        lines.append(f"  {kind}: {len(wrong):,}")
        lines += [f"    {line[:1000]}" for line in wrong[:EXAMPLES]]
    lines += [f"  workers that stopped as they should: {count}: {said}" for said, count in _stops(run)]
    lines += [f"  ended by itself: {death[:1000]}" for death in run.deaths]
    lines.append("PASSED" if run.verdict.passed else "FAILED")
    return "\n".join(lines)


def as_markdown(run: ChaosRun) -> str:
    """Give the section of the page that a run writes."""
    what = (
        f"Seed {run.seed}, {_broker_count(run.brokers)}: {run.stream.messages:,} messages, {len(run.faults)} faults, "
        f"{run.starts} worker starts, {run.seconds / 60:.1f} minutes."
    )
    lines = [
        what,
        "",
        "| fault | times |",
        "|---|--:|",
        *(f"| {kind} | {count} |" for kind, count in sorted(run.faults_by_kind.items())),
        "",
        "| workers that stopped because the log had changed, with the line | workers |",
        "|---|--:|",
        *(f"| … {said} … | {count} |" for said, count in _stops(run)),
        f"| *workers that ended by themselves otherwise* | {len(run.deaths)} |",
        "",
        "| check | violations |",
        "|---|--:|",
        *(f"| {kind} | {len(wrong):,} |" for kind, wrong in run.verdict.errors.items()),
        "",
        "| what was compared | count |",
        "|---|--:|",
        *(f"| {name} | {count:,} |" for name, count in run.verdict.counts.items()),
    ]
    return "\n".join(lines) + "\n"


def around_section(page: str, brokers: int) -> tuple[str, str]:
    """Give what a page has before and behind the section of a run with so many brokers.

    Raises
    ------
    ValueError
        If it has no such section.
    """
    begin = f"<!-- {_broker_count(brokers)}: written by python -m tests.chaos -->\n"
    before, found, rest = page.partition(begin)
    _, found_end, after = rest.partition(_END)
    if not (found and found_end):
        raise ValueError(f"the page has no section between {begin.strip()} and {_END.strip()}")
    return before + begin, _END + after


def _broker_count(count: int) -> str:
    return f"{count} broker{'s' if count > 1 else ''}"


def _stops(run: ChaosRun) -> list[tuple[str, int]]:
    return sorted(run.expected_stops.items())
