"""Panels and columns that more than one dashboard shows."""

from collections.abc import Sequence
from typing import Final

from grafana.datasources import DruidSql
from grafana.links import TO_CLIENT, TO_DRIVER, TO_TRIP, TO_VEHICLE
from grafana.model import Column, Panel
from grafana.panels import COUNT, DASH, KILOMETRES, NUMBER, SCORE_COLORS, TIME, bar_chart, ranked_bars
from grafana.sql import score_bucket, trips

CLIENT_COLUMN: Final = Column("client_id", "Client", link=TO_CLIENT)
DRIVER_COLUMN: Final = Column("driver_id", "Driver", link=TO_DRIVER)
VEHICLE_COLUMN: Final = Column("vehicle_id", "Vehicle", link=TO_VEHICLE)
TRIP_COLUMN: Final = Column("trip_id", "Trip", link=TO_TRIP)
CLASS_COLUMN: Final = Column("vehicle_class", "Class")
SCORE_COLUMN: Final = Column("score", "Score", unit=NUMBER, decimals=1, thresholds=SCORE_COLORS, texts=DASH)
DISTANCE_COLUMN: Final = Column("distance_km", "Distance", unit=KILOMETRES, decimals=1, texts=DASH)
REASON_COLUMNS: Final = (Column("reason_1", "Main reason"), Column("reason_2", "Second reason"))
LAST_EVENT_COLUMN: Final = Column("__time", "Last event", unit=TIME)


def reasons(*where: str, width: int = 12, height: int = 8) -> Panel:
    """Show which factors took the most points from finished trips."""
    columns = [f"reason_{place}{part}" for place in (1, 2, 3) for part in ("", "_impact")]
    impacts = " ".join(f"WHEN {place} THEN reason_{place}_impact" for place in (1, 2, 3))
    factors = " ".join(f"WHEN {place} THEN reason_{place}" for place in (1, 2, 3))
    sql = (
        trips("score", *columns, where=where) + f"SELECT reason, ROUND(-SUM(impact), 1) AS points_lost FROM (\n"
        f"  SELECT CASE place.n {factors} END AS reason, CASE place.n {impacts} END AS impact\n"
        f"  FROM trips CROSS JOIN (VALUES (1), (2), (3)) AS place(n) WHERE score IS NOT NULL\n)\n"
        "WHERE reason IS NOT NULL AND impact < 0\nGROUP BY 1\nORDER BY 2 DESC"
    )
    return ranked_bars(
        "What takes points",
        "Points that each factor took from finished trips, all together. Coach the longest bar first. "
        "A trip tells its three largest factors; smaller ones are not counted.",
        DruidSql(sql),
        unit=COUNT,
        decimals=0,
        minimum=0,
        width=width,
        height=height,
        columns=(Column("points_lost", "Points lost"),),
    )


def score_distribution(by: str, label: str, where: Sequence[str]) -> Panel:
    """Show how many finished trips there are at each score."""
    sql = (
        trips("score", where=where)
        + f"SELECT {score_bucket()} AS score_range, COUNT(*) AS trips\nFROM trips WHERE score IS NOT NULL\n"
        "GROUP BY 1\nORDER BY 1"
    )
    return bar_chart(
        f"Trips by score{label}",
        f"How many finished trips {by} fall into each tenth of the scale, 0 the worst and 100 the best.",
        DruidSql(sql),
        unit=COUNT,
        x="score_range",
        columns=(Column("trips", "Trips"),),
    )
