"""The recorded drives that are no part of the repository: a pytest plugin with their fixture and marker.

Tests marked ``real_data`` need the files of the 100-Car study and of the KIT OBD-II set. Where the folder is
absent they are deselected, and the header of the test run says so.
"""

import os
from pathlib import Path

import pytest

VARIABLE = "DRIVER_SCORE_SHARED_DATA"
FILES = ("100car.parquet", "kit_obd2.csv.gz")


def real_data_folder() -> Path | None:
    """Return the folder named by the environment, or ``../shared/data`` of the repository, if it has the files."""
    given = os.environ.get(VARIABLE)
    folder = Path(given) if given else Path(__file__).resolve().parents[4] / "shared" / "data"
    return folder if all((folder / name).is_file() for name in FILES) else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = real_data_folder()
    assert folder is not None, f"no {' and '.join(FILES)}; is this test marked real_data?"
    return folder


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_data: needs recorded drives that are no part of the repository")


def pytest_report_header() -> str:
    folder = real_data_folder()
    if folder is None:
        return f"real data: absent, tests marked real_data are deselected ({VARIABLE} names the folder)"
    return f"real data: {folder}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if real_data_folder() is None:
        absent = [item for item in items if item.get_closest_marker("real_data")]
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if item not in absent]
