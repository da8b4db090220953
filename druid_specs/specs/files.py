"""The checked-in JSON files: ``supervisors/``, ``retention/`` and ``compaction/``, a file a data source.

``python -m druid_specs.specs.files`` regenerates them from the messages. To change a setting for one installation, copy
the folders, edit them, and name the copy in ``DRIVER_SCORE_DRUID__SPECS_DIR``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from druid_specs.errors import SpecFileError
from druid_specs.specs.lifecycle import compaction_configs, retention_rules
from druid_specs.specs.supervisor_specs import supervisor_specs

SPECS_DIR: Final = Path(__file__).parents[1]
SUPERVISORS: Final = "supervisors"
RETENTION: Final = "retention"
COMPACTION: Final = "compaction"


@dataclass(frozen=True)
class DataSourceFiles:
    """What the three files of a data source say.

    Attributes
    ----------
    name
        Of the data source, without a prefix.
    supervisor_path
        Where its supervisor stands.
    supervisor, rules, compaction
        In Druid's form.
    """

    name: str
    supervisor_path: Path
    supervisor: dict[str, Any]
    rules: list[dict[str, Any]]
    compaction: dict[str, Any]


def spec_texts() -> dict[str, str]:
    """Make the text of each file, by its path in the folder."""
    folders: dict[str, dict[str, Any]] = {
        SUPERVISORS: supervisor_specs(),
        RETENTION: retention_rules(),
        COMPACTION: compaction_configs(),
    }
    return {
        f"{folder}/{name}.json": json.dumps(content, indent=2) + "\n"
        for folder, contents in folders.items()
        for name, content in contents.items()
    }


def read_specs(specs_dir: Path = SPECS_DIR) -> list[DataSourceFiles]:
    """Read the files of each data source that has a supervisor.

    Raises
    ------
    SpecFileError
        If there is none, one is missing, or one is not JSON.
    """
    paths = sorted((specs_dir / SUPERVISORS).glob("*.json"))
    if not paths:
        raise SpecFileError(str(specs_dir / SUPERVISORS), "has no supervisor specs")
    return [
        DataSourceFiles(
            path.stem,
            path,
            _read(path),
            _read(specs_dir / RETENTION / path.name),
            _read(specs_dir / COMPACTION / path.name),
        )
        for path in paths
    ]


def write_specs(specs_dir: Path = SPECS_DIR) -> None:
    """Write all files."""
    for path, text in spec_texts().items():
        (specs_dir / path).parent.mkdir(parents=True, exist_ok=True)
        (specs_dir / path).write_text(text, encoding="utf-8")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecFileError(str(path), f"can't be read ({error.strerror})") from error
    except ValueError as error:
        raise SpecFileError(str(path), f"is not JSON ({error})") from error


if __name__ == "__main__":
    write_specs()
