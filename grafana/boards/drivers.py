"""Driver and vehicle: one driver's rolling score and trips, and how the vehicles compare."""

from typing import Final

from grafana.boards.shared import (
    CLIENT_COLUMN,
    DISTANCE_COLUMN,
    DRIVER_COLUMN,
    LAST_EVENT_COLUMN,
    REASON_COLUMNS,
    SCORE_COLUMN,
    TRIP_COLUMN,
    VEHICLE_COLUMN,
    reasons,
)
from grafana.datasources import DruidSql
from grafana.links import BOARD_LINKS, DRIVERS_UID
from grafana.model import Column, Dashboard, Row
from grafana.panels import BY_LABEL, COUNT, KILOMETRES, NUMBER, SCORE_COLORS, bars, lines, stat, table
from grafana.sql import TIME, bucket, chosen, distinct, known, trips
from grafana.variables import CLIENT, DRIVER, RESOLUTION, VEHICLE, VEHICLE_CLASS

_DRIVER: Final = "driver_id = ${driver:sqlstring}"
_VEHICLES: Final = (chosen("client_id"), chosen("vehicle_class"), chosen("vehicle_id"))
_MEAN: Final = "SUM(score * distance_km) / SUM(distance_km)"
_SCORED: Final = "score IS NOT NULL AND distance_km > 0"
_NO_DRIVER: Final = "No trips of this driver in this period"
_NOT_RATED: Final = "Not rated yet"


def _profile(column: str) -> DruidSql:
    """Ask for a column of the driver's newest profile in the period."""
    return DruidSql(
        f"SELECT {column} FROM (\n"
        f"  SELECT client_id, LATEST_BY({column}, MILLIS_TO_TIMESTAMP(updated_at)) AS {column}\n"
        f'  FROM "driver-profiles" WHERE {TIME} AND {_DRIVER} AND {chosen("client_id")}\n  GROUP BY 1\n)\n'
        f"WHERE {column} IS NOT NULL"
    )


DRIVER_AND_VEHICLE: Final = Dashboard(
    uid=DRIVERS_UID,
    title="Driver and vehicle",
    description="One driver: rolling score, trend, trips and reasons. And the vehicles, next to each other.",
    tags=("driver-score",),
    variables=(CLIENT, DRIVER, VEHICLE, VEHICLE_CLASS, RESOLUTION),
    links=BOARD_LINKS,
    period="30d",
    rows=(
        Row(
            "Driver ${driver}",
            (
                stat(
                    "Rolling score",
                    "Mean of the driver's trips, older ones counting less. Empty until there is enough driving.",
                    _profile("score"),
                    decimals=1,
                    thresholds=SCORE_COLORS,
                    no_data=_NOT_RATED,
                ),
                stat(
                    "Before the last trip",
                    "The rolling score before the newest trip: did it go up or down?",
                    _profile("previous_score"),
                    decimals=1,
                    thresholds=SCORE_COLORS,
                    no_data=_NOT_RATED,
                ),
                stat("Scored trips", "Of all time.", _profile("trip_count"), unit=COUNT, no_data=_NO_DRIVER),
                stat(
                    "Distance behind the score",
                    "After older trips have faded. The more, the surer the score.",
                    _profile("effective_distance_km"),
                    unit=KILOMETRES,
                    decimals=0,
                    no_data=_NO_DRIVER,
                ),
                lines(
                    "Rolling score after each trip",
                    "Where the driver is heading. One bad trip moves it little; a falling line is a reason to talk.",
                    DruidSql(
                        f'SELECT __time, MAX(score) AS score FROM "driver-profiles"\nWHERE {TIME} AND {_DRIVER}'
                        f" AND {chosen('client_id')} AND score IS NOT NULL\nGROUP BY 1\nORDER BY 1"
                    ),
                    unit=NUMBER,
                    minimum=0,
                    maximum=100,
                    decimals=1,
                    width=8,
                    no_data=_NOT_RATED,
                    columns=(Column("score", "Rolling score"),),
                ),
                lines(
                    "Trip scores, the driver and the client",
                    "Mean of finished trips: the driver, and all others of the chosen clients. Compare like with "
                    "like: choose the driver's client above.",
                    DruidSql(
                        f"{trips('driver_id', 'distance_km', 'score', where=(chosen('client_id'),))}"
                        f'SELECT {bucket()} AS "__time",'
                        " CASE WHEN driver_id = ${driver:sqlstring} THEN 'this driver' ELSE 'all others' END AS who,"
                        f" {_MEAN} AS mean_score\nFROM trips WHERE {_SCORED}\nGROUP BY 1, 2\nORDER BY 1"
                    ),
                    unit=NUMBER,
                    minimum=0,
                    maximum=100,
                    decimals=1,
                    transformations=(BY_LABEL,),
                    no_data=_NO_DRIVER,
                ),
                reasons(_DRIVER),
                table(
                    "Trips",
                    "The driver's 200 newest finished trips with a score. A click on a trip shows it window by window.",
                    DruidSql(
                        trips("client_id", "distance_km", "score", "band", "reason_1", "reason_2", where=(_DRIVER,))
                        + 'SELECT last_event AS "__time", trip_id, vehicle_id, client_id,'
                        " ${driver:sqlstring} AS driver_id,"
                        f" {known('distance_km')} AS distance_km, score, band, reason_1, reason_2\n"
                        "FROM trips WHERE score IS NOT NULL\nORDER BY last_event DESC\nLIMIT 200"
                    ),
                    columns=(
                        LAST_EVENT_COLUMN,
                        TRIP_COLUMN,
                        VEHICLE_COLUMN,
                        CLIENT_COLUMN,
                        DRIVER_COLUMN,
                        DISTANCE_COLUMN,
                        SCORE_COLUMN,
                        Column("band", "Risk"),
                        *REASON_COLUMNS,
                    ),
                    no_data=_NO_DRIVER,
                ),
            ),
        ),
        Row(
            "Vehicles",
            (
                table(
                    "Scores by vehicle",
                    "How the scores of each vehicle's finished trips are spread: a tenth, half, nine tenths lie below. "
                    "The 200 lowest. A vehicle that is low with every driver may need a mechanic, or another route.",
                    DruidSql(
                        f"{trips('client_id', 'driver_id', 'distance_km', 'score', where=_VEHICLES)}"
                        "SELECT vehicle_id, client_id, ANY_VALUE(driver_id, 64) AS driver_id,"
                        f" {distinct('driver_id')} AS drivers, COUNT(*) AS scored_trips,"
                        " SUM(distance_km) AS distance_km, APPROX_QUANTILE_DS(score, 0.1) AS p10,"
                        " APPROX_QUANTILE_DS(score, 0.5) AS score, APPROX_QUANTILE_DS(score, 0.9) AS p90\n"
                        f"FROM trips WHERE {_SCORED}\nGROUP BY 1, 2\nORDER BY 8\nLIMIT 200"
                    ),
                    columns=(
                        VEHICLE_COLUMN,
                        CLIENT_COLUMN,
                        Column("driver_id", "One of its drivers", link=DRIVER_COLUMN.link),
                        Column("drivers", "Drivers", unit=COUNT),
                        Column("scored_trips", "Scored trips", unit=COUNT),
                        DISTANCE_COLUMN,
                        Column("p10", "A tenth below", unit=NUMBER, decimals=1),
                        Column("score", "Median", unit=NUMBER, decimals=1, thresholds=SCORE_COLORS),
                        Column("p90", "Nine tenths below", unit=NUMBER, decimals=1),
                    ),
                ),
                lines(
                    "Mean score by class",
                    "Finished trips of the chosen vehicles. Classes have thresholds of their own, so they compare.",
                    DruidSql(
                        f"{trips('vehicle_class', 'distance_km', 'score', where=_VEHICLES)}"
                        f'SELECT {bucket()} AS "__time", vehicle_class, {_MEAN} AS mean_score\n'
                        f"FROM trips WHERE {_SCORED}\nGROUP BY 1, 2\nORDER BY 1"
                    ),
                    unit=NUMBER,
                    minimum=0,
                    maximum=100,
                    decimals=1,
                    transformations=(BY_LABEL,),
                ),
                bars(
                    "Distance by class",
                    "Driven in finished trips of the chosen vehicles.",
                    DruidSql(
                        f"{trips('vehicle_class', 'distance_km', where=_VEHICLES)}"
                        f'SELECT {bucket()} AS "__time", vehicle_class, SUM(distance_km) AS distance_km\n'
                        "FROM trips WHERE distance_km IS NOT NULL\nGROUP BY 1, 2\nORDER BY 1"
                    ),
                    unit=KILOMETRES,
                    decimals=0,
                    transformations=(BY_LABEL,),
                ),
            ),
        ),
    ),
)
"""The board of one driver, and of vehicles."""
