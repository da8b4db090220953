"""Training data and limitations for model cards."""

from pathlib import Path
from typing import Final

from scoring.training import Provenance

_PEAKS: Final = "Peaks grow with the length of a trip: a long one has had more time for its strongest brake."


def of_simulated_fleet(command: str) -> Provenance:
    """Describe trips that ``driver-score simulate`` made."""
    return Provenance(
        trips=(
            "Simulated trips of drivers with a persistent style, driven in SUMO. A conflict is SUMO's own surrogate "
            "safety measure: a time to collision, or a deceleration to avoid a crash, beyond its threshold. It is "
            "measured between vehicles in the simulation, not computed from the features."
        ),
        limitations=(
            (
                "Drivers, roads, noise and the rate of conflicts are simulated, and so is the level of risk: retrain "
                "on labelled trips of your own before money depends on a risk."
            ),
            "A conflict is not a crash: two vehicles came too near to each other, and this one had to react.",
            _PEAKS,
            "Night driving is a factor. It hits shift workers: leave it out where that must not count.",
            "What a missing sensor contributes was learned from the devices of the simulated fleet.",
        ),
        command=command,
    )


def of_own_trips(events: Path, labels: Path, *, label: str, command: str) -> Provenance:
    """Describe trips and labels that the user brought."""
    return Provenance(
        trips=f"Trips of `{events.name}`, labelled by column `{label}` of `{labels.name}`.",
        limitations=(
            "It was trained on the drivers, roads and devices of these trips: validate it before it is used on others.",
            _PEAKS,
        ),
        command=command,
    )


def of_study_windows(*, speed_only: bool, left_out: int, command: str) -> Provenance:
    """Describe the windows of the 100-Car study, of which `left_out` can't be used."""
    sensors = "speed alone" if speed_only else "speed and accelerometers"
    return Provenance(
        trips=(
            "Windows of 10 s of the 100-Car Naturalistic Driving Study (VTTI, doi 10.15787/VTT1/CEU6RB, CC0), with "
            f"{sensors}: from 2 s before to 8 s after the start of a crash or near-crash, against 20 s to 10 s before "
            f"it. {left_out} windows are left out, because the clip covers less than 8 s of them or no speed is known."
        ),
        limitations=(
            (
                "Both windows come from one clip, and the study found candidate events partly by kinematic triggers: "
                "read the AUC as optimistic."
            ),
            "Windows of 10 s: the scale of scores is not that of whole trips.",
        ),
        command=command,
    )
