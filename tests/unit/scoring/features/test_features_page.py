import doctest
from pathlib import Path

from schemas.features import FEATURE_NAMES

PAGE = Path(__file__).resolve().parents[4] / "docs" / "features.md"


def test_the_example_of_the_features_page_is_true() -> None:
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted > 5
    assert results.failed == 0


def test_the_features_page_defines_every_feature_once() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    defined = [line.split("`")[1] for line in rows if line.split("`")[1] in FEATURE_NAMES]
    assert sorted(defined) == sorted(FEATURE_NAMES)
