"""Which code is mutated, and the unit tests that should notice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Room:
    """Modules and their unit tests, both as patterns from the root of the repository; the quickest tests come first."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]

    def module_paths(self, root: Path = REPOSITORY) -> list[Path]:
        """Return the modules, relative to `root`."""
        return [path for path in _found(self.modules, root) if path.name != "__init__.py"]

    def test_paths(self, root: Path = REPOSITORY) -> list[Path]:
        """Return the test modules, relative to `root`."""
        return _found(self.tests, root)


def _found(patterns: tuple[str, ...], root: Path) -> list[Path]:
    found: dict[Path, None] = {}
    for pattern in patterns:
        matched = sorted(path.relative_to(root) for path in root.glob(pattern))
        assert matched, f"nothing is called {pattern}"
        found |= dict.fromkeys(matched)
    return list(found)


_SCORING: Final = "tests/unit/scoring/test_"
_STREAM: Final = "tests/unit/stream_app/test_"

ROOMS: Final = (
    Room(
        "events",
        ("scoring/events/*.py",),
        (f"{_SCORING}json_reading.py", f"{_SCORING}trip_state.py", f"{_STREAM}decoding*.py"),
    ),
    Room("json_events", ("scoring/json_events/*.py",), (f"{_SCORING}json_reading.py", f"{_STREAM}decoding*.py")),
    Room(
        "features",
        ("scoring/features/**/*.py",),
        (
            f"{_SCORING}window*.py",
            f"{_SCORING}hard_events.py",
            f"{_SCORING}trip_state.py",
            f"{_SCORING}partition_clock.py",
            f"{_SCORING}features*.py",
            f"{_SCORING}state_chunks.py",
            f"{_SCORING}clock_of_uploads.py",
        ),
    ),
    Room(
        "scores",
        ("scoring/*.py",),
        (f"{_SCORING}driver_*.py", f"{_STREAM}trip_agent.py", f"{_STREAM}profile_agent.py"),
    ),
    Room("model", ("scoring/model/*.py",), (f"{_SCORING}model*.py",)),
    Room("training", ("scoring/training/*.py",), ("tests/unit/training/test_*.py",)),
    Room("trip_files", ("scoring/trip_files/*.py", "scoring/trip_files/*/*.py"), ("tests/unit/trip_files/test_*.py",)),
    Room(
        "output",
        ("stream_app/output/*.py",),
        (f"{_STREAM}alert_message.py", f"{_STREAM}delivery_failures.py", f"{_STREAM}checkpoint.py"),
    ),
    Room("state", ("stream_app/state/*.py",), (f"{_STREAM}stored_table.py", f"{_STREAM}checkpoint.py")),
)
