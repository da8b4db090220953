"""``python -m stream_app`` is ``driver-score``."""

from stream_app.cli.main import main

main()
