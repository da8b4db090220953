"""JSON Schema files of all messages: what ``schemas/json`` holds for users of other languages.

``python -m schemas.export`` writes them anew.
"""

import json
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from schemas.messages.driver_profile import DriverProfile
from schemas.messages.driver_score import DriverScore
from schemas.messages.trip_alert import TripAlert
from schemas.messages.trip_event import TripEvent, TripEventBatch
from schemas.messages.trip_features import TripFeatures
from schemas.messages.trip_outcome import TripOutcome

MESSAGES: Final[dict[str, type[BaseModel]]] = {
    "trip-event": TripEvent,
    "trip-event-batch": TripEventBatch,
    "driver-score": DriverScore,
    "driver-profile": DriverProfile,
    "trip-alert": TripAlert,
    "trip-features": TripFeatures,
    "trip-outcome": TripOutcome,
}
"""Each message by the name of its file."""

JSON_FOLDER: Final = Path(__file__).parent / "json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema_text(message: type[BaseModel]) -> str:
    """Give a message's JSON Schema as the text of its file.

    Messages that we read are described as what is accepted, messages that we write as what is written.
    """
    read = issubclass(message, TripEvent | TripEventBatch | TripOutcome)
    schema = message.model_json_schema(mode="validation" if read else "serialization")
    schema["description"] = schema["description"].split("\n\nExamples\n")[0]
    return json.dumps({"$schema": _DIALECT, **schema}, indent=2) + "\n"


def export() -> None:
    """Write the JSON Schema file of each message."""
    JSON_FOLDER.mkdir(exist_ok=True)
    for name, message in MESSAGES.items():
        (JSON_FOLDER / f"{name}.json").write_text(json_schema_text(message), encoding="utf-8")


if __name__ == "__main__":
    export()
