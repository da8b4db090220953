"""Fixtures of the tests of stored states."""

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture
def in_a_loop() -> Iterator[None]:
    """Give Faust the loop that it binds to."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
