"""What can stop a simulation."""

from collections.abc import Sequence

from schemas.errors import DriverScoreError, MissingExtraError


class SumoMissingError(MissingExtraError):
    """Eclipse SUMO is not installed."""

    def __init__(self) -> None:
        super().__init__("simulating a fleet", "simulate")


class SumoFailedError(DriverScoreError):
    """A program of Eclipse SUMO ended with an error; the message ends with its own last words."""

    def __init__(self, program: str, status: int, stderr_tail: Sequence[str]) -> None:
        said = " | ".join(stderr_tail) or "it said nothing"
        super().__init__(
            f"SUMO's {program} stopped with status {status}: {said}. "
            "Check that the disk has room and that `eclipse-sumo` is a version of 1.22 or newer."
        )


class FleetSizeError(DriverScoreError):
    """A fleet of this size can't be simulated."""

    def __init__(self, drivers: int, trips_per_driver: int, *, max_trips_per_driver: int) -> None:
        super().__init__(
            f"can't simulate {drivers} drivers with {trips_per_driver} trips each: "
            f"ask for at least 1 driver and for 1 to {max_trips_per_driver} trips per driver."
        )
