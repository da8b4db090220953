"""What is done beside the workers, or while they are stopped.

Of a group that is stopped, `grow` raises the number of partitions, and `reset_to` has trips scored again.
`rescore_trip` scores one trip again. The command line imports this package when
such a command is called, as the only part of the worker's packages.
"""

from stream_app.maintenance.growth import grow
from stream_app.maintenance.moving import Moved
from stream_app.maintenance.reprocess import Reset, reset_to
from stream_app.maintenance.rescore import rescore_trip

__all__ = ["Moved", "Reset", "grow", "rescore_trip", "reset_to"]
