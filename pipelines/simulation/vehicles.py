"""What a style means at the wheel: the parameters of SUMO's vehicle types."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.simulation.drivers import Style

STEP_S: Final = 0.25
"""Simulation step: short enough that a reaction of 0.5 s differs from one of 0.75 s."""
ATTENTIVE_REACTION_S: Final = 0.5
DISTRACTED_REACTION_S: Final = 2.0
"""Time between two decisions of a fully attentive and a fully distracted driver (SUMO's action step length);
brake reaction times of 0.5 to 2 s are what Green (2000), Transportation Human Factors 2(3), reviews."""

RED_LIGHT_BOLDNESS: Final = 0.75
"""Aggressiveness from which a driver still passes within the first second of red: one driver in eight."""


@dataclass(frozen=True)
class Dynamics:
    """What a vehicle class can do: SUMO's class, accelerations in m/s², and how far style moves its speed."""

    sumo_class: str
    acceleration_mps2: float
    comfortable_mps2: float
    emergency_mps2: float
    calm_speed_factor: float
    speed_factor_span: float


CLASS_DYNAMICS: Final = {
    "car": Dynamics("passenger", 1.6, 1.4, 8.0, 0.94, 0.40),
    "van": Dynamics("delivery", 1.4, 1.4, 7.5, 0.94, 0.36),
    "truck": Dynamics("truck", 0.8, 1.2, 6.0, 0.88, 0.20),
    "bus": Dynamics("bus", 0.9, 1.1, 6.0, 0.88, 0.20),
    "motorcycle": Dynamics("motorcycle", 2.2, 1.6, 9.0, 0.97, 0.44),
}
"""Emergency decelerations are SUMO's class defaults, lower for loaded trucks and standing passengers; the others
are those of a calm driver. A car's speed factor spans 0.94 to 1.34: from just under the limit to 67 in a 50."""


def vehicle_type_xml(type_id: str, vehicle_class: str, style: Style, *, devices: bool) -> str:
    """Return the ``vType`` of one trip.

    Aggressiveness shortens the headway (``tau`` 1.6 to 0.7 s) and ``minGap``, strengthens acceleration and
    comfortable braking, raises the speed factor, and makes for pushy lane changes and gap acceptance.
    Distraction only lengthens the time between two decisions. The car-following model is IDM, whose
    comfortable braking is a wish, not a bound: late decisions end in hard braking.
    ``devices`` equips it with SUMO's safety-measure and floating-car recorders.
    """
    dynamics = CLASS_DYNAMICS[vehicle_class]
    bold, away = style.aggressiveness, style.distraction
    reaction_s = ATTENTIVE_REACTION_S + (DISTRACTED_REACTION_S - ATTENTIVE_REACTION_S) * away
    attributes = {
        "id": type_id,
        "vClass": dynamics.sumo_class,
        "carFollowModel": "IDM",
        "tau": 1.6 - 0.9 * bold,
        "minGap": 2.5 - 1.3 * bold,
        "accel": dynamics.acceleration_mps2 * (1 + bold),
        "decel": dynamics.comfortable_mps2 * (1 + bold),
        "emergencyDecel": dynamics.emergency_mps2,
        "speedFactor": dynamics.calm_speed_factor + dynamics.speed_factor_span * bold,
        "speedDev": 0.0,
        "actionStepLength": float(np.round(reaction_s / STEP_S) * STEP_S),
        "lcAssertive": 1 + 2 * bold,
        "lcSpeedGain": 0.5 + 1.5 * bold,
        "impatience": 0.8 * bold,
        "jmTimegapMinor": 1.2 - 0.7 * bold,
        "jmIgnoreFoeProb": 0.04 * bold**2,
        "jmIgnoreFoeSpeed": 6.0,
        "jmDriveAfterRedTime": 1.0 if bold > RED_LIGHT_BOLDNESS else -1.0,
    }
    listed = " ".join(
        f'{name}="{setting}"' if isinstance(setting, str) else f'{name}="{setting:.3f}"'
        for name, setting in attributes.items()
    )
    recorders = (
        '<param key="has.ssm.device" value="true"/><param key="has.fcd.device" value="true"/>' if devices else ""
    )
    return f"<vType {listed}>{recorders}</vType>"
