"""The worker's Prometheus metrics."""

from collections.abc import Iterable
from typing import Final, get_args

from prometheus_client import Counter, Gauge, Histogram

from schemas.messages.trip_alert import TripAlert

EVENTS: Final = Counter("driver_score_worker_events_total", "Valid trip events processed")
RECORDS: Final = Counter("driver_score_worker_records_total", "Kafka records read from trip-events")
REJECTS: Final = Counter("driver_score_worker_rejects_total", "Records sent to the dead-letter topic", ["code"])
FIELD_FAULTS: Final = Counter(
    "driver_score_worker_field_faults_total",
    "Events that count without an optional field, as its value can't be; a placeholder is a number for unknown",
    ["field", "fault"],
)
MIXED_PARTITIONERS: Final = Gauge(
    "driver_score_worker_mixed_partitioners",
    "1 since records placed by Java's and by librdkafka's default partitioner were both read: trips are split",
)
REPLAYED: Final = Counter(
    "driver_score_worker_replayed_events_total", "Events read again after a restart, and skipped as already included"
)
EXPIRED: Final = Counter(
    "driver_score_worker_expired_records_total",
    "Records that Kafka deleted before they were read; they are lost",
    ["topic"],
)
DUPLICATES: Final = Counter(
    "driver_score_worker_duplicate_events_total", "Events received before: same trip and time, or same event id"
)
EVICTED_TRIPS: Final = Counter(
    "driver_score_worker_evicted_trips_total",
    "Trips evicted because a vehicle or a partition had more than the maximum; open ones were closed",
    ["cause"],
)
DEVICE_FAULTS: Final = Counter(
    "driver_score_worker_device_faults_total",
    "Events whose time, speed or position was wrong (clock_jump, spike and position_jump left out, rollover put right),"
    " and final scores of trips with a held_speed, a speed_contradicted by the positions, a sensor_offset or a"
    " sensor_contradicted by the speed",
    ["fault"],
)
LATE: Final = Counter("driver_score_worker_late_events_total", "Events that came after the grace period")
LATE_TRIPS: Final = Counter(
    "driver_score_worker_late_trips_total",
    "Final scores that missed late events, by outcome: corrected, or events have expired in Kafka",
    ["outcome"],
)
WAITING_LATE_TRIPS: Final = Gauge(
    "driver_score_worker_waiting_late_trips",
    "Trips that are still to be scored again with the events that came late",
    ["partition"],
)
SCORES: Final = Counter("driver_score_worker_scores_total", "Driver Scores published", ["kind", "status"])
ALERTS: Final = Counter("driver_score_worker_alerts_total", "Trip alerts published", ["alert_type"])
PROFILES: Final = Counter("driver_score_worker_profiles_total", "Driver profiles published")
OPEN_TRIPS: Final = Gauge("driver_score_worker_trips", "Trips whose state is kept", ["partition"])
CLOSING_TRIPS: Final = Gauge(
    "driver_score_worker_closing_trips", "Trips of a silent partition that are still to be closed", ["partition"]
)
FINAL_SCORES: Final = Counter(
    "driver_score_worker_final_scores_total", "Final trip scores with a band, revisions included", ["client", "band"]
)
SAMPLES: Final = Counter(
    "driver_score_worker_examined_samples_total", "Samples examined for what they carry", ["client"]
)
SAMPLES_WITHOUT: Final = Counter(
    "driver_score_worker_examined_samples_without_total",
    "Examined samples that lack a measurement",
    ["client", "sensor"],
)
BROKER_AVAILABLE: Final = Gauge("driver_score_worker_broker_available", "1 while a Kafka broker answers this worker")
BATCH_SECONDS: Final = Histogram(
    "driver_score_worker_batch_seconds",
    "Time to compute features, score and enqueue the outputs of a decoded batch",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
CHECKPOINT_SECONDS: Final = Histogram(
    "driver_score_worker_checkpoint_seconds",
    "Time to confirm outputs, store states and commit offsets",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LATENCY_SECONDS: Final = Histogram(
    "driver_score_worker_latency_seconds",
    "From the write of a batch's newest record to Kafka until its scores are enqueued in the producer",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
LAST_COMMIT: Final = Gauge("driver_score_worker_last_commit_timestamp_seconds", "When offsets were last committed")
MODEL: Final = Gauge("driver_score_worker_model_info", "The model that scores, 1 when loaded", ["name", "version"])
DELIVERY_FAILURES: Final = Counter(
    "driver_score_worker_delivery_failures_total", "Messages that Kafka did not accept", ["topic"]
)
LOG_CHANGES: Final = Counter(
    "driver_score_worker_log_changes_total",
    "Partitions whose log, offset or stored states had changed, and that were begun without states",
    ["change"],
)
DROPPED_STATES: Final = Counter(
    "driver_score_worker_dropped_state_chunks_total",
    "Stored chunks of states dropped, as they were made with other settings",
)


def total(counter: Counter) -> float:
    """Give the value of a counter, summed over its labels."""
    return sum(
        sample.value for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")
    )


def start_at_zero(
    *,
    reject_codes: Iterable[str],
    field_faults: Iterable[tuple[str, str]],
    statuses: Iterable[str],
    topics: Iterable[str],
    eviction_causes: Iterable[str],
    device_faults: Iterable[str],
    log_changes: Iterable[str],
) -> None:
    """Serve labelled counters at 0 from the start, so that their first increment is an increase for Prometheus.

    Parameters
    ----------
    reject_codes
        Codes of dead letters.
    field_faults
        Optional fields with the faults that they can have.
    statuses
        Of scores.
    topics
        Full names of those that are read.
    eviction_causes
        Why trips are evicted early.
    device_faults
        What features show of devices.
    log_changes
        What may have happened to a log.
    """
    for change in log_changes:
        LOG_CHANGES.labels(change)
    for topic in topics:
        EXPIRED.labels(topic)
    for code in reject_codes:
        REJECTS.labels(code)
    for field, fault in field_faults:
        FIELD_FAULTS.labels(field, fault)
    for kind in ("window", "trip"):
        for status in statuses:
            SCORES.labels(kind, status)
    for fault in device_faults:
        DEVICE_FAULTS.labels(fault)
    LATE_TRIPS.labels("corrected")
    LATE_TRIPS.labels("expired")
    for cause in eviction_causes:
        EVICTED_TRIPS.labels(cause)
    for alert_type in get_args(TripAlert.model_fields["alert_type"].annotation):
        ALERTS.labels(alert_type)
