"""What counts as a conflict: SUMO's surrogate safety measures, and its collisions.

A conflict is an encounter in which the labelled vehicle is the one that comes second, so that it has to act, and

- the time to collision falls below 1.5 s, the threshold of FHWA's Surrogate Safety Assessment Model (Gettman
  et al. 2008, FHWA-HRT-08-051) after Hydén (1987) and van der Horst (1990); or
- the deceleration to avoid a crash exceeds 3.4 m/s², what AASHTO's Green Book takes as comfortable for most
  drivers, and near the 3.35 m/s² of Archer (2005) and Guido et al. (2011);

either of them at 10 km/h or more. Being tailgated is the conflict of the one who follows.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, iterparse

CONFLICT_TTC_S: Final = 1.5
CONFLICT_DRAC_MPS2: Final = 3.4
LEAST_SPEED_MPS: Final = 10 / 3.6
"""Slower, in a queue, a short time to collision is no danger."""
EGO_HAS_TO_ACT: Final = frozenset({"2", "7", "11"})
"""SUMO's encounter types in which the ego comes second: following, merging and crossing follower."""


@dataclass
class SafetyRecord:
    """Safety of one trip: conflicts in which it had to act, the worst measures in them, collisions it caused."""

    conflict_count: int = 0
    min_ttc_s: float | None = None
    max_drac_mps2: float | None = None
    collision: bool = False


def read_safety(safety_path: Path, collisions_path: Path) -> dict[str, SafetyRecord]:
    """Read the outputs of SUMO's SSM device and of its collision check, by trip id of the ego or the collider.

    Trips without an entry had neither. The worst measures are those of encounters in which the ego had to act,
    whether or not they were conflicts.
    """
    records: dict[str, SafetyRecord] = {}
    for conflict in _elements(safety_path, "conflict"):
        record = records.setdefault(conflict.attrib["ego"], SafetyRecord())
        ttc_s, drac_mps2 = _worst(conflict, "minTTC"), _worst(conflict, "maxDRAC")
        if ttc_s is not None:
            record.min_ttc_s = ttc_s if record.min_ttc_s is None else min(record.min_ttc_s, ttc_s)
        if drac_mps2 is not None:
            most = record.max_drac_mps2
            record.max_drac_mps2 = drac_mps2 if most is None else max(most, drac_mps2)
        too_near = ttc_s is not None and ttc_s < CONFLICT_TTC_S
        too_hard = drac_mps2 is not None and drac_mps2 > CONFLICT_DRAC_MPS2
        record.conflict_count += too_near or too_hard
    for collision in _elements(collisions_path, "collision"):
        records.setdefault(collision.attrib["collider"], SafetyRecord()).collision = True
    return records


def _worst(conflict: Element, name: str) -> float | None:
    """Return the extreme of a measure; None where the ego had not to act, or hardly moved."""
    found = conflict.find(name)
    if found is None or found.get("type") not in EGO_HAS_TO_ACT or found.get("value") == "NA":
        return None
    return float(found.attrib["value"]) if float(found.attrib["speed"]) >= LEAST_SPEED_MPS else None


def _elements(path: Path, tag: str) -> list[Element]:
    if not path.exists():
        return []
    return [element for _, element in iterparse(path) if element.tag == tag]  # noqa: S314  (SUMO's own output)
