"""The guide for contributors is true: the way of one event, and the folders."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
GUIDE = (REPOSITORY / "CONTRIBUTING.md").read_text()

WAY_OF_ONE_EVENT = re.findall(r"^\| `([\w/]+\.py)` \| `(\w+)` \|", GUIDE, re.MULTILINE)
FOLDERS = re.findall(r"^\| (`\w+/`(?:, `\w+/`)*) \|", GUIDE, re.MULTILINE)


def test_the_way_of_one_event_has_seven_files() -> None:
    assert len(WAY_OF_ONE_EVENT) == 7


@pytest.mark.parametrize(("file", "name"), WAY_OF_ONE_EVENT)
def test_each_file_on_the_way_of_one_event_defines_what_is_to_be_read_in_it(file: str, name: str) -> None:
    assert re.search(rf"^(class|def) {name}\b", (REPOSITORY / file).read_text(), re.MULTILINE)


def test_every_folder_with_code_is_described() -> None:
    described = {folder.strip("`/") for row in FOLDERS for folder in row.split(", ")}
    with_code = {path.parent.name for path in REPOSITORY.glob("[a-z]*/*.py")}
    assert with_code - {"var", "build"} <= described


def test_the_modules_that_the_guide_names_exist() -> None:
    paths = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", GUIDE))
    assert [path for path in sorted(paths) if not (REPOSITORY / path).is_file()] == []
