"""Fleet overview: how the fleet drives, who stands out, and what to work on."""

from typing import Final

from grafana.boards.shared import CLIENT_COLUMN, DRIVER_COLUMN, reasons, score_distribution
from grafana.datasources import DruidSql
from grafana.links import BOARD_LINKS, FLEET_UID
from grafana.model import Column, Dashboard, Row, Threshold
from grafana.panels import BY_LABEL, COUNT, KILOMETRES, NUMBER, PERCENT, SCORE_COLORS, bars, lines, stat, table
from grafana.sql import TIME, bucket, chosen, distinct, trips
from grafana.variables import CLIENT, RESOLUTION, VEHICLE_CLASS

_CHOSEN: Final = (chosen("client_id"), chosen("vehicle_class"))
_WHERE: Final = " AND ".join((TIME, *_CHOSEN))
_HIGH_SHARE: Final = "COUNT(*) FILTER (WHERE band = 'high') * 1.0 / COUNT(*)"
_MEAN: Final = "SUM(score * distance_km) / SUM(distance_km)"
_RISK_COLORS: Final = (Threshold(None, "green"), Threshold(0.05, "orange"), Threshold(0.1, "red"))
_MIN_RANKED_KM: Final = 10
_ANY: Final = "HAVING COUNT(*) > 0"


def _of_trips(selected: str, *columns: str, scored: bool = False) -> DruidSql:
    where = "\nWHERE score IS NOT NULL AND distance_km > 0" if scored else ""
    return DruidSql(f"{trips(*columns, where=_CHOSEN)}SELECT {selected}\nFROM trips{where}\n{_ANY}")


def _by_client(selected: str, *columns: str, where: str = "TRUE") -> DruidSql:
    return DruidSql(
        f"{trips('client_id', *columns, where=_CHOSEN)}"
        f'SELECT {bucket()} AS "__time", client_id, {selected}\nFROM trips WHERE {where}\nGROUP BY 1, 2\nORDER BY 1'
    )


_HOURLY: Final = f"FROM \"fleet-hourly\" WHERE model_role = 'champion' AND {_WHERE}"

FLEET_OVERVIEW: Final = Dashboard(
    uid=FLEET_UID,
    title="Fleet overview",
    description="How the fleet drives: scores, high-risk trips, what takes points, and who to talk to first.",
    tags=("driver-score",),
    variables=(CLIENT, VEHICLE_CLASS, RESOLUTION),
    links=BOARD_LINKS,
    rows=(
        Row(
            "At a glance",
            (
                stat(
                    "Mean score",
                    "Mean of finished trips, each weighed by its distance. Below 70 is moderate, below 45 high risk.",
                    _of_trips(f"{_MEAN} AS mean_score", "score", "distance_km", scored=True),
                    decimals=1,
                    thresholds=SCORE_COLORS,
                ),
                stat(
                    "High-risk share",
                    "Share of the scored trips in the high-risk band. Look into 1 in 20; act on 1 in 10.",
                    DruidSql(
                        f"{trips('band', where=_CHOSEN)}SELECT {_HIGH_SHARE} AS high_risk_share\n"
                        f"FROM trips WHERE band IS NOT NULL\n{_ANY}"
                    ),
                    unit=PERCENT,
                    decimals=1,
                    thresholds=_RISK_COLORS,
                ),
                stat(
                    "Finished trips",
                    "Trips that have ended, scored or not.",
                    _of_trips("COUNT(*) AS trips"),
                    unit=COUNT,
                ),
                stat(
                    "Distance",
                    "Driven in finished trips.",
                    DruidSql(
                        f"{trips('distance_km', where=_CHOSEN)}SELECT SUM(distance_km) AS distance_km\n"
                        f"FROM trips WHERE distance_km IS NOT NULL\n{_ANY}"
                    ),
                    unit=KILOMETRES,
                    decimals=0,
                ),
                stat(
                    "Vehicles",
                    "Vehicles with a finished trip.",
                    _of_trips(f"{distinct('vehicle_id')} AS vehicles"),
                    unit=COUNT,
                ),
                stat(
                    "Alerts",
                    "Transitions of trips into high risk, and severe events, including trips in progress.",
                    DruidSql(f'SELECT {distinct("alert_id")} AS alerts FROM "trip-alerts" WHERE {_WHERE}\n{_ANY}'),
                    unit=COUNT,
                    no_data="No alerts",
                ),
            ),
        ),
        Row(
            "Over time",
            (
                lines(
                    "Mean score by client",
                    "Each trip weighed by its distance, at the time it ended. Look for one that falls and stays low.",
                    _by_client(
                        f"{_MEAN} AS mean_score", "score", "distance_km", where="score IS NOT NULL AND distance_km > 0"
                    ),
                    unit=NUMBER,
                    minimum=0,
                    maximum=100,
                    decimals=1,
                    transformations=(BY_LABEL,),
                ),
                bars(
                    "High-risk trips by client",
                    "Finished trips in the high-risk band. Open the board of high-risk trips for each of them.",
                    _by_client("COUNT(*) AS high_risk_trips", "band", where="band = 'high'"),
                    unit=COUNT,
                    no_data="No high-risk trips",
                    transformations=(BY_LABEL,),
                ),
                bars(
                    "Finished trips by client",
                    "Number of trips behind the means: a mean over few trips says little.",
                    _by_client("COUNT(*) AS trips"),
                    unit=COUNT,
                    transformations=(BY_LABEL,),
                ),
                score_distribution("of the fleet", "", _CHOSEN),
            ),
        ),
        Row(
            "Who, and what to work on",
            (
                table(
                    "Clients",
                    "Finished trips by client. A click on a client shows it alone.",
                    DruidSql(
                        f"{trips('client_id', 'driver_id', 'distance_km', 'score', 'band', where=_CHOSEN)}"
                        f"SELECT client_id, COUNT(*) AS scored_trips, {distinct('driver_id')} AS drivers,"
                        f" SUM(distance_km) AS distance_km, {_MEAN} AS score, {_HIGH_SHARE} AS high_risk_share\n"
                        "FROM trips WHERE score IS NOT NULL AND distance_km > 0\nGROUP BY 1\nORDER BY 5"
                    ),
                    columns=(
                        CLIENT_COLUMN,
                        Column("scored_trips", "Scored trips", unit=COUNT),
                        Column("drivers", "Drivers", unit=COUNT),
                        Column("distance_km", "Distance", unit=KILOMETRES, decimals=0),
                        Column("score", "Mean score", unit=NUMBER, decimals=1, thresholds=SCORE_COLORS),
                        Column("high_risk_share", "High risk", unit=PERCENT, decimals=1, thresholds=_RISK_COLORS),
                    ),
                    width=14,
                ),
                reasons(*_CHOSEN, width=10, height=10),
                table(
                    "Drivers to talk to first",
                    f"The 25 lowest mean scores among drivers with {_MIN_RANKED_KM} km or more of scored driving. "
                    "A click opens the driver.",
                    DruidSql(
                        f"{trips('client_id', 'driver_id', 'distance_km', 'score', 'band', where=_CHOSEN)}"
                        f"SELECT driver_id, client_id, {_MEAN} AS score, COUNT(*) AS scored_trips,"
                        " SUM(distance_km) AS distance_km, COUNT(*) FILTER (WHERE band = 'high') AS high_risk_trips\n"
                        "FROM trips WHERE score IS NOT NULL AND distance_km > 0\nGROUP BY 1, 2\n"
                        f"HAVING SUM(distance_km) >= {_MIN_RANKED_KM}\nORDER BY 3\nLIMIT 25"
                    ),
                    columns=(
                        DRIVER_COLUMN,
                        CLIENT_COLUMN,
                        Column("score", "Mean score", unit=NUMBER, decimals=1, thresholds=SCORE_COLORS),
                        Column("scored_trips", "Scored trips", unit=COUNT),
                        Column("distance_km", "Distance", unit=KILOMETRES, decimals=1),
                        Column("high_risk_trips", "High-risk trips", unit=COUNT),
                    ),
                    no_data=f"No driver has {_MIN_RANKED_KM} km of scored driving in this period",
                ),
            ),
        ),
        Row(
            "Long history",
            (
                lines(
                    "Score quantiles from hourly sums",
                    "A tenth, half and nine tenths of the finished trips score below the lines. From the hourly roll-up"
                    " (kept for ever, quick over years); a trip that was scored again counts each time.",
                    DruidSql(
                        f'SELECT {bucket("__time")} AS "__time",'
                        " APPROX_QUANTILE_DS(score_sketch, 0.1) AS p10,"
                        " APPROX_QUANTILE_DS(score_sketch, 0.5) AS median,"
                        f" APPROX_QUANTILE_DS(score_sketch, 0.9) AS p90\n{_HOURLY} AND status = 'scored'\n"
                        "GROUP BY 1\nORDER BY 1"
                    ),
                    unit=NUMBER,
                    minimum=0,
                    maximum=100,
                    decimals=1,
                    columns=(Column("p10", "a tenth"), Column("median", "half"), Column("p90", "nine tenths")),
                ),
                lines(
                    "Hard events per 100 km from hourly sums",
                    "Hard brakes, accelerations and corners, by client. From the hourly roll-up.",
                    DruidSql(
                        f'SELECT {bucket("__time")} AS "__time", client_id,'
                        " SUM(hard_event_count_sum) * 100.0 / SUM(distance_km_sum) AS hard_events_per_100km\n"
                        f"{_HOURLY}\nGROUP BY 1, 2\n"
                        "HAVING SUM(distance_km_sum) > 0 AND SUM(hard_event_count_sum) IS NOT NULL\nORDER BY 1"
                    ),
                    unit=NUMBER,
                    minimum=0,
                    decimals=1,
                    transformations=(BY_LABEL,),
                ),
            ),
        ),
    ),
)
"""The fleet overview."""
