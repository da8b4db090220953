"""Golden files are checked in and made from the code; tests compare both."""

from druid_specs.specs.files import SPECS_DIR, write_specs
from grafana import generate
from schemas.export import JSON_FOLDER, export
from tests.support.golden.bad_input_page import BAD_INPUT_PAGE, bad_input_page
from tests.support.golden.health_page import HEALTH_PAGE, health_page
from tests.support.golden.settings_page import SETTINGS_PAGE, settings_page


def update_golden_files() -> None:
    """Write all golden files, and remove those that are not made any more."""
    for path in (*JSON_FOLDER.glob("*.json"), *SPECS_DIR.rglob("*.json")):
        path.unlink()
    export()
    write_specs()
    generate.write()
    BAD_INPUT_PAGE.write_text(bad_input_page())
    HEALTH_PAGE.write_text(health_page())
    SETTINGS_PAGE.write_text(settings_page())
