"""The whole pipeline on one machine, to watch: ``driver-score demo``. Needs the packages of the extra ``demo``.

``session`` runs a broker, a worker and a replay until everything is scored; ``collector`` and ``worker_metrics`` read
what they publish, ``live_view`` shows it.
"""

from driver_score.demo.live_view import live_view
from driver_score.demo.score_file import check_score_path
from driver_score.demo.session import DemoOutcome, Progress, run_demo

__all__ = ["DemoOutcome", "Progress", "check_score_path", "live_view", "run_demo"]
