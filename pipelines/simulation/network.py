"""The roads: a town of lights and side streets, arterials through it, an expressway around it.

::

    E───E───E───E───E───E───E───E      E  expressway ring, 3 lanes, 100 km/h, merges and exits without lights
    │   ┊       ┊       ┊       │      ┊  link roads, 2 lanes, 70 km/h
    E┄┄┄A━━━s───A───s───A━━━┄┄┄┄E      A  arterial crossing, signals, 2 lanes, 60 km/h
    │   ┃   │   ┃   │   ┃       │      s  side streets, 1 lane, 30 or 50 km/h, priority or right before left
    E───E───E───E───E───E───E───E
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from pipelines.simulation.sumo import run_sumo

TOWN_SIZE = 9
"""Crossings along each side of the town's grid."""
BLOCK_M = 300.0
"""Mean length of a block between crossings that matter; jittered by a sixth."""
RING_OFFSET_M = 900.0
"""Distance from the town's edge to the expressway around it."""
ARTERIAL_EVERY = 4
"""Each fourth street is an arterial: half a mile apart, as suburban planning has it."""
TURN_LATERAL_MPS2 = 1.2
"""Mean lateral acceleration of a turn at its advised speed. The peak of a turn comes out two to three times as
high, and 2 to 3 m/s² is taken here as a normal urban turn."""


@dataclass(frozen=True)
class RoadType:
    """A kind of road: lanes each way, limit in km/h, priority at crossings."""

    lanes: int
    limit_kmh: float
    priority: int


ROAD_TYPES = {
    "lane_30": RoadType(1, 30.0, 2),
    "street_50": RoadType(1, 50.0, 4),
    "arterial_60": RoadType(2, 60.0, 8),
    "link_70": RoadType(2, 70.0, 9),
    "expressway_100": RoadType(3, 100.0, 12),
}
"""Road types; speeds of roads in km/h as signed in continental Europe."""


@dataclass(frozen=True)
class Road:
    """One direction of a road between two crossings."""

    road_id: str
    start: str
    end: str
    kind: str
    length_m: float

    @property
    def free_flow_s(self) -> float:
        """Seconds to drive along it at its limit."""
        return self.length_m / (ROAD_TYPES[self.kind].limit_kmh / 3.6)


@dataclass(frozen=True)
class Network:
    """A built network: SUMO's file, and the roads for choosing origins and destinations."""

    path: Path
    roads: tuple[Road, ...]
    limits_kmh: dict[str, float]


def build_network(folder: Path, *, seed: int) -> Network:
    """Write the network to ``folder`` and build it with netconvert; the same seed gives the same roads.

    Raises
    ------
    SumoMissingError, SumoFailedError
        As of `run_sumo`.
    """
    rng = np.random.default_rng([seed, 1])
    junctions, roads = _town(rng)
    (folder / "roads.nod.xml").write_text(
        "<nodes>"
        + "".join(
            f'<node id={quoteattr(name)} x="{x:.1f}" y="{y:.1f}" type="{kind}"/>'
            for name, (x, y, kind) in junctions.items()
        )
        + "</nodes>"
    )
    (folder / "roads.edg.xml").write_text("<edges>" + "".join(map(_edge_xml, roads)) + "</edges>")
    run_sumo(
        "netconvert",
        [
            "--node-files=roads.nod.xml",
            "--edge-files=roads.edg.xml",
            "--output-file=roads.net.xml",
            f"--junctions.limit-turn-speed={TURN_LATERAL_MPS2}",
            "--no-turnarounds=true",
            "--tls.default-type=actuated",
            "--no-warnings=true",
        ],
        folder=folder,
    )
    limits = {road.road_id: ROAD_TYPES[road.kind].limit_kmh for road in roads}
    return Network(path=folder / "roads.net.xml", roads=tuple(roads), limits_kmh=limits)


@dataclass(frozen=True)
class Reach:
    """What lies how far from an origin: seconds at the limit to each road's end, and the road before it."""

    seconds: dict[str, float]
    previous: dict[str, Road]

    def path_to(self, destination: Road) -> list[Road]:
        """Return the roads of the fastest way, without the origin, ``destination`` last."""
        path = [destination]
        while path[-1].road_id in self.previous:
            path.append(self.previous[path[-1].road_id])
        return path[:-1][::-1] if len(path) > 1 else path


def reach_from(network: Network, origin: Road) -> Reach:
    """Find the fastest ways at the limit from the start of ``origin`` to the end of every road (Dijkstra)."""
    leaving: dict[str, list[Road]] = {}
    for road in network.roads:
        leaving.setdefault(road.start, []).append(road)
    by_id = {road.road_id: road for road in network.roads}
    reach = Reach(seconds={}, previous={})
    heap: list[tuple[float, str, str]] = [(origin.free_flow_s, origin.road_id, "")]
    while heap:
        elapsed, road_id, before = heappop(heap)
        if road_id in reach.seconds:
            continue
        reach.seconds[road_id] = elapsed
        if before:
            reach.previous[road_id] = by_id[before]
        for road in leaving[by_id[road_id].end]:
            if road.road_id not in reach.seconds:
                heappush(heap, (elapsed + road.free_flow_s, road.road_id, road_id))
    return reach


def _town(rng: np.random.Generator) -> tuple[dict[str, tuple[float, float, str]], list[Road]]:
    arterials = set(range(0, TOWN_SIZE, ARTERIAL_EVERY))
    junctions: dict[str, tuple[float, float, str]] = {}
    for column in range(TOWN_SIZE):
        for row in range(TOWN_SIZE):
            jitter = rng.uniform(-BLOCK_M / 6, BLOCK_M / 6, size=2)
            on_arterials = (column in arterials) + (row in arterials)
            kind = {2: "traffic_light", 1: "priority", 0: "right_before_left"}[on_arterials]
            if on_arterials == 1 and rng.random() < 0.4:  # noqa: PLR2004  (two of five side streets have signals)
                kind = "traffic_light"
            junctions[_crossing(column, row)] = (column * BLOCK_M + jitter[0], row * BLOCK_M + jitter[1], kind)
    pairs: list[tuple[str, str, str]] = []
    for column in range(TOWN_SIZE):
        for row in range(TOWN_SIZE):
            if column + 1 < TOWN_SIZE:
                pairs.append((_crossing(column, row), _crossing(column + 1, row), _street(row, arterials, rng)))
            if row + 1 < TOWN_SIZE:
                pairs.append((_crossing(column, row), _crossing(column, row + 1), _street(column, arterials, rng)))
    pairs += _ring(junctions, arterials)
    return junctions, [
        _road(start, end, kind, junctions) for one, other, kind in pairs for start, end in ((one, other), (other, one))
    ]


def _ring(junctions: dict[str, tuple[float, float, str]], arterials: set[int]) -> list[tuple[str, str, str]]:
    """Put the expressway around the town, with a link road to each end of each arterial."""
    last = TOWN_SIZE - 1
    low, high = -RING_OFFSET_M, last * BLOCK_M + RING_OFFSET_M
    gates: list[tuple[str, tuple[float, float], str | None]] = []
    ordered = sorted(arterials)
    gates.append(("ring_sw", (low, low), None))
    gates += [(f"ring_s{i}", (i * BLOCK_M, low), _crossing(i, 0)) for i in ordered]
    gates.append(("ring_se", (high, low), None))
    gates += [(f"ring_e{i}", (high, i * BLOCK_M), _crossing(last, i)) for i in ordered]
    gates.append(("ring_ne", (high, high), None))
    gates += [(f"ring_n{i}", (i * BLOCK_M, high), _crossing(i, last)) for i in reversed(ordered)]
    gates.append(("ring_nw", (low, high), None))
    gates += [(f"ring_w{i}", (low, i * BLOCK_M), _crossing(0, i)) for i in reversed(ordered)]
    for name, (x, y), _ in gates:
        junctions[name] = (x, y, "priority")
    around = [
        (name, following[0], "expressway_100")
        for (name, _, _), following in zip(gates, [*gates[1:], gates[0]], strict=True)
    ]
    return around + [(name, inner, "link_70") for name, _, inner in gates if inner is not None]


def _crossing(column: int, row: int) -> str:
    return f"town_{column}_{row}"


def _street(line: int, arterials: set[int], rng: np.random.Generator) -> str:
    if line in arterials:
        return "arterial_60"
    return "street_50" if rng.random() < 0.6 else "lane_30"  # noqa: PLR2004  (three of five side streets are 50)


def _road(start: str, end: str, kind: str, junctions: dict[str, tuple[float, float, str]]) -> Road:
    (x0, y0, _), (x1, y1, _) = junctions[start], junctions[end]
    return Road(f"{start}__{end}", start, end, kind, float(np.hypot(x1 - x0, y1 - y0)))


def _edge_xml(road: Road) -> str:
    kind = ROAD_TYPES[road.kind]
    return (
        f"<edge id={quoteattr(road.road_id)} from={quoteattr(road.start)} to={quoteattr(road.end)} "
        f'numLanes="{kind.lanes}" speed="{kind.limit_kmh / 3.6:.3f}" priority="{kind.priority}"/>'
    )
