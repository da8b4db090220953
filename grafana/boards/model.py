"""Model and data: what the model says over time, and what it is given to say it of."""

from typing import Final

from grafana.boards.shared import score_distribution
from grafana.datasources import ChoiceVariable, DruidSql
from grafana.links import BOARD_LINKS, MODEL_UID
from grafana.model import Column, Dashboard, Panel, Row
from grafana.panels import BY_LABEL, COUNT, NUMBER, PERCENT, TIME, bar_chart, bars, lines, ranked_bars, table
from grafana.sql import bucket, chosen, score_bucket, trips
from grafana.variables import CLIENT, MODEL_VERSION, RESOLUTION, VEHICLE_CLASS
from schemas.features import FEATURE_NAMES

_CHOSEN: Final = (chosen("client_id"), chosen("vehicle_class"), chosen("model_version"))

FEATURE: Final = ChoiceVariable(
    "feature", "Feature", tuple((name, name) for name in FEATURE_NAMES if name != "hard_events_per_100km")
)
"""The feature that the lower half shows; the rate per 100 km is left out, as short trips have none."""

_FEATURE: Final = "${feature:raw}"
_NO_FEATURE: Final = "No trip has this feature in this period: no vehicle has its sensor"
_QUANTILES: Final = (
    Column("p10", "a tenth below"),
    Column("median", "half below"),
    Column("p90", "nine tenths below"),
)


def _quantiles(column: str) -> str:
    quantiles = (("p10", 0.1), ("median", 0.5), ("p90", 0.9))
    return ", ".join(f"APPROX_QUANTILE_DS({column}, {share}) AS {name}" for name, share in quantiles)


def _of_feature(selected: str, groups: str = "", *columns: str) -> DruidSql:
    """Ask for the chosen feature over time; every feature is taken from its trip's newest score."""
    by = f", {groups}" if groups else ""
    places = "1, 2" if groups else "1"
    taken = f"LATEST_BY({_FEATURE}, MILLIS_TO_TIMESTAMP(revision)) AS feature"
    start = trips(*columns, where=_CHOSEN).replace("MAX(__time)", f"{taken}, MAX(__time)", 1)
    return DruidSql(
        f'{start}SELECT {bucket()} AS "__time"{by}, {selected}\nFROM trips WHERE feature IS NOT NULL\n'
        f"GROUP BY {places}\nORDER BY 1"
    )


def _score_split(column: str, title: str) -> Panel:
    """Show the median score of each value of a column."""
    is_version = column == "model_version"
    sql = trips("score", where=_CHOSEN, by_model=True) if is_version else trips("score", column, where=_CHOSEN)
    return lines(
        f"Median score by {title}",
        f"Half of the finished trips of each {title} score below. A {title} that moves alone has changed, or its data.",
        DruidSql(
            f'{sql}SELECT {bucket()} AS "__time", {column}, APPROX_QUANTILE_DS(score, 0.5) AS median\n'
            f"FROM trips WHERE score IS NOT NULL AND {column} IS NOT NULL\nGROUP BY 1, 2\nORDER BY 1"
        ),
        unit=NUMBER,
        minimum=0,
        maximum=100,
        decimals=1,
        width=8,
        transformations=(BY_LABEL,),
    )


def _missing() -> Panel:
    """Show how often each feature is null, which is what a sensor that fell silent looks like."""
    names = FEATURE_NAMES
    counts = ", ".join(f"COUNT(*) - COUNT({name}) AS missing_{place}" for place, name in enumerate(names))
    cases = " ".join(f"WHEN {place} THEN missing_{place}" for place in range(len(names)))
    labels = " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(names))
    places = ", ".join(f"({place})" for place in range(len(names)))
    return ranked_bars(
        "Trips without each feature",
        "Share of finished trips without a value of the feature. A bar that grows is a sensor or a "
        "map of limits that went silent; such trips are scored on what is left.",
        DruidSql(
            f"{trips(*names, where=_CHOSEN)}, totals AS (\n  SELECT COUNT(*) AS trips, {counts} FROM trips\n)\n"
            f"SELECT CASE place.n {labels} END AS feature, CASE place.n {cases} END * 1.0 / trips AS missing_share\n"
            f"FROM totals CROSS JOIN (VALUES {places}) AS place(n)\nWHERE trips > 0\nORDER BY 2 DESC"
        ),
        unit=PERCENT,
        decimals=1,
        minimum=0,
        maximum=1,
        height=14,
        columns=(Column("missing_share", "Share of trips without it"),),
    )


MODEL_AND_DATA: Final = Dashboard(
    uid=MODEL_UID,
    title="Model and data",
    description="Distributions of scores and features over time, by client, class and model version.",
    tags=("driver-score",),
    variables=(CLIENT, VEHICLE_CLASS, MODEL_VERSION, FEATURE, RESOLUTION),
    links=BOARD_LINKS,
    period="30d",
    refresh="5m",
    rows=(
        Row(
            "Scores",
            (
                lines(
                    "Score quantiles",
                    "A tenth, half and nine tenths of the finished trips score below the lines. Lines that move "
                    "together: the driving, the data or the model changed. Only the lowest: a few drivers did.",
                    DruidSql(
                        f'{trips("score", where=_CHOSEN)}SELECT {bucket()} AS "__time", {_quantiles("score")}\n'
                        "FROM trips WHERE score IS NOT NULL\nGROUP BY 1\nORDER BY 1"
                    ),
                    unit=NUMBER,
                    minimum=0,
                    maximum=100,
                    decimals=1,
                    columns=_QUANTILES,
                ),
                bars(
                    "Finished trips by status",
                    "Scored, or below the minimum exposure for a score.",
                    DruidSql(
                        f"{trips('status', where=_CHOSEN[:2])}"
                        f'SELECT {bucket()} AS "__time", status, COUNT(*) AS trips\n'
                        "FROM trips WHERE status IS NOT NULL\nGROUP BY 1, 2\nORDER BY 1"
                    ),
                    unit=COUNT,
                    transformations=(BY_LABEL,),
                ),
                _score_split("client_id", "client"),
                _score_split("vehicle_class", "class"),
                _score_split("model_version", "model version"),
                score_distribution("of the chosen versions", " of the chosen versions", _CHOSEN),
                bar_chart(
                    "Trips by score and class",
                    "Number of finished trips of each class per score range of ten points.",
                    DruidSql(
                        f"{trips('score', 'vehicle_class', where=_CHOSEN)}SELECT {score_bucket()} AS score_range, "
                        + ", ".join(
                            f"COUNT(*) FILTER (WHERE vehicle_class = '{name}') AS {name}"
                            for name, _ in VEHICLE_CLASS.choices
                        )
                        + "\nFROM trips WHERE score IS NOT NULL\nGROUP BY 1\nORDER BY 1"
                    ),
                    unit=COUNT,
                    x="score_range",
                    stacking="normal",
                ),
            ),
        ),
        Row(
            "Model versions and roles",
            (
                table(
                    "Versions",
                    "Scores and risks by version. A challenger scores the same trips as the champion "
                    "and is seen nowhere else.",
                    DruidSql(
                        f"{trips('score', 'risk', 'band', where=_CHOSEN, by_model=True)}"
                        "SELECT model_version, model_role, COUNT(*) AS scored_trips, AVG(score) AS mean_score,"
                        " AVG(risk) AS mean_risk,"
                        " COUNT(*) FILTER (WHERE band = 'high') * 1.0 / COUNT(*) AS high_risk_share,"
                        ' MAX(last_event) AS "__time"\n'
                        "FROM trips WHERE score IS NOT NULL AND risk IS NOT NULL\nGROUP BY 1, 2\nORDER BY 1, 2"
                    ),
                    columns=(
                        Column("model_version", "Version"),
                        Column("model_role", "Role"),
                        Column("scored_trips", "Scored trips", unit=COUNT),
                        Column("mean_score", "Mean score", unit=NUMBER, decimals=1),
                        Column("mean_risk", "Mean risk", unit=PERCENT, decimals=2),
                        Column("high_risk_share", "High risk", unit=PERCENT, decimals=1),
                        Column("__time", "Last trip", unit=TIME),
                    ),
                    width=12,
                    height=8,
                ),
                lines(
                    "Mean risk by version and role",
                    "The calibrated probability behind the score. Versions that score the same trips should be close; "
                    "where they part, look before the newer one is promoted.",
                    DruidSql(
                        f"{trips('risk', where=_CHOSEN, by_model=True)}"
                        f"SELECT {bucket()} AS \"__time\", CONCAT(model_version, ' ', model_role) AS model,"
                        " AVG(risk) AS mean_risk\nFROM trips WHERE risk IS NOT NULL\nGROUP BY 1, 2\nORDER BY 1"
                    ),
                    unit=PERCENT,
                    minimum=0,
                    decimals=1,
                    transformations=(BY_LABEL,),
                ),
            ),
        ),
        Row(
            "Feature ${feature}",
            (
                lines(
                    "Quantiles of ${feature}",
                    "A tenth, half and nine tenths of the finished trips are below. Trips without the feature are "
                    "left out.",
                    _of_feature(_quantiles("feature")),
                    unit=NUMBER,
                    no_data=_NO_FEATURE,
                    columns=_QUANTILES,
                ),
                lines(
                    "Median of ${feature} by client",
                    "A client that moves alone has new vehicles, new devices or new routes.",
                    _of_feature("APPROX_QUANTILE_DS(feature, 0.5) AS median", "client_id", "client_id"),
                    unit=NUMBER,
                    no_data=_NO_FEATURE,
                    transformations=(BY_LABEL,),
                ),
                lines(
                    "Median of ${feature} by class",
                    "Classes differ; each should stay stable over time.",
                    _of_feature("APPROX_QUANTILE_DS(feature, 0.5) AS median", "vehicle_class", "vehicle_class"),
                    unit=NUMBER,
                    no_data=_NO_FEATURE,
                    transformations=(BY_LABEL,),
                ),
                bars(
                    "Trips with ${feature}",
                    "Finished trips with a value of the feature.",
                    _of_feature("COUNT(*) AS trips"),
                    unit=COUNT,
                    no_data=_NO_FEATURE,
                    columns=(Column("trips", "Trips"),),
                ),
            ),
        ),
        Row(
            "Input",
            (
                _missing(),
                bars(
                    "Late events of finished trips",
                    "Events that came after the grace period, by client: they are counted, and their trip is scored "
                    "again. Many of them: devices that upload in bulk.",
                    DruidSql(
                        f"{trips('client_id', 'late_event_count', where=_CHOSEN[:2])}"
                        f'SELECT {bucket()} AS "__time", client_id, SUM(late_event_count) AS late_events\n'
                        "FROM trips WHERE late_event_count > 0\nGROUP BY 1, 2\nORDER BY 1"
                    ),
                    unit=COUNT,
                    no_data="No late events in this period",
                    height=7,
                    transformations=(BY_LABEL,),
                ),
            ),
        ),
    ),
)
"""The board of the model and its data."""
