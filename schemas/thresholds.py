"""What counts as hard, fast, idle or late: the named, versioned numbers behind every feature."""

from pydantic import BaseModel, ConfigDict, Field


class HardEventThresholds(BaseModel):
    """Accelerations from which driving is hard, for one vehicle class, m/s².

    There is no standard. Passenger-car defaults of the field cluster at braking 2.9-3.9, acceleration 2.5-3.6
    and cornering 2.9-4.4 m/s² (Tesla 0.30 g, Progressive 7 mph/s, GPS Insight 0.36-0.38 g, Digital Matter's
    testing values 3.0/3.0/3.5); heavier vehicles use lower ones, as loads shift and tyres hold less.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    brake_mps2: float = Field(default=3.0, gt=0, lt=15)
    acceleration_mps2: float = Field(default=3.0, gt=0, lt=15)
    corner_mps2: float = Field(default=3.5, gt=0, lt=15)


def _default_hard_events() -> dict[str, HardEventThresholds]:
    heavy = HardEventThresholds(brake_mps2=2.5, acceleration_mps2=2.0, corner_mps2=2.5)
    return {
        "car": HardEventThresholds(),
        "van": HardEventThresholds(brake_mps2=2.9, acceleration_mps2=2.7, corner_mps2=3.2),
        "truck": heavy,
        "bus": HardEventThresholds(brake_mps2=2.2, acceleration_mps2=1.8, corner_mps2=2.2),
        "motorcycle": HardEventThresholds(brake_mps2=3.5, acceleration_mps2=3.5, corner_mps2=4.0),
    }


class ThresholdProfile(BaseModel):
    """All numbers that define the features; its ``identity`` is written into every output.

    Durations are seconds of event time. Defaults are for 1 to 10 samples a second.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="default", pattern=r"^[a-z0-9_-]{1,32}$")
    version: int = Field(default=2, ge=1)
    hard_events: dict[str, HardEventThresholds] = Field(default_factory=_default_hard_events)
    max_gap_s: float = Field(
        default=10, gt=0, le=3600, description="A longer interval counts neither time nor distance"
    )
    max_sparse_gap_s: float = Field(
        default=90,
        gt=0,
        le=3600,
        description="but one of at most three times the one before it does, up to this: a tracker that sends seldom",
    )
    averaging_s: float = Field(
        default=0.5, ge=0.5, le=1, description="Accelerations are averaged over this long; 10 % less is enough"
    )
    min_difference_s: float = Field(
        default=0.9, gt=0, le=1.35, description="Speeds are differenced over 1 s; 10 % less, as loggers jitter"
    )
    max_difference_s: float = Field(default=3.0, gt=0, le=3600, description="and at most over this long")
    fault_mps2: float = Field(default=15.0, gt=0, description="A larger acceleration is a sensor fault")
    spike_mps2: float = Field(
        default=4.0, gt=0, description="A single speed is a fault if it is reached, and left again, by at least this"
    )
    spike_kmh: float = Field(default=10.0, gt=0, description="and differs from both neighbours by at least this")
    held_step_kmh: float = Field(
        default=3.0, gt=0, description="Changes of speed by at least this tell whether a sensor holds its values"
    )
    min_event_s: float = Field(default=0.4, gt=0, description="One averaging time, jitter allowed")
    release_share: float = Field(default=0.8, gt=0, le=1, description="An event ends below this share of its threshold")
    refractory_s: float = Field(default=2.0, ge=0, description="The next one begins at least this long after")
    corner_min_speed_kmh: float = Field(default=15, ge=0, description="Heading rates mean nothing when slower")
    speeding_kmh: tuple[float, float, float] = Field(
        default=(5, 15, 30), description="Excess over the limit where moderate, serious and severe speeding begin"
    )
    night_from_hour: int = Field(default=23, ge=0, le=23)
    night_until_hour: int = Field(default=5, ge=0, le=23)
    idle_kmh: float = Field(default=3, ge=0)
    stop_s: float = Field(default=10, gt=0, description="A standstill this long is a stop")
    moving_kmh: float = Field(default=10, ge=0, description="Phone use counts above this speed")
    min_rate_distance_km: float = Field(default=1, gt=0, description="No rates per 100 km below this distance")

    @property
    def identity(self) -> str:
        """Name and version, as outputs carry it: ``default-v2``."""
        return f"{self.name}-v{self.version}"

    def hard_events_of(self, vehicle_class: str) -> HardEventThresholds:
        """Give the thresholds of a vehicle class; a class that is not listed has those of a car by default."""
        return self.hard_events.get(vehicle_class, HardEventThresholds())


class WindowSettings(BaseModel):
    """When scores are emitted, and how long a trip waits for late events; seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_s: int = Field(default=60, ge=10, le=3600, description="Length of the tumbling window, event time")
    grace_s: float = Field(default=10, ge=0, description="Events this much out of order are sorted in")
    idle_gap_s: float = Field(default=300, gt=0, description="A trip without an end closes after this silence")
    retention_s: float = Field(
        default=1800, gt=0, description="A closed trip is kept this long, so that it can be scored again"
    )
    max_pending: int = Field(
        default=2048,
        ge=16,
        le=32_768,
        description="Events kept for sorting per trip: 10 s at 200 a second; then the oldest goes in",
    )
    max_vehicle_trips: int = Field(
        default=64,
        ge=2,
        le=1024,
        description="Trips kept per vehicle id, closed ones included; then the one silent for longest is evicted",
    )
    max_partition_trips: int = Field(
        default=500_000,
        ge=1000,
        le=10_000_000,
        description="Trips kept per partition, closed ones included; then those silent for longest are evicted",
    )

    def model_post_init(self, _context: object, /) -> None:
        """Refuse a grace period that spans windows: a window is revised at most once, before the next one ends."""
        if self.grace_s >= self.window_s:
            raise ValueError(f"grace_s ({self.grace_s:g}) must be shorter than window_s ({self.window_s})")


class SevereEventSettings(BaseModel):
    """Which single events are reported at once.

    7 m/s² is 0.71 g: emergency braking on a dry road, where hard braking begins at 3. Commercial video telematics
    put collisions and emergency manoeuvres at 0.5 to 1 g.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    severe_mps2: float = Field(
        default=7.0, gt=0, description="An acceleration this large, in any direction, alerts by itself"
    )
    pause_s: float = Field(
        default=60, ge=0, description="The same trip alerts so again only after this long, event time"
    )
