"""Wire the worker together: topics, tables, agents and the steps between them.

To follow one event, read the files that CONTRIBUTING.md lists, in their order.
"""

from dataclasses import dataclass

import structlog

from schemas.settings import Settings
from schemas.topics import PROFILES_TABLE, SCORES_BY_DRIVER, TRIP_EVENTS, TRIPS_TABLE
from scoring.engine import ScoringEngine
from scoring.features import kernel_parameters
from scoring.model import DEFAULT_MODEL, Scorer, scores_below_training
from stream_app.faust_bridge.app import BatchApp, create_app
from stream_app.faust_bridge.source_partitions import SourcePartitions
from stream_app.ingest.decoding import Decoder
from stream_app.ingest.late_events import LateEvents
from stream_app.kafka import SourceLogs, TopicReader
from stream_app.output.changelog import ChangelogWriter
from stream_app.output.outputs import Outputs
from stream_app.state.checkpoint import Checkpoint
from stream_app.state.owned_partitions import OwnedPartitions
from stream_app.state.partition_states import StoredStates
from stream_app.state.stored_table import StoredTable
from stream_app.telemetry import metrics
from stream_app.wall_clock import now_ms
from stream_app.worker.late_corrections import LateCorrections
from stream_app.worker.profile_agent import ProfileAgent
from stream_app.worker.silence import SilentPartitions
from stream_app.worker.source_check import SourceCheck
from stream_app.worker.trip_agent import TripAgent
from stream_app.worker.trip_processing import TripProcessing

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Worker:
    """The application, and what its main loop drives."""

    app: BatchApp
    checkpoint: Checkpoint
    processing: TripProcessing
    silence: SilentPartitions
    late: LateCorrections
    sources: SourceCheck


def load_scorer(settings: Settings) -> Scorer:
    """Load the model that the settings name.

    Raises
    ------
    ModelError
        When the model can't be used, or was trained with other thresholds.
    """
    scorer = Scorer.load(settings.model.path or DEFAULT_MODEL, thresholds=settings.thresholds)
    if scores_below_training(scorer.metadata, settings.exposure):
        log.warning(
            "trips are scored that are shorter than those that the model was trained on",
            min_trip_km=scorer.metadata.conditions.min_trip_km,
            min_trip_s=scorer.metadata.conditions.min_trip_s,
        )
    metrics.MODEL.labels(scorer.name, scorer.version).set(1)
    return scorer


def build_worker(settings: Settings, scorer: Scorer) -> Worker:
    """Wire the application together; within a running event loop, to which Faust binds."""
    kafka = settings.kafka
    events_topic, results_topic = (kafka.topic_prefix + topic.name for topic in (TRIP_EVENTS, SCORES_BY_DRIVER))
    app = create_app(kafka, settings.worker, [events_topic, results_topic])
    outputs, changelog = Outputs(kafka), ChangelogWriter(kafka, settings.worker.changelog_properties)

    def generation() -> int:
        return int(app.consumer_generation_id)

    trips_table = app.replicated_table(TRIPS_TABLE, reread=True)
    profiles = StoredTable(app.replicated_table(PROFILES_TABLE), changelog, generation)
    parameters = kernel_parameters(settings.thresholds, settings.windows, settings.severe_events)
    stored = StoredStates(parameters, settings.worker.state_chunks, kafka.max_message_bytes)
    partitions = OwnedPartitions(StoredTable(trips_table, changelog, generation, keeps_versions=True), stored)
    checkpoint = Checkpoint(
        partitions=partitions,
        profiles=profiles,
        stored=stored,
        outputs=outputs,
        changelog=changelog,
        commit=app.commit_acknowledged,
        interval_s=settings.worker.checkpoint_s,
    )
    processing = TripProcessing(partitions, ScoringEngine.of(settings, scorer), outputs)
    silence = SilentPartitions(
        SourcePartitions(app, events_topic), processing, checkpoint, settings.worker.silent_partition_s
    )
    late_events = LateEvents(TopicReader(kafka, events_topic), Decoder.of(settings, now_ms))
    late = LateCorrections(late_events, processing, checkpoint)
    app.consume(
        events_topic, "trips", TripAgent(Decoder.of(settings, now_ms), processing, checkpoint, silence, late).run
    )
    profile_agent = ProfileAgent(profiles, outputs, checkpoint, settings.profiles, scorer.metadata.bands.band_of)
    app.consume(results_topic, "profiles", profile_agent.run)

    sources = SourceCheck(
        app,
        SourceLogs(kafka),
        partitions,
        changelog,
        events_topic=events_topic,
        policy=settings.worker.changed_log,
        generation=generation,
    )
    app.check_sources = sources.check

    async def reset() -> None:
        async with checkpoint.lock:
            checkpoint.reset()
            silence.reset()

    app.on_revoked(reset)
    return Worker(app, checkpoint, processing, silence, late, sources)
