"""The examples in the documentation are messages that the service takes and sends."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from schemas.messages.driver_profile import DriverProfile
from schemas.messages.driver_score import DriverScore
from schemas.messages.trip_alert import TripAlert
from schemas.messages.trip_event import TripEvent, TripEventBatch
from schemas.messages.trip_features import TripFeatures
from schemas.messages.trip_outcome import TripOutcome

MODELS: tuple[type[BaseModel], ...] = (
    TripEvent,
    TripEventBatch,
    DriverScore,
    TripAlert,
    DriverProfile,
    TripFeatures,
    TripOutcome,
)
GUIDE = (Path(__file__).parents[3] / "docs" / "messages.md").read_text()
EXAMPLES = re.findall(r"^### (\w+)\n.*?```json\n(.*?)```", GUIDE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_documented_example_is_a_valid_message(name: str, example: str) -> None:
    {model.__name__: model for model in MODELS}[name].model_validate_json(example)


def test_every_message_has_an_example() -> None:
    assert {name for name, _ in EXAMPLES} == {model.__name__ for model in MODELS}
