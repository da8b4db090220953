"""``python -m driver_score`` is ``driver-score``."""

from driver_score.cli.main import main

main()
