"""Programs and jars that the native servers run from: found, installed from Debian, or fetched by Maven."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from schemas.errors import DriverScoreError

REPOSITORY_DIR: Final = Path(__file__).resolve().parents[2]
JAR_LISTS_DIR: Final = REPOSITORY_DIR / "docker" / "native"
DEFAULT_CACHE_DIR: Final = REPOSITORY_DIR / "var" / "native"

DEBIAN_PACKAGES: Final = {
    "java": "openjdk-17-jre-headless",
    "javac": "openjdk-17-jdk-headless",
    "mvn": "maven",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
}
"""The package of each program."""

_log = structlog.get_logger(__name__)


class MissingProgramError(DriverScoreError):
    """A program or jar of a native server is missing and can't be fetched."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"native stack: {problem}. {remedy}")


def program(name: str) -> str:
    """Return the path of one of `DEBIAN_PACKAGES`; installs its package where that is possible.

    Raises
    ------
    MissingProgramError
        If it is not installed, and this is not root on Debian, or apt-get fails.
    """
    path = shutil.which(name) or _install(name)
    if path is None:
        raise MissingProgramError(
            f"`{name}` is not installed",
            remedy=f"Install it; on Debian: apt-get install {DEBIAN_PACKAGES[name]}",
        )
    return path


def fetch_jars(name: str, cache_dir: Path = DEFAULT_CACHE_DIR) -> Path:
    """Return the folder with the jars that ``docker/native/<name>.xml`` lists, fetched by Maven unless it is there.

    The folder's name holds a hash of the list, so that a changed list is fetched again. Concurrent callers are
    safe: each fetches into a folder of its own, and the first to finish wins.

    Parameters
    ----------
    name
        Of the list.
    cache_dir
        Where the folder is, or will be.

    Raises
    ------
    MissingProgramError
        If Java or Maven is missing and can't be installed, or Maven fails.
    """
    jar_list = JAR_LISTS_DIR / f"{name}.xml"
    if not jar_list.exists():
        raise MissingProgramError(f"{jar_list} is missing", remedy="Run it from a clone of the repository.")
    jars_dir = cache_dir.absolute() / f"{name}-{hashlib.sha256(jar_list.read_bytes()).hexdigest()[:12]}"
    if jars_dir.is_dir():
        return jars_dir
    maven = program("mvn")
    cache_dir.mkdir(parents=True, exist_ok=True)
    _log.info("fetching jars", list=str(jar_list), into=str(jars_dir))
    with staged_jars(jars_dir) as staging:
        done = subprocess.run(  # noqa: S603 - the command is built here
            [
                maven, "-q", "-B", "-f", str(jar_list), "dependency:copy-dependencies",
                "-DincludeScope=runtime", f"-DoutputDirectory={staging}/jars",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise MissingProgramError(
                f"Maven failed: {_last_line(done.stdout + done.stderr)}",
                remedy="Check that Maven reaches its repository (proxy or mirror in ~/.m2/settings.xml).",
            )
    return jars_dir


@contextlib.contextmanager
def staged_jars(jars_dir: Path) -> Iterator[Path]:
    """Yield a folder whose ``jars`` become this folder at the end, unless another process was first."""
    with tempfile.TemporaryDirectory(dir=jars_dir.parent, prefix=".staged-") as staging:
        yield Path(staging)
        try:
            Path(staging, "jars").rename(jars_dir)
        except OSError:
            if not jars_dir.is_dir():
                raise


def _install(name: str) -> str | None:
    apt_get = shutil.which("apt-get")
    if apt_get is None or os.geteuid() != 0:
        return None
    package = DEBIAN_PACKAGES[name]
    _log.info("installing a Debian package", package=package)
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        done = subprocess.run(  # noqa: S603 - the command is built here
            [apt_get, *arguments],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise MissingProgramError(
                f"apt-get {arguments[0]} failed: {_last_line(done.stdout + done.stderr)}",
                remedy=f"Install {package} by hand.",
            )
    return shutil.which(name)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
