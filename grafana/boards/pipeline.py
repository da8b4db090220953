"""Pipeline operations: whether the worker keeps up, what it refuses, and whether scores arrive in Druid."""

from typing import Final

from grafana.datasources import DruidSql, PrometheusVariable, PromQl
from grafana.links import BOARD_LINKS, PIPELINE_UID
from grafana.model import Column, Dashboard, Panel, Row, Threshold
from grafana.panels import BY_LABEL, COUNT, NUMBER, PERCENT, SECONDS, bars, lines, stat, table
from grafana.sql import TIME

INSTANCE: Final = PrometheusVariable("instance", "Worker", "label_values(driver_score_worker_events_total, instance)")

_OF: Final = '{instance=~"$instance"}'
_NO_WORKER: Final = "No worker is scraped: is it up, and is its metrics port set?"
_NO_EXPORTER: Final = "Druid does not answer, or no exporter is scraped"
_BUSY: Final = (Threshold(None, "green"), Threshold(1, "orange"), Threshold(5, "red"))
_ANY_IS_BAD: Final = (Threshold(None, "green"), Threshold(1, "red"))

EVENTS_PER_SECOND: Final = "eps"
PER_SECOND: Final = "ops"
BYTES: Final = "bytes"


def _metric(name: str) -> str:
    return f"driver_score_worker_{name}{_OF}"


def _final(band: str) -> str:
    return f'driver_score_worker_final_scores_total{{instance=~"$instance", band=~"{band}"}}'


def _rate(name: str, by: str = "") -> str:
    return f"sum {f'by ({by}) ' if by else ''}(rate({_metric(name)}[$__rate_interval]))"


def _quantiles(title: str, description: str, histogram: str) -> Panel:
    """Show quantiles of a histogram of seconds."""
    shares = (("0.5", "half within"), ("0.95", "19 of 20 within"), ("0.99", "99 of 100 within"))
    return lines(
        title,
        description,
        *(
            PromQl(f"histogram_quantile({share}, {_rate(histogram + '_bucket', 'le')})", legend)
            for share, legend in shares
        ),
        unit=SECONDS,
        width=8,
        no_data=_NO_WORKER,
    )


PIPELINE_OPERATIONS: Final = Dashboard(
    uid=PIPELINE_UID,
    title="Pipeline operations",
    description="Throughput, latency, rejected messages and stored state of the workers, and ingestion into Druid.",
    tags=("driver-score",),
    variables=(INSTANCE,),
    links=BOARD_LINKS,
    period="1h",
    refresh="10s",
    rows=(
        Row(
            "Now",
            (
                stat(
                    "Workers",
                    "Workers that Prometheus can scrape.",
                    PromQl(f"count({_metric('events_total')})", "workers"),
                    unit=COUNT,
                    no_data=_NO_WORKER,
                ),
                stat(
                    "Events per second",
                    "Valid trip events processed by all workers.",
                    PromQl(_rate("events_total"), "events"),
                    unit=EVENTS_PER_SECOND,
                    no_data=_NO_WORKER,
                ),
                stat(
                    "Consumer lag",
                    "Kafka records that are not committed yet. Fine while it falls; if it grows, start another worker.",
                    PromQl(f"sum({_metric('lag_records')})", "records"),
                    unit=COUNT,
                    no_data=_NO_WORKER,
                ),
                stat(
                    "p99 latency",
                    "From the newest record of a batch in Kafka to its scores enqueued in the producer.",
                    PromQl(f"histogram_quantile(0.99, {_rate('latency_seconds_bucket', 'le')})", "delay"),
                    unit=SECONDS,
                    thresholds=_BUSY,
                    no_data="No events now",
                ),
                stat(
                    "Last commit",
                    "Age of the last commit of the slowest worker. Above a minute while events arrive: it is stalled.",
                    PromQl(f"time() - min({_metric('last_commit_timestamp_seconds')} > 0)", "age"),
                    unit=SECONDS,
                    decimals=0,
                    no_data="No commit yet",
                ),
                stat(
                    "Delivery failures",
                    "Messages that Kafka did not accept, in the period shown. Anything but zero is a fault.",
                    PromQl(f"sum(increase({_metric('delivery_failures_total')}[$__range])) or vector(0)", "messages"),
                    unit=COUNT,
                    decimals=0,
                    thresholds=_ANY_IS_BAD,
                    no_data=_NO_WORKER,
                ),
            ),
        ),
        Row(
            "Input",
            (
                lines(
                    "Events",
                    "Processed events, and of these duplicates, late events, and events that were read again after a "
                    "restart.",
                    PromQl(_rate("events_total"), "taken in"),
                    PromQl(_rate("duplicate_events_total"), "duplicates"),
                    PromQl(_rate("late_events_total"), "late"),
                    PromQl(_rate("replayed_events_total"), "read again"),
                    unit=EVENTS_PER_SECOND,
                    minimum=0,
                    no_data=_NO_WORKER,
                ),
                bars(
                    "Rejected records by code",
                    "Sent to the dead-letter topic with the reason. The codes are in the guide on bad input.",
                    PromQl(_rate("rejects_total", "code"), "{{code}}"),
                    unit=PER_SECOND,
                    no_data="Nothing was refused",
                ),
                bars(
                    "Fields that count as unknown",
                    "Events that count without a field, by field and fault. A placeholder is a number by which devices "
                    "say that they don't know; the others are faults of a device, in the guide on bad input.",
                    PromQl(_rate("field_faults_total", "field, fault"), "{{field}}: {{fault}}"),
                    unit=PER_SECOND,
                    no_data="No field had a fault",
                ),
                lines(
                    "Consumer lag by topic",
                    "Not committed yet. Growing for many minutes: the workers do not keep up.",
                    PromQl(f"sum by (topic) ({_metric('lag_records')})", "{{topic}}"),
                    unit=COUNT,
                    minimum=0,
                    no_data=_NO_WORKER,
                ),
                lines(
                    "Stalled partitions",
                    "For how long a partition with unread records has made no progress. It normally returns to "
                    "zero at each commit; a line that climbs is a stalled worker.",
                    PromQl(f"max by (topic) ({_metric('stalled_seconds')})", "{{topic}}"),
                    unit=SECONDS,
                    minimum=0,
                    no_data=_NO_WORKER,
                ),
                lines(
                    "Samples without a measurement",
                    "Share of the samples without the measurement, by sensor. A step up is new firmware of a "
                    "device, or a sensor that failed; the alert names the client.",
                    PromQl(
                        f"{_rate('examined_samples_without_total', 'sensor')}"
                        f" / on () group_left () {_rate('examined_samples_total')}",
                        "{{sensor}}",
                    ),
                    unit=PERCENT,
                    minimum=0,
                    maximum=1,
                    no_data="No samples now",
                ),
                lines(
                    "High-risk share of final scores, by client",
                    "As in the alert rule: of the scores published in the last hour, revisions included.",
                    PromQl(
                        f"sum by (client) (increase({_final('high')}[1h]))"
                        f" / sum by (client) (increase({_final('.+')}[1h]))",
                        "{{client}}",
                    ),
                    unit=PERCENT,
                    minimum=0,
                    no_data="No final scores in the last hour",
                ),
                lines(
                    "Trips in memory",
                    "Open trips, and trips that ended recently. Grows with the fleet, not with time.",
                    PromQl(f"sum({_metric('trips')})", "trips"),
                    unit=COUNT,
                    minimum=0,
                    no_data=_NO_WORKER,
                ),
            ),
        ),
        Row(
            "Work",
            (
                _quantiles(
                    "Latency of scores",
                    "From the newest record of a batch in Kafka to its scores enqueued in the producer.",
                    "latency_seconds",
                ),
                _quantiles(
                    "Duration of batches", "Features, scores and enqueuing of outputs, after decoding.", "batch_seconds"
                ),
                _quantiles(
                    "Duration of checkpoints",
                    "To confirm outputs, store states and commit offsets.",
                    "checkpoint_seconds",
                ),
            ),
        ),
        Row(
            "Output",
            (
                bars(
                    "Scores by kind and status",
                    "Published on driver-scores.",
                    PromQl(_rate("scores_total", "kind, status"), "{{kind}} {{status}}"),
                    unit=PER_SECOND,
                    no_data=_NO_WORKER,
                ),
                lines(
                    "Alerts and profiles",
                    "Published on trip-alerts and driver-profiles.",
                    PromQl(_rate("alerts_total"), "alerts"),
                    PromQl(_rate("profiles_total"), "profiles"),
                    unit=PER_SECOND,
                    minimum=0,
                    no_data=_NO_WORKER,
                ),
                bars(
                    "Scores in Druid by event time",
                    "Rows of driver-scores that can be queried. With live events, an edge that does not move while "
                    "the workers publish means that Druid ingests nothing.",
                    DruidSql(
                        "SELECT TIME_FLOOR(__time, 'PT1M') AS \"__time\", kind, COUNT(*) AS score_rows\n"
                        f'FROM "driver-scores" WHERE {TIME}\nGROUP BY 1, 2\nORDER BY 1'
                    ),
                    unit=COUNT,
                    no_data="No scores in Druid for this period",
                    transformations=(BY_LABEL,),
                ),
                table(
                    "Loaded models",
                    "The model that each worker has loaded. More than one version for more than a minute or two: a "
                    "worker was not updated.",
                    PromQl(f"count by (instance, name, version) ({_metric('model_info')} == 1)", is_instant=True),
                    columns=(
                        Column("instance", "Worker"),
                        Column("name", "Model"),
                        Column("version", "Version"),
                    ),
                    transformations=({"id": "organize", "options": {"excludeByName": {"Time": True, "Value": True}}},),
                    width=12,
                    height=8,
                    no_data=_NO_WORKER,
                ),
            ),
        ),
        Row(
            "Druid",
            (
                lines(
                    "Druid's lag",
                    "Messages that Druid's tasks have not read. A task that publishes its segments causes a short "
                    "peak.",
                    PromQl("driver_score_druid_lag_records", "{{data_source}}"),
                    unit=COUNT,
                    minimum=0,
                    width=8,
                    no_data=_NO_EXPORTER,
                ),
                lines(
                    "Missing rows",
                    "Messages that Druid has read and that can't be queried. Rows that retention dropped are included; "
                    "a line that climbs is a loss.",
                    PromQl(
                        "clamp_min(driver_score_druid_published_records - driver_score_druid_lag_records"
                        " - driver_score_druid_rows, 0)",
                        "{{data_source}}",
                    ),
                    unit=COUNT,
                    minimum=0,
                    width=8,
                    no_data=_NO_EXPORTER,
                ),
                stat(
                    "Unhealthy supervisors",
                    "Data sources whose supervisor is missing or unhealthy: they ingest nothing.",
                    PromQl("sum(1 - driver_score_druid_supervisor_healthy)", "supervisors"),
                    unit=COUNT,
                    thresholds=_ANY_IS_BAD,
                    no_data=_NO_EXPORTER,
                ),
                stat(
                    "Unparseable messages",
                    "Messages that running tasks could not parse: the spec and the messages do not match.",
                    PromQl("sum(driver_score_druid_unparseable_rows)", "messages"),
                    unit=COUNT,
                    thresholds=_ANY_IS_BAD,
                    no_data=_NO_EXPORTER,
                ),
            ),
        ),
        Row(
            "Process",
            (
                lines(
                    "Memory",
                    "Resident memory of each worker.",
                    PromQl(
                        f"process_resident_memory_bytes{_OF} and on (instance) {_metric('events_total')}",
                        "{{instance}}",
                    ),
                    unit=BYTES,
                    minimum=0,
                    no_data=_NO_WORKER,
                ),
                lines(
                    "Processor time",
                    "Cores in use by each worker. At one for long: start another worker.",
                    PromQl(
                        f"rate(process_cpu_seconds_total{_OF}[$__rate_interval]) and on (instance)"
                        f" {_metric('events_total')}",
                        "{{instance}}",
                    ),
                    unit=NUMBER,
                    minimum=0,
                    decimals=2,
                    no_data=_NO_WORKER,
                ),
            ),
        ),
    ),
)
"""The board of those who run the pipeline."""
