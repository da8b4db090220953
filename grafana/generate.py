"""Dashboards as files: the JSON that is checked in, written anew or held against the code."""

import json
from pathlib import Path
from typing import Final

from grafana.boards import DASHBOARDS
from grafana.model import Dashboard
from schemas.errors import DriverScoreError

DASHBOARDS_DIR: Final = Path(__file__).with_name("dashboards")


class StaleDashboardError(DriverScoreError):
    """The checked-in JSON is not what the code makes."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"not what the code makes: {', '.join(names)}. Write them anew with `driver-score dashboards build`."
        )


def file_name(dashboard: Dashboard) -> str:
    """Return the name of a dashboard's file."""
    return f"{dashboard.uid.removeprefix('driver-score-')}.json"


def render(dashboard: Dashboard) -> str:
    """Return the JSON of a dashboard, the same in every run."""
    return json.dumps(dashboard.to_json(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write(folder: Path = DASHBOARDS_DIR) -> list[Path]:
    """Write all dashboards, and remove files of dashboards that are no more.

    Returns
    -------
    list of Path
        The files, in the order of the dashboards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        if path.name not in map(file_name, DASHBOARDS):
            path.unlink()
    paths = [folder / file_name(dashboard) for dashboard in DASHBOARDS]
    for path, dashboard in zip(paths, DASHBOARDS, strict=True):
        path.write_text(render(dashboard), encoding="utf-8")
    return paths


def check(folder: Path = DASHBOARDS_DIR) -> None:
    """Hold the files against the code.

    Raises
    ------
    StaleDashboardError
        If a file is missing, differs, or belongs to no dashboard.
    """
    expected = {file_name(dashboard): render(dashboard) for dashboard in DASHBOARDS}
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    stale = sorted(name for name in expected.keys() | there.keys() if expected.get(name) != there.get(name))
    if stale:
        raise StaleDashboardError(stale)
