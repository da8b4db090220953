"""Structured logs: one event a line, JSON on a pipe and readable on a terminal; repeated lines are counted."""

import logging
import sys

import structlog

from stream_app.telemetry.repeated_lines import REPORTED_FIELDS, RepeatLimitingHandler


def configure_logs(level: int = logging.INFO) -> None:
    """Send our logs, and the warnings of the libraries, to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = RepeatLimitingHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(REPORTED_FIELDS)],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for ours in ("stream_app", "scoring", "driver_score"):
        logging.getLogger(ours).setLevel(level)


def write_suppressed_lines() -> None:
    """Write now how many repeated lines were suppressed, so that the line after this call is the last one."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, RepeatLimitingHandler):
            handler.write_suppressed()
