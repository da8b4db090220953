"""The numbers of a threshold profile and of the window settings, for the kernels."""

from typing import Final, NamedTuple

from schemas.event_frame import VEHICLE_CLASSES
from schemas.thresholds import SevereEventSettings, ThresholdProfile, WindowSettings


class KernelParameters(NamedTuple):
    """The numbers of a profile and of the window settings, for the kernels; times in milliseconds.

    A maximum of 0 is none. Limits by vehicle class are tuples: of arrays, each call of a kernel would count references,
    an atomic step that took two thirds of the time of an update.
    """

    brake_mps2: tuple[float, ...]
    acceleration_mps2: tuple[float, ...]
    corner_mps2: tuple[float, ...]
    max_gap_ms: int
    max_sparse_gap_ms: int
    averaging_ms: int
    min_difference_ms: int
    max_difference_ms: int
    fault_mps2: float
    spike_mps2: float
    spike_kmh: float
    held_step_kmh: float
    min_event_ms: int
    release_share: float
    refractory_ms: int
    corner_min_speed_kmh: float
    over_moderate_kmh: float
    over_serious_kmh: float
    over_severe_kmh: float
    night_from_min: int
    night_until_min: int
    idle_kmh: float
    stop_ms: int
    moving_kmh: float
    min_rate_distance_km: float
    window_ms: int
    grace_ms: int
    idle_gap_ms: int
    retention_ms: int
    max_pending: int
    max_vehicle_trips: int
    max_partition_trips: int
    severe_mps2: float
    severe_pause_ms: int


_AVERAGING_TOLERANCE: Final = 0.9
"""Loggers of 1 or 2 Hz are early by up to a tenth; without it every second sample would be left out."""


def without_maxima(parameters: KernelParameters) -> KernelParameters:
    """Give the same numbers without maxima of trips: for files, whose trips are all kept until the end."""
    return parameters._replace(max_vehicle_trips=0, max_partition_trips=0)


def kernel_parameters(
    profile: ThresholdProfile, windows: WindowSettings, severe_events: SevereEventSettings | None = None
) -> KernelParameters:
    """Convert settings for the kernels, always to the same types: other types would compile the kernels again."""
    by_class = [profile.hard_events_of(name) for name in VEHICLE_CLASSES]

    def milliseconds(seconds: float) -> int:
        return round(seconds * 1000)

    severe_events = severe_events or SevereEventSettings()
    moderate, serious, severe = profile.speeding_kmh
    return KernelParameters(
        brake_mps2=tuple(float(limits.brake_mps2) for limits in by_class),
        acceleration_mps2=tuple(float(limits.acceleration_mps2) for limits in by_class),
        corner_mps2=tuple(float(limits.corner_mps2) for limits in by_class),
        max_gap_ms=milliseconds(profile.max_gap_s),
        max_sparse_gap_ms=milliseconds(profile.max_sparse_gap_s),
        averaging_ms=milliseconds(profile.averaging_s * _AVERAGING_TOLERANCE),
        min_difference_ms=milliseconds(profile.min_difference_s),
        max_difference_ms=milliseconds(profile.max_difference_s),
        fault_mps2=float(profile.fault_mps2),
        spike_mps2=float(profile.spike_mps2),
        spike_kmh=float(profile.spike_kmh),
        held_step_kmh=float(profile.held_step_kmh),
        min_event_ms=milliseconds(profile.min_event_s),
        release_share=float(profile.release_share),
        refractory_ms=milliseconds(profile.refractory_s),
        corner_min_speed_kmh=float(profile.corner_min_speed_kmh),
        over_moderate_kmh=float(moderate),
        over_serious_kmh=float(serious),
        over_severe_kmh=float(severe),
        night_from_min=profile.night_from_hour * 60,
        night_until_min=profile.night_until_hour * 60,
        idle_kmh=float(profile.idle_kmh),
        stop_ms=milliseconds(profile.stop_s),
        moving_kmh=float(profile.moving_kmh),
        min_rate_distance_km=float(profile.min_rate_distance_km),
        window_ms=windows.window_s * 1000,
        grace_ms=milliseconds(windows.grace_s),
        idle_gap_ms=milliseconds(windows.idle_gap_s),
        retention_ms=milliseconds(windows.retention_s),
        max_pending=windows.max_pending,
        max_vehicle_trips=windows.max_vehicle_trips,
        max_partition_trips=windows.max_partition_trips,
        severe_mps2=float(severe_events.severe_mps2),
        severe_pause_ms=milliseconds(severe_events.pause_s),
    )
