"""Who drives: clients, their drivers with a persistent style, their vehicles and devices."""

from dataclasses import dataclass
from typing import Final

import numpy as np

HOURS_PER_DAY: Final = 24

OFFICE_HOURS: Final = (1, 1, 1, 1, 1, 2, 5, 10, 11, 8, 7, 7, 8, 7, 7, 8, 10, 11, 9, 6, 5, 4, 3, 2)
"""Relative number of trips per local hour: two commuting peaks."""
DELIVERY_HOURS: Final = (1, 1, 1, 1, 2, 4, 8, 10, 11, 11, 11, 10, 9, 10, 10, 9, 8, 7, 6, 5, 3, 2, 1, 1)
"""The same for deliveries: a long working day without peaks."""
HAULAGE_HOURS: Final = (5, 5, 6, 6, 7, 8, 8, 7, 6, 6, 6, 6, 5, 5, 5, 5, 5, 4, 4, 4, 4, 5, 5, 5)
"""The same for haulage, which avoids the day's traffic."""
LEISURE_HOURS: Final = (5, 4, 3, 2, 1, 1, 2, 4, 5, 5, 6, 6, 7, 7, 7, 7, 8, 9, 10, 10, 9, 9, 8, 7)
"""The same for car sharing: evenings and nights."""


@dataclass(frozen=True)
class Client:
    """A client of the platform and the mix of its fleet.

    ``latitude`` and ``longitude`` place the network's south-west corner; ``aggressiveness`` and
    ``distraction`` are the means of its drivers' styles on the logit scale; weights sum to anything.
    """

    client_id: str
    share: float
    latitude: float
    longitude: float
    utc_offset_min: int
    aggressiveness: float
    distraction: float
    classes: dict[str, float]
    devices: dict[str, float]
    hours: tuple[int, ...]


CLIENTS: Final = (
    Client("client_harbor", 0.24, 51.90, 4.45, 60, -0.3, -0.3, {"van": 0.85, "car": 0.15},
           {"telematics": 0.6, "phone": 0.4}, DELIVERY_HOURS),
    Client("client_atlas", 0.17, 53.54, 9.95, 60, -1.1, -0.9, {"truck": 0.9, "van": 0.1},
           {"telematics": 0.8, "obd": 0.2}, HAULAGE_HOURS),
    Client("client_meadow", 0.31, 51.50, -0.15, 0, -0.8, -0.6, {"car": 0.93, "motorcycle": 0.07},
           {"phone": 0.55, "obd": 0.45}, OFFICE_HOURS),
    Client("client_orbit", 0.18, 40.70, -74.02, -240, -0.1, -0.4, {"car": 1.0},
           {"telematics": 0.55, "obd": 0.45}, LEISURE_HOURS),
    Client("client_linden", 0.10, 12.95, 77.57, 330, -0.7, -0.7, {"bus": 0.7, "motorcycle": 0.3},
           {"telematics": 0.6, "phone": 0.4}, OFFICE_HOURS),
)  # fmt: skip
"""Five invented clients. Mixes are judgement: unlike each other, so that slices by client mean something."""

STYLE_SPREAD_LOGIT: Final = 1.5
"""Spread of styles between drivers: wide enough that half a driver's trips say something of the other half."""
TRIP_SPREAD_LOGIT: Final = 0.4
"""Spread between trips of a driver: about a quarter of that between drivers, so that style persists."""
LIMIT_KNOWN_SHARE: Final = 0.85
"""Share of vehicles whose provider matches positions with a map of speed limits."""
HARD_BRAKE_REPORTER_SHARE: Final = 0.3
"""Share of telematics boxes that send ``hard_brake`` events of their own."""


@dataclass(frozen=True)
class Style:
    """How someone drives: ``aggressiveness`` and ``distraction``, each in 0 to 1."""

    aggressiveness: float
    distraction: float


@dataclass(frozen=True)
class Driver:
    """A driver with one vehicle and one device; nothing of it changes between trips."""

    driver_id: str
    vehicle_id: str
    client: Client
    vehicle_class: str
    device: str
    style: Style
    limit_known: bool
    reports_hard_brakes: bool


def draw_drivers(count: int, *, seed: int) -> list[Driver]:
    """Draw the population; the same seed gives the same drivers, whatever the number of their trips."""
    rng = np.random.default_rng([seed, 2])
    shares = np.array([client.share for client in CLIENTS])
    drivers = []
    for number in range(1, count + 1):
        client = CLIENTS[rng.choice(len(CLIENTS), p=shares / shares.sum())]
        device = _pick(client.devices, rng)
        drivers.append(
            Driver(
                driver_id=f"drv_{number:04d}",
                vehicle_id=f"veh_{number:04d}",
                client=client,
                vehicle_class=_pick(client.classes, rng),
                device=device,
                style=Style(
                    _logistic(client.aggressiveness + STYLE_SPREAD_LOGIT * rng.standard_normal()),
                    _logistic(client.distraction + STYLE_SPREAD_LOGIT * rng.standard_normal()),
                ),
                limit_known=bool(rng.random() < LIMIT_KNOWN_SHARE),
                reports_hard_brakes=bool(rng.random() < HARD_BRAKE_REPORTER_SHARE) and device == "telematics",
            )
        )
    return drivers


def style_of_trip(driver: Driver, rng: np.random.Generator) -> Style:
    """Return the driver's style with the variation of one trip."""
    shift = TRIP_SPREAD_LOGIT * rng.standard_normal(2)
    return Style(
        _logistic(_logit(driver.style.aggressiveness) + shift[0]),
        _logistic(_logit(driver.style.distraction) + shift[1]),
    )


def _pick(weights: dict[str, float], rng: np.random.Generator) -> str:
    names = list(weights)
    chances = np.array([weights[name] for name in names])
    return names[rng.choice(len(names), p=chances / chances.sum())]


def _logistic(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))
