"""A run as a page of the documentation."""

from tests.chaos.run import ChaosRun
from tests.chaos.verdict import EXAMPLES


def as_text(run: ChaosRun) -> str:
    """Say in a few lines what was found."""
    lines = [f"{len(run.faults)} faults, {run.stream.messages:,} messages, seed {run.seed}, {run.seconds:.0f} s"]
    lines += [f"  {name}: {count:,}" for name, count in run.verdict.counts.items()]
    for kind, wrong in run.verdict.errors.items():
        lines.append(f"  {kind}: {len(wrong):,}")
        lines += [f"    {line[:1000]}" for line in wrong[:EXAMPLES]]
    lines += [f"  ended by itself: {death[:1000]}" for death in run.deaths]
    lines.append("PASSED" if run.verdict.passed else "FAILED")
    return "\n".join(lines)


def as_markdown(run: ChaosRun) -> str:
    """Give the section of the page that a run writes."""
    what = (
        f"Seed {run.seed}: {run.stream.messages:,} messages, {len(run.faults)} faults, {run.starts} worker starts, "
        f"{run.seconds / 60:.1f} minutes."
    )
    lines = [
        what,
        "",
        "| fault | times |",
        "|---|--:|",
        *(f"| {kind} | {count} |" for kind, count in sorted(run.faults_by_kind.items())),
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
