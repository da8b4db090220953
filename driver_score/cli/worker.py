"""``driver-score worker``: score trip events until told to stop."""

from schemas.settings.settings import load_settings
from stream_app.telemetry.logs import configure_logs
from stream_app.worker.run import run_worker


def worker() -> None:
    """Score trip events from Kafka until SIGTERM. Settings come from DRIVER_SCORE_… environment variables."""
    configure_logs()
    run_worker(load_settings())
