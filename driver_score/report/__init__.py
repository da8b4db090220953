"""The HTML report that ``driver-score demo`` ends with: one file, for the people who run a fleet."""

from driver_score.report.quality import InputQuality
from driver_score.report.render import write_report

__all__ = ["InputQuality", "write_report"]
