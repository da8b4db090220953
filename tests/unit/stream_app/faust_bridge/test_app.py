"""The Faust application takes every setting that the settings allow."""

import pytest

from schemas.settings import KafkaSettings, WorkerSettings
from stream_app.faust_bridge.app import create_app


@pytest.mark.parametrize("session_timeout_s", [6, 90, 300])
async def test_a_request_may_wait_as_long_as_a_session_lasts(
    session_timeout_s: float,
) -> None:
    conf = create_app(KafkaSettings(), WorkerSettings(session_timeout_s=session_timeout_s), ["trip-events"]).conf
    assert conf.broker_session_timeout == session_timeout_s <= conf.broker_request_timeout
