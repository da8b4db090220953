"""``driver-score alerts``: notification of alerts."""

from pathlib import Path
from typing import Annotated, Final

import typer

from prometheus import write_alertmanager_yaml
from schemas.errors import SettingsError
from schemas.settings import load_settings

alerts: Final = typer.Typer(help="Notification of alerts.", no_args_is_help=True)


@alerts.callback()
def _alerts() -> None:
    """Keep ``config`` a command of its own while it is the only one."""


@alerts.command()
def config(
    output: Annotated[Path, typer.Option(help="File to write. Readable by its owner only, as it contains secrets.")],
) -> None:
    """Write Alertmanager's configuration, from the settings of DRIVER_SCORE_ALERTS."""
    settings = load_settings().alerts
    try:
        write_alertmanager_yaml(settings, output)
    except OSError as error:
        raise SettingsError(
            "--output", f"can't write {output} ({error.strerror})", remedy="Choose a folder that this user may write to"
        ) from error
