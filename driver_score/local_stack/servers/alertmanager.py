"""Alertmanager from Debian's package, on loopback."""

from pathlib import Path

from driver_score.local_stack.programs import program
from driver_score.local_stack.server_process import LOOPBACK, ServerProcess, free_port, http_answers
from prometheus import write_alertmanager_yaml
from schemas.settings import AlertSettings


class NativeAlertmanager(ServerProcess):
    """An Alertmanager that notifies the channels of the settings.

    Parameters
    ----------
    work_dir
        Folder of its data, settings and log.
    settings
        The channels.
    port
        Where it listens; a free one when null.
    group_wait
        How long the first message of a group waits for other alerts of it.
    """

    def __init__(
        self, work_dir: Path, settings: AlertSettings, *, port: int | None = None, group_wait: str = "10s"
    ) -> None:
        super().__init__("Alertmanager", work_dir / "logs" / "alertmanager.log", start_timeout_s=60.0)
        self.port = port or free_port()
        self.address = f"{LOOPBACK}:{self.port}"
        self._work_dir = work_dir.absolute()
        self._settings = settings
        self._group_wait = group_wait

    def answers(self) -> bool:
        """Return whether it takes alerts."""
        return http_answers(self.port, "/-/ready")

    def _command(self) -> list[str]:
        conf_path = self._work_dir / "conf" / "alertmanager.yaml"
        write_alertmanager_yaml(self._settings, conf_path, group_wait=self._group_wait)
        return [
            program("prometheus-alertmanager"),
            f"--config.file={conf_path}",
            f"--storage.path={self._work_dir / 'data' / 'alertmanager'}",
            f"--web.listen-address={self.address}",
            f"--web.external-url=http://{self.address}",  # in links of messages; else it is the machine's name
            "--cluster.listen-address=",  # one is enough, and it needs no peers
        ]
