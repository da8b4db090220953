"""Where the ids of an event stand in its row of ids."""

from typing import Final

TRIP: Final = 0
VEHICLE: Final = 1
DRIVER: Final = 2
CLIENT: Final = 3
"""Places of the ids of a trip; the first two are its key."""
