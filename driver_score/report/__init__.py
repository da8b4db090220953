"""The HTML report that ``driver-score demo`` ends with: one file, for the people who run a fleet.

``render`` puts together what the other modules compute from scores, alerts, profiles and events, one section each;
``figures`` draws, ``wording`` has the sentences, ``templates`` the HTML.
"""

from driver_score.report.quality import InputQuality
from driver_score.report.render import write_report

__all__ = ["InputQuality", "write_report"]
