"""The rule files, read."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from driver_score.local_stack.programs import program
from driver_score.local_stack.servers.prometheus import PROMETHEUS_DIR, RULES_DIR

RULE_FILES = sorted(RULES_DIR.glob("*.yaml"))
RULE_TEST_FILES = sorted((PROMETHEUS_DIR / "tests").glob("*.yaml"))


@dataclass(frozen=True)
class Ran:
    status: int
    output: str


def run(name: str, *arguments: str | Path) -> Ran:
    """Run a program of Debian's packages, installed if need be."""
    done = subprocess.run([program(name), *map(str, arguments)], capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout + done.stderr)


def rules() -> list[dict[str, Any]]:
    """Return all rules, recording and alert."""
    return [
        rule for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]
    ]


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alert rules by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}
