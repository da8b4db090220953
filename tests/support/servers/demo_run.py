"""The demo as a process, as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.servers.brokers import PATIENCE_S


def run_demo(data: Path, *options: str) -> tuple[dict[str, Any], str, str]:
    """Run the demo on a file, with no settings but the defaults; give its JSON, its end lines and its report."""
    report = data.with_name("report.html")
    done = subprocess.run(
        [sys.executable, "-m", "driver_score", "demo", "--data", data, "--report", report, "--json", *options],
        env={name: given for name, given in os.environ.items() if not name.startswith("DRIVER_SCORE_")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), " ".join(done.stderr.split()), report.read_text()
