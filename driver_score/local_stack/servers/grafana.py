"""Grafana on loopback, where one is installed, with the data sources and dashboards of the repository."""

from pathlib import Path
from typing import Final

from driver_score.local_stack.server_process import LOOPBACK, ServerProcess, http_answers
from grafana.generate import DASHBOARDS_DIR

PROVISIONING_DIR: Final = DASHBOARDS_DIR.with_name("provisioning")

_START_TIMEOUT_S: Final = 180.0
"""Its first start makes its database, step by step."""


def grafana_command(home: Path) -> list[str] | None:
    """Return what starts the Grafana of a folder; null when there is none.

    Parameters
    ----------
    home
        Folder with its ``bin``: ``/usr/share/grafana`` of the package, or where the archive was unpacked.
    """
    if (home / "bin" / "grafana").exists():
        return [str(home / "bin" / "grafana"), "server"]
    if (home / "bin" / "grafana-server").exists():  # up to 9.3
        return [str(home / "bin" / "grafana-server")]
    return None


class NativeGrafana(ServerProcess):
    """A Grafana that is open to everybody on this machine for reading, without login.

    Parameters
    ----------
    work_dir
        Folder of its data and log.
    command
        What starts it, of `grafana_command`.
    home, plugins_dir
        Folders of the installation, and of its plugins.
    druid_url, prometheus_url
        Where its data sources are.
    port
        Where it listens.
    """

    def __init__(
        self,
        work_dir: Path,
        command: list[str],
        *,
        home: Path,
        plugins_dir: Path,
        druid_url: str,
        prometheus_url: str,
        port: int,
    ) -> None:
        super().__init__("Grafana", work_dir / "logs" / "grafana.log", start_timeout_s=_START_TIMEOUT_S)
        self.port = port
        self._work_dir = work_dir.absolute()
        self._start_command = command
        self._home = home.absolute()
        self._plugins_dir = plugins_dir.absolute()
        self._druid_url = druid_url
        self._prometheus_url = prometheus_url

    def answers(self) -> bool:
        """Return whether it is healthy, by its own account."""
        return http_answers(self.port, "/api/health")

    def _command(self) -> list[str]:
        return [*self._start_command, f"--homepath={self._home}"]

    def _environment(self) -> dict[str, str]:
        return {
            "GF_SERVER_HTTP_ADDR": LOOPBACK,
            "GF_SERVER_HTTP_PORT": str(self.port),
            "GF_PATHS_DATA": str(self._work_dir / "data"),
            "GF_PATHS_LOGS": str(self._work_dir / "logs"),
            "GF_PATHS_PLUGINS": str(self._plugins_dir),
            "GF_PATHS_PROVISIONING": str(PROVISIONING_DIR),
            "GF_LOG_MODE": "console",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_AUTH_DISABLE_LOGIN_FORM": "true",
            "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
            "GRAFANA_DASHBOARDS_DIR": str(DASHBOARDS_DIR),
            "GRAFANA_DRUID_URL": self._druid_url,
            "GRAFANA_PROMETHEUS_URL": self._prometheus_url,
        }
