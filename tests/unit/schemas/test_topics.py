"""The topics that a group of workers needs."""

import asyncio

from schemas.settings import Settings
from schemas.topics import MIB, TOPICS, topics_of
from stream_app.worker.wiring import build_worker, load_scorer


def test_the_topics_of_a_group_hold_the_changelogs_of_its_workers_tables() -> None:
    settings = Settings.model_validate({"kafka": {"topic_prefix": "east-", "group": "scoring"}})

    async def changelogs() -> set[str]:
        tables = build_worker(settings, load_scorer(settings)).app.tables
        return {table.changelog_topic_name for table in tables.values()}

    extra = {f"east-{spec.name}" for spec in topics_of("scoring")} - {f"east-{spec.name}" for spec in TOPICS}
    assert extra == asyncio.run(changelogs())


def test_a_cluster_that_allows_less_limits_each_topic_and_leaves_the_rest() -> None:
    limited = [spec.limited(2 * MIB) for spec in topics_of("scoring")]
    assert {spec.max_message_bytes for spec in limited} == {MIB, 2 * MIB}
    assert [spec.limited(16 * MIB) for spec in topics_of("scoring")] == list(topics_of("scoring"))
