"""Work on the stored states and offsets of a group whose workers are stopped.

`grow` raises the number of partitions, `reset_to` has trips scored again. The command line imports this package when
such a command is called, as the only part of the worker's packages.
"""

from stream_app.maintenance.growth import grow
from stream_app.maintenance.moving import Moved
from stream_app.maintenance.reprocess import Reset, reset_to

__all__ = ["Moved", "Reset", "grow", "reset_to"]
