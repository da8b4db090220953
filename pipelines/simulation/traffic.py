"""One block of traffic: its demand written for SUMO, its run, what SUMO recorded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from pipelines.simulation.drivers import Style
from pipelines.simulation.labels import CONFLICT_DRAC_MPS2, CONFLICT_TTC_S, SafetyRecord, read_safety
from pipelines.simulation.network import Network, Reach, Road, reach_from
from pipelines.simulation.schedule import Block, PlannedTrip
from pipelines.simulation.sumo import run_sumo
from pipelines.simulation.vehicles import STEP_S, vehicle_type_xml

WARM_UP_S: Final = 300.0
"""Background traffic runs alone until it fills the network."""
FLEET_WINDOW_S: Final = 900.0
"""Time over which a full block's fleet trips start; a smaller block has less, at the same density."""
SHORTEST_WINDOW_S: Final = 120.0
BACKGROUND_LEAD_OUT_S: Final = 300.0
"""Background traffic keeps starting this long after the last fleet trip."""
DRAIN_S: Final = 1_400.0
"""Time for the last fleet trips to arrive; a trip that has not by then ends where it is."""
SHORTEST_FREE_FLOW_S: Final = 165.0
"""Fleet trips take at least this long at the limit; signals and traffic bring the mean to about five minutes."""
BACKGROUND_STYLES: Final = 24
"""Different kinds of background driver."""
STOPS: Final = {"van": (0.6, 1, 25, 70), "bus": (1.0, 3, 12, 30), "car": (0.08, 1, 15, 60)}
"""Chance, number and seconds (from, to) of stops on the way: deliveries, bus stops, a passenger set down."""


@dataclass(frozen=True)
class DrivenBlock:
    """What was recorded: one row a simulation step of each fleet trip, and the safety measures by trip.

    ``tracks`` has ``trip_id``, ``time_s``, ``x_m``, ``y_m``, ``heading_deg`` (clockwise from north),
    ``speed_mps``, ``acceleration_mps2``, ``lane``, ordered by trip and time.
    """

    tracks: pl.DataFrame
    safety: dict[str, SafetyRecord]
    simulated_s: float


class RoutePlanner:
    """Draws origins and destinations; remembers what lies how far from each origin."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._reach: dict[str, Reach] = {}

    def draw(self, rng: np.random.Generator, *, at_least_s: float) -> tuple[Road, Road, list[Road]]:
        """Return origin, destination and the roads between them, ``at_least_s`` apart where that is possible."""
        roads = self._network.roads
        origin = roads[rng.integers(len(roads))]
        if origin.road_id not in self._reach:
            self._reach[origin.road_id] = reach_from(self._network, origin)
        reach = self._reach[origin.road_id]
        far = [road for road in roads if reach.seconds[road.road_id] >= at_least_s]
        if not far:
            far = sorted(roads, key=lambda road: reach.seconds[road.road_id])[-20:]
        destination = far[rng.integers(len(far))]
        return origin, destination, reach.path_to(destination)[:-1]


def drive_block(block: Block, network: Network, planner: RoutePlanner, folder: Path, *, seed: int) -> DrivenBlock:
    """Simulate one block in ``folder``; the same seed gives the same tracks.

    Raises
    ------
    SumoMissingError, SumoFailedError
        As of `run_sumo`.
    """
    rng = np.random.default_rng([seed, 4, block.number])
    last_start_s = WARM_UP_S + max(FLEET_WINDOW_S * len(block.trips) / block.density.fleet_trips, SHORTEST_WINDOW_S)
    departs = rng.uniform(WARM_UP_S, last_start_s, size=len(block.trips)).tolist()
    demand = _background(block.density.background_per_h, last_start_s + BACKGROUND_LEAD_OUT_S, planner, rng)
    demand += [
        (depart, _fleet_xml(trip, depart, planner, rng)) for trip, depart in zip(block.trips, departs, strict=True)
    ]
    demand.sort(key=lambda entry: entry[0])
    (folder / "demand.rou.xml").write_text("<routes>" + "".join(xml for _, xml in demand) + "</routes>")
    outputs = [folder / name for name in ("tracks.parquet", "safety.xml", "collisions.xml")]
    for path in outputs:
        path.unlink(missing_ok=True)
    run_sumo(
        "sumo",
        [
            f"--net-file={network.path.name}",
            "--route-files=demand.rou.xml",
            f"--seed={int(rng.integers(1, 2**31 - 1))}",
            f"--step-length={STEP_S}",
            "--default.action-step-length=0.5",
            f"--end={last_start_s + DRAIN_S}",
            "--lanechange.duration=2.5",
            "--time-to-teleport=180",
            "--collision.action=warn",
            f"--collision-output={outputs[2].name}",
            f"--fcd-output={outputs[0].name}",
            "--fcd-output.acceleration=true",
            "--device.fcd.probability=0",
            f"--device.ssm.file={outputs[1].name}",
            "--device.ssm.measures=TTC DRAC",
            f"--device.ssm.thresholds={CONFLICT_TTC_S} {CONFLICT_DRAC_MPS2}",
            "--device.ssm.range=50",
            "--device.ssm.extratime=2",
            "--no-step-log=true",
            "--no-warnings=true",
        ],
        folder=folder,
    )
    tracks = (
        pl.scan_parquet(outputs[0])
        .filter(pl.col("vehicle_id").is_not_null())
        .select(
            trip_id="vehicle_id",
            time_s="timestep_time",
            x_m="vehicle_x",
            y_m="vehicle_y",
            heading_deg="vehicle_angle",
            speed_mps="vehicle_speed",
            acceleration_mps2="vehicle_acceleration",
            lane="vehicle_lane",
        )
        .sort("trip_id", "time_s")
        .collect()
    )
    return DrivenBlock(tracks, read_safety(outputs[1], outputs[2]), last_start_s + DRAIN_S)


def _fleet_xml(trip: PlannedTrip, depart_s: float, planner: RoutePlanner, rng: np.random.Generator) -> str:
    origin, destination, between = planner.draw(rng, at_least_s=SHORTEST_FREE_FLOW_S)
    vehicle_class = trip.driver.vehicle_class
    type_id = f"style_{trip.trip_id}"
    return vehicle_type_xml(type_id, vehicle_class, trip.style, devices=True) + (
        f'<trip id="{trip.trip_id}" type="{type_id}" depart="{depart_s:.2f}" from="{origin.road_id}" '
        f'to="{destination.road_id}" departLane="best" departSpeed="0">'
        f"{_stops_xml(vehicle_class, between, rng)}</trip>"
    )


def _stops_xml(vehicle_class: str, between: list[Road], rng: np.random.Generator) -> str:
    chance, most, shortest_s, longest_s = STOPS.get(vehicle_class, (0.0, 0, 0, 0))
    places = [index for index, road in enumerate(between) if not road.kind.startswith(("expressway", "link"))]
    if rng.random() >= chance or not places:
        return ""
    chosen = sorted(rng.choice(places, size=min(most, len(places)), replace=False).tolist())
    return "".join(
        f'<stop lane="{between[index].road_id}_0" endPos="-20" parking="true" '
        f'duration="{rng.integers(shortest_s, longest_s)}"/>'
        for index in chosen
    )


def _background(per_h: int, until_s: float, planner: RoutePlanner, rng: np.random.Generator) -> list[tuple[float, str]]:
    """Return departures and XML of the background traffic, its types first: calm to moderate drivers."""
    classes = rng.choice(["car", "van", "truck"], size=BACKGROUND_STYLES, p=[0.8, 0.12, 0.08])
    types = "".join(
        vehicle_type_xml(f"background_{i}", str(kind), Style(*rng.beta(2, 4, size=2)), devices=False)
        for i, kind in enumerate(classes)
    )
    demand = [(-1.0, types)]
    departs = np.sort(rng.uniform(0.0, until_s, size=round(per_h * until_s / 3_600))).tolist()
    for number, depart in enumerate(departs):
        origin, destination, _ = planner.draw(rng, at_least_s=0.0)
        xml = (
            f'<trip id="background_{number}" type="background_{rng.integers(BACKGROUND_STYLES)}" '
            f'depart="{depart:.2f}" from="{origin.road_id}" to="{destination.road_id}" '
            'departLane="best" departSpeed="max"/>'
        )
        demand.append((depart, xml))
    return demand
