"""High-risk trips: which they are, where they go wrong, and one of them from start to end."""

from typing import Final

from druid_specs import latest
from grafana.boards.shared import (
    CLASS_COLUMN,
    CLIENT_COLUMN,
    DISTANCE_COLUMN,
    DRIVER_COLUMN,
    LAST_EVENT_COLUMN,
    REASON_COLUMNS,
    SCORE_COLUMN,
    TRIP_COLUMN,
    VEHICLE_COLUMN,
)
from grafana.datasources import DruidSql
from grafana.links import BOARD_LINKS, TRIPS_UID
from grafana.model import Column, Dashboard, Json, Panel, Row
from grafana.panels import (
    BY_LABEL,
    COUNT,
    DASH,
    NUMBER,
    PERCENT,
    SCORE_COLORS,
    SECONDS,
    SPEED,
    bars,
    lines,
    stat,
    table,
)
from grafana.panels import (
    TIME as ISO_TIME,
)
from grafana.sql import TIME, bucket, chosen, known, trips
from grafana.variables import CLIENT, RESOLUTION, TRIP, TRIP_VEHICLE, VEHICLE, VEHICLE_CLASS

_CHOSEN: Final = (chosen("client_id"), chosen("vehicle_class"), chosen("vehicle_id"))
_WHERE: Final = " AND ".join((TIME, *_CHOSEN))
_ANY: Final = "HAVING COUNT(*) > 0"
_NO_TRIP: Final = "Choose a trip: click one above, or type its id at the top"
_NO_ALERTS: Final = "No alerts in this period"
_THIS_TRIP: Final = (
    f"{TIME} AND trip_id = ${{trip:sqlstring}} AND ('' = ${{trip_vehicle:sqlstring}}"
    " OR vehicle_id = ${trip_vehicle:sqlstring}) AND model_role = 'champion'"
)

# An alert that was sent again after a crash has the same id.
_ALERTS: Final = (
    "WITH alerts AS (\n  SELECT alert_id, trip_id, client_id, driver_id, vehicle_id, vehicle_class, alert_type,"
    " MAX(__time) AS alerted, MIN(score) AS score,"
    " ANY_VALUE(reason_1, 64) AS reason_1, ANY_VALUE(reason_2, 64) AS reason_2,"
    " MIN(latitude) AS latitude, MIN(longitude) AS longitude\n"
    f'  FROM "trip-alerts" WHERE {_WHERE}\n  GROUP BY 1, 2, 3, 4, 5, 6, 7\n)\n'
)


def _windows(*columns: str) -> DruidSql:
    """Ask for each window of the chosen trip, at its start, by its highest revision."""
    taken = ", ".join(map(latest, columns))
    not_null = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    return DruidSql(
        f"WITH windows AS (\n  SELECT vehicle_id, window_start, {taken}\n"
        f"  FROM \"driver-scores\" WHERE kind = 'window' AND {_THIS_TRIP}\n  GROUP BY 1, 2\n)\n"
        f'SELECT MILLIS_TO_TIMESTAMP(window_start) AS "__time", {", ".join(columns)}\n'
        f"FROM windows WHERE {not_null}\nORDER BY window_start"
    )


_MAP_LAYERS: Final[Json] = {
    "view": {"id": "fit", "lat": 0, "lon": 0, "zoom": 10, "allLayers": True},
    "controls": {"showZoom": True, "mouseWheelZoom": False, "showAttribution": True, "showScale": False},
    "basemap": {"type": "default", "name": "Map", "config": {}},
    "layers": [
        {
            "type": "markers",
            "name": "Alerts",
            "tooltip": True,
            "location": {"mode": "coords", "latitude": "latitude", "longitude": "longitude"},
            "config": {
                "showLegend": False,
                "style": {
                    "size": {"fixed": 6, "min": 2, "max": 15},
                    "color": {"field": "score", "fixed": "red"},
                    "opacity": 0.6,
                    "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
                },
            },
        }
    ],
    "tooltip": {"mode": "details"},
}

_ALERT_MAP: Final = Panel(
    "geomap",
    "Where alerts are raised",
    "The place of each alert, to about a kilometre. A cluster that many drivers share is a matter of the road, "
    "not of the drivers.",
    (
        DruidSql(
            f"{_ALERTS}SELECT trip_id, driver_id, alert_type, latitude, longitude, {known('score')} AS score\n"
            "FROM alerts WHERE latitude IS NOT NULL AND longitude IS NOT NULL"
        ),
    ),
    unit=NUMBER,
    no_data=_NO_ALERTS,
    width=10,
    height=10,
    thresholds=SCORE_COLORS,
    color_mode="thresholds",
    options=_MAP_LAYERS,
)

_FEATURE_COLUMNS: Final = (
    Column("duration_s", "Duration", unit=SECONDS, decimals=0, texts=DASH),
    DISTANCE_COLUMN,
    Column("avg_speed", "Mean speed", unit=SPEED, decimals=0, texts=DASH),
    Column("max_speed_kmh", "Top speed", unit=SPEED, decimals=0, texts=DASH),
    Column("hard_brake_count", "Hard brakes", unit=COUNT, texts=DASH),
    Column("hard_acceleration_count", "Hard accelerations", unit=COUNT, texts=DASH),
    Column("hard_corner_count", "Hard corners", unit=COUNT, texts=DASH),
    Column("speeding_ratio", "Speeding", unit=PERCENT, decimals=1, texts=DASH),
    Column("night_ratio", "At night", unit=PERCENT, decimals=0, texts=DASH),
    Column("phone_use_ratio", "Phone use", unit=PERCENT, decimals=1, texts=DASH),
)
_FEATURES: Final = tuple(column.name for column in _FEATURE_COLUMNS)
_REASONS: Final = ("reason_1", "reason_1_impact", "reason_2", "reason_2_impact", "reason_3", "reason_3_impact")

HIGH_RISK_TRIPS: Final = Dashboard(
    uid=TRIPS_UID,
    title="High-risk trips",
    description="Trips in the high-risk band, the alerts they raised, and each of them window by window.",
    tags=("driver-score",),
    variables=(CLIENT, VEHICLE_CLASS, VEHICLE, TRIP, TRIP_VEHICLE, RESOLUTION),
    links=BOARD_LINKS,
    period="24h",
    refresh="30s",
    rows=(
        Row(
            "Now",
            (
                stat(
                    "High-risk trips",
                    "Trips whose newest score is in the high-risk band, in progress or finished.",
                    DruidSql(
                        f"{trips('band', where=_CHOSEN, final=False)}SELECT COUNT(*) AS high_risk_trips\n"
                        f"FROM trips WHERE band = 'high'\n{_ANY}"
                    ),
                    unit=COUNT,
                    no_data="None",
                ),
                stat(
                    "Of these in progress",
                    "High-risk trips that have not ended: those where a call still helps.",
                    DruidSql(
                        f"{trips('band', 'final', where=_CHOSEN, final=False)}SELECT COUNT(*) AS under_way\n"
                        f"FROM trips WHERE band = 'high' AND final = 0\n{_ANY}"
                    ),
                    unit=COUNT,
                    no_data="None",
                ),
                stat(
                    "Lowest score",
                    "The lowest newest score of any trip.",
                    DruidSql(
                        f"{trips('score', where=_CHOSEN, final=False)}SELECT MIN(score) AS lowest_score\n"
                        f"FROM trips WHERE score IS NOT NULL\n{_ANY}"
                    ),
                    decimals=1,
                    thresholds=SCORE_COLORS,
                ),
                bars(
                    "Alerts by client",
                    "One for each time that a trip crossed into high risk, and one for each severe event.",
                    DruidSql(
                        f'{_ALERTS}SELECT {bucket("alerted")} AS "__time", client_id, COUNT(*) AS alerts\n'
                        "FROM alerts GROUP BY 1, 2 ORDER BY 1"
                    ),
                    unit=COUNT,
                    no_data=_NO_ALERTS,
                    height=6,
                    transformations=(BY_LABEL,),
                ),
            ),
        ),
        Row(
            "Which",
            (
                table(
                    "Trips in the high-risk band",
                    "The 200 lowest, by their newest score. Click a trip to see it below, a driver for all of theirs.",
                    DruidSql(
                        trips(
                            "client_id",
                            "driver_id",
                            "vehicle_class",
                            "final",
                            "distance_km",
                            "score",
                            "band",
                            "reason_1",
                            "reason_2",
                            where=_CHOSEN,
                            final=False,
                        )
                        + 'SELECT last_event AS "__time", trip_id, driver_id, vehicle_id, client_id, vehicle_class,'
                        " CASE WHEN final = 1 THEN 'finished' ELSE 'in progress' END AS trip_state,"
                        f" score, {known('distance_km')} AS distance_km, reason_1, reason_2\n"
                        "FROM trips WHERE band = 'high' AND score IS NOT NULL\nORDER BY score\nLIMIT 200"
                    ),
                    columns=(
                        LAST_EVENT_COLUMN,
                        TRIP_COLUMN,
                        DRIVER_COLUMN,
                        VEHICLE_COLUMN,
                        CLIENT_COLUMN,
                        CLASS_COLUMN,
                        Column("trip_state", "State"),
                        SCORE_COLUMN,
                        DISTANCE_COLUMN,
                        *REASON_COLUMNS,
                    ),
                    no_data="No trip in the high-risk band",
                    height=11,
                ),
                table(
                    "Alerts",
                    "The 200 newest alerts: trips that crossed into high risk, again when they got better and then "
                    "crossed again, and severe events. A dash is a trip with too little driving for a score.",
                    DruidSql(
                        f'{_ALERTS}SELECT alerted AS "__time", trip_id, driver_id, vehicle_id, client_id, alert_type,'
                        f" {known('score')} AS score, reason_1, reason_2\nFROM alerts\n"
                        "ORDER BY alerted DESC\nLIMIT 200"
                    ),
                    columns=(
                        Column("__time", "Raised", unit=ISO_TIME),
                        TRIP_COLUMN,
                        DRIVER_COLUMN,
                        VEHICLE_COLUMN,
                        CLIENT_COLUMN,
                        Column("alert_type", "Alert"),
                        SCORE_COLUMN,
                        *REASON_COLUMNS,
                    ),
                    no_data=_NO_ALERTS,
                    width=14,
                ),
                _ALERT_MAP,
            ),
        ),
        Row(
            "One trip",
            (
                lines(
                    "Score of each window",
                    "The chosen trip, window by window. Windows with too little driving have no score, and no point.",
                    _windows("score"),
                    unit=NUMBER,
                    minimum=0,
                    maximum=100,
                    decimals=1,
                    no_data=_NO_TRIP,
                    columns=(Column("score", "Score"),),
                ),
                lines(
                    "Speed of each window",
                    "Mean and top speed.",
                    _windows("avg_speed", "max_speed_kmh"),
                    unit=SPEED,
                    minimum=0,
                    decimals=0,
                    no_data=_NO_TRIP,
                    columns=(Column("avg_speed", "Mean speed"), Column("max_speed_kmh", "Top speed")),
                ),
                bars(
                    "Hard events of each window",
                    "Hard brakes, accelerations and corners together, of those that the vehicle's sensors can detect.",
                    _windows("hard_event_count"),
                    unit=COUNT,
                    no_data=_NO_TRIP,
                    columns=(Column("hard_event_count", "Hard events"),),
                ),
                table(
                    "Why it has this score",
                    "The factors of the newest score, with the points that each added or took away.",
                    DruidSql(
                        f"WITH trips AS (\n  SELECT vehicle_id, {', '.join(map(latest, _REASONS))}\n"
                        f"  FROM \"driver-scores\" WHERE kind = 'trip' AND {_THIS_TRIP}\n  GROUP BY 1\n)\n"
                        "SELECT reason, impact FROM (\n"
                        "  SELECT CASE place.n WHEN 1 THEN reason_1 WHEN 2 THEN reason_2 ELSE reason_3 END AS reason,"
                        " CASE place.n WHEN 1 THEN reason_1_impact WHEN 2 THEN reason_2_impact"
                        " ELSE reason_3_impact END AS impact\n"
                        "  FROM trips CROSS JOIN (VALUES (1), (2), (3)) AS place(n)\n)\n"
                        "WHERE reason IS NOT NULL AND impact IS NOT NULL\nORDER BY 2"
                    ),
                    columns=(Column("reason", "Factor"), Column("impact", "Points", unit=NUMBER, decimals=1)),
                    no_data=_NO_TRIP,
                    width=12,
                    height=8,
                ),
                table(
                    "What was measured",
                    "The trip's features as they were scored. A dash is a sensor that the vehicle does not have, or "
                    "too little driving.",
                    DruidSql(
                        f"WITH trips AS (\n  SELECT vehicle_id, driver_id, client_id, MAX(revision) AS revision,"
                        f" {', '.join(map(latest, _FEATURES))}\n"
                        f"  FROM \"driver-scores\" WHERE kind = 'trip' AND {_THIS_TRIP}\n  GROUP BY 1, 2, 3\n)\n"
                        "SELECT driver_id, vehicle_id, client_id, revision, "
                        + ", ".join(f"{known(name)} AS {name}" for name in _FEATURES)
                        + "\nFROM trips"
                    ),
                    columns=(
                        DRIVER_COLUMN,
                        VEHICLE_COLUMN,
                        CLIENT_COLUMN,
                        Column("revision", "Revision", unit=COUNT),
                        *_FEATURE_COLUMNS,
                    ),
                    no_data=_NO_TRIP,
                    height=4,
                ),
            ),
        ),
    ),
)
"""The board of high-risk trips."""
