"""The Faust application: topics, tables and agents wired together.

To follow one event, read ``batch_consumer``, ``decoding``, ``scoring.features.update``, ``scoring.driver_scores``,
``publishing``, ``commit``, and ``trip_agent``, which calls them in this order.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import faust
from faust.auth import Credentials, SASLCredentials, SSLCredentials
from faust.types import TableT, TopicT

import scoring
from schemas.settings import DecodingSettings, KafkaSettings, Settings, WorkerSettings
from schemas.topics import PROFILES_TABLE, SCORES_BY_DRIVER, TRIP_EVENTS, TRIPS_TABLE
from scoring.driver_scores import ScoreMaker
from scoring.features.parameters import kernel_parameters
from scoring.model.exposure import ExposureLimits
from scoring.model.scorer import Scorer
from stream_app.faust_bridge.batch_consumer import BatchApp
from stream_app.faust_bridge.source_partitions import SourcePartitions
from stream_app.ingest.decoding import Decoder
from stream_app.output.outputs import Publisher
from stream_app.state.checkpoint import Checkpoints
from stream_app.state.partition_states import StoredStates
from stream_app.state.stored_table import RereadTable, StoredTable
from stream_app.telemetry import metrics
from stream_app.worker.profile_agent import ProfileKeeper
from stream_app.worker.trip_agent import TripAgent
from stream_app.worker.wall_clock import now_ms

DEFAULT_MODEL: Final = Path(scoring.__file__).parent / "default_model"
"""The model that is shipped."""

_BATCHES_WAITING: Final = 8
"""Batches fetched ahead of the one at work; more would only hold memory."""

_NO_TIMED_COMMIT_S: Final = 3600.0
"""Offsets are committed at checkpoints, not by Faust's timer."""


@dataclass(frozen=True)
class Worker:
    """The application, and what its command drives."""

    app: BatchApp
    trips: TripAgent


def load_scorer(settings: Settings) -> Scorer:
    """Load the model that the settings name.

    Raises
    ------
    ModelNotFoundError, ModelCorruptError
        When the model can't be used.
    """
    scorer = Scorer.load(settings.model.path or DEFAULT_MODEL)
    metrics.MODEL.labels(scorer.name, scorer.version).set(1)
    return scorer


def build_worker(settings: Settings, scorer: Scorer) -> Worker:
    """Wire the application together; within a running event loop, to which Faust binds."""
    kafka = settings.kafka
    app = _app(kafka, settings.worker)
    parameters = kernel_parameters(settings.thresholds, settings.windows, settings.severe_events)
    publisher = Publisher(kafka.bootstrap, kafka.topic_prefix, kafka.client_config())
    trips_table, profiles_table = (
        StoredTable(
            _table(app, kind, name), publisher, lambda: app.consumer_generation_id, keeps_versions=name == TRIPS_TABLE
        )
        for kind, name in ((RereadTable, TRIPS_TABLE), (faust.Table, PROFILES_TABLE))
    )
    checkpoints = Checkpoints(
        trips=trips_table,
        profiles=profiles_table,
        stored=StoredStates(parameters, settings.worker.state_chunks),
        publisher=publisher,
        commit=app.commit_acknowledged,
        checkpoint_s=settings.worker.checkpoint_s,
    )
    trips = TripAgent(
        decoder=_decoder(settings.decoding),
        parameters=parameters,
        score_maker=_score_maker(settings, scorer),
        publisher=publisher,
        checkpoints=checkpoints,
        source=SourcePartitions(app, kafka.topic_prefix + TRIP_EVENTS.name),
    )
    profiles = ProfileKeeper(profiles_table, publisher, checkpoints, settings.profiles, scorer.metadata.bands.band_of)
    app.agent(_topic(app, kafka.topic_prefix + TRIP_EVENTS.name), name="trips")(trips.run)
    app.agent(_topic(app, kafka.topic_prefix + SCORES_BY_DRIVER.name), name="profiles")(profiles.run)

    async def forget(*_args: object, **_kwargs: object) -> None:
        app.tenure += 1
        await trips.forget()

    app.on_partitions_revoked.connect(forget, weak=False)
    return Worker(app, trips)


def _app(kafka: KafkaSettings, worker: WorkerSettings) -> BatchApp:
    return BatchApp(
        kafka.topic_prefix + kafka.group,
        batched_topics=[kafka.topic_prefix + topic.name for topic in (TRIP_EVENTS, SCORES_BY_DRIVER)],
        broker=[f"kafka://{address}" for address in kafka.bootstrap.split(",")],
        broker_credentials=_credentials(kafka),
        broker_commit_interval=_NO_TIMED_COMMIT_S,
        broker_max_poll_records=None,
        broker_session_timeout=worker.session_timeout_s,
        broker_heartbeat_interval=worker.session_timeout_s / 6,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=worker.fetch_bytes,
        store="memory://",
        stream_buffer_maxsize=_BATCHES_WAITING,
        stream_wait_empty=False,
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_partitions=kafka.partitions,
        topic_replication_factor=kafka.replication,
        web_enabled=False,
    )


def _credentials(kafka: KafkaSettings) -> Credentials | None:
    context = ssl.create_default_context() if kafka.security_protocol.endswith("SSL") else None
    if kafka.username is not None and kafka.password is not None:
        return SASLCredentials(
            username=kafka.username,
            password=kafka.password.get_secret_value(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context is not None else None


def _topic(app: BatchApp, name: str) -> TopicT:
    return app.topic(name, value_type=bytes, value_serializer="raw", key_serializer="raw")


def _table(app: BatchApp, kind: type[faust.Table], name: str) -> TableT:
    return app.tables.add(kind(app, name=name, key_type=bytes, value_type=bytes, beacon=app.tables.beacon))


def _decoder(settings: DecodingSettings) -> Decoder:
    return Decoder(
        max_value_bytes=settings.max_value_bytes,
        max_ahead_s=settings.max_ahead_s,
        time_zones=settings.time_zones,
        now_ms=now_ms,
    )


def _score_maker(settings: Settings, scorer: Scorer) -> ScoreMaker:
    exposure = settings.exposure
    return ScoreMaker(
        scorer,
        threshold_profile=settings.thresholds.identity,
        trip_exposure=ExposureLimits(exposure.min_trip_km, exposure.min_trip_s),
        window_exposure=ExposureLimits(exposure.min_window_km, exposure.min_window_s),
    )
