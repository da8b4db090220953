"""The HTML report that ``driver-score demo`` ends with: one file, for the people who run a fleet."""

from stream_app.report.quality import InputQuality
from stream_app.report.render import write_report

__all__ = ["InputQuality", "write_report"]
