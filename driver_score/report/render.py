"""Messages and events in, one HTML file out."""

from pathlib import Path
from typing import Any, Final

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from driver_score.losses import gap_sentence, why_unscored
from driver_score.report import findings
from driver_score.report.drivers import MAX_LISTED, driver_ranking
from driver_score.report.figures import MAX_DRIVERS_DRAWN, MAX_GROUPS, driver_exposure, score_distribution, score_ranges
from driver_score.report.frames import distinct_alerts, latest_profiles, latest_trips
from driver_score.report.groups import MIN_GROUP_TRIPS, display_names, factor_costs, score_groups
from driver_score.report.headline import headline
from driver_score.report.quality import SENSORS, InputQuality, sensor_quality
from driver_score.report.style import band_limits, plotly_script
from driver_score.report.traces import MARKS
from driver_score.report.trips import riskiest_trips, trip_cards
from driver_score.report.wording import FACTORS, factor_name, reject_sentence
from schemas.settings import ExposureSettings
from schemas.thresholds import ThresholdProfile
from scoring.model import BandLimits

REPORT_FILE: Final = "driver-score-report.html"

_GROUPINGS: Final = (
    ("client", "clients", "scores"),
    ("vehicle_class", "vehicle classes", "score"),
    ("vehicle_id", "vehicles", "scores"),
)
"""Column of the trips, what its values are called, and the verb that goes with one of them."""

_CLASS_NAMES: Final = {"car": "Cars", "van": "Vans", "truck": "Trucks", "bus": "Buses", "motorcycle": "Motorcycles"}


def write_report(
    folder_or_path: Path,
    *,
    scores: pl.DataFrame,
    alerts: pl.DataFrame,
    profiles: pl.DataFrame,
    events: pl.DataFrame,
    quality: InputQuality,
    title: str,
    threshold_profile: ThresholdProfile | None = None,
    exposure: ExposureSettings | None = None,
    bands: BandLimits | None = None,
) -> Path:
    """Write the report of what was scored, as one HTML file that needs nothing else.

    Parameters
    ----------
    folder_or_path
        The file, when it ends in ``.html``; else a folder, in which the file is called `REPORT_FILE`. Folders are
        made as needed; a report that is there is replaced.
    scores, alerts, profiles
        ``DriverScore``, ``TripAlert`` and ``DriverProfile`` messages; times are ISO 8601 text or Datetime. Of a trip
        the highest revision of kind ``trip`` counts, of a driver the newest profile.
    events
        Event frame that was scored.
    quality
        What was counted on the way in.
    title
        Heading of the report.
    threshold_profile
        Profile behind the scores, for marks of hard events, gaps and faults; the default one where none is given.
    exposure
        The least driving for a score; the default where none is given.
    bands
        The model's risk bands; the default ones where none are given.

    Returns
    -------
    pathlib.Path
        The file.
    """
    path = folder_or_path if folder_or_path.suffix == ".html" else folder_or_path / REPORT_FILE
    context = _context(
        latest_trips(scores),
        distinct_alerts(alerts),
        latest_profiles(profiles),
        events,
        quality,
        threshold_profile or ThresholdProfile(),
        exposure or ExposureSettings(),
        bands or BandLimits(),
    )
    environment = Environment(
        loader=PackageLoader("driver_score.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(title=title, plotly=plotly_script(), **context)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _context(
    trips: pl.DataFrame,
    alerts: pl.DataFrame,
    profiles: pl.DataFrame,
    events: pl.DataFrame,
    quality: InputQuality,
    profile: ThresholdProfile,
    exposure: ExposureSettings,
    limits: BandLimits,
) -> dict[str, Any]:
    """Compute what the templates show."""
    names = display_names(pl.concat([trips["client_id"], profiles["client_id"], events["client_id"]]))
    trips = trips.with_columns(client=pl.col("client_id").replace_strict(names, return_dtype=pl.String))
    numbers = headline(trips, alerts)
    sensors = sensor_quality(events, names, profile)
    riskiest = riskiest_trips(trips)
    costs = factor_costs(trips)
    return {
        "headline": numbers,
        "unscored": [(trips, why_unscored(cause, exposure)) for cause, trips in numbers.unscored.items()],
        "distribution_finding": findings.of_scores(trips),
        "distribution": score_distribution(trips, limits) if numbers.scored else None,
        "groupings": [found for grouping in _GROUPINGS if (found := _grouping(trips, limits, *grouping))],
        "min_group_trips": MIN_GROUP_TRIPS,
        "factors_finding": findings.of_factors(costs),
        "factors": [{**row, "name": factor_name(row["reason"])} for row in costs.iter_rows(named=True)],
        "riskiest_finding": findings.of_riskiest(riskiest, numbers.scored),
        "cards": trip_cards(riskiest, events, alerts, names, profile),
        "marks": MARKS.values(),
        "drivers_finding": findings.of_drivers(profiles),
        "drivers": driver_ranking(profiles, names),
        "drivers_chart": driver_exposure(profiles, limits) if profiles["score"].count() > 1 else None,
        "max_drivers_drawn": MAX_DRIVERS_DRAWN,
        "max_listed": MAX_LISTED,
        "half_life_days": profiles["half_life_days"].drop_nulls().unique().sort().to_list(),
        "quality_finding": findings.of_quality(quality),
        "quality": quality,
        "rejects": [
            (code, reject_sentence(code), count)
            for code, count in sorted(quality.rejects_by_code.items(), key=lambda item: (-item[1], item[0]))
        ],
        "sensor_names": tuple(SENSORS.values()),
        "sensors": sensors,
        "gap_note": gap_sentence(sensors.median_interval_s, profile),
        "models": trips.select(pl.format("{} {}", "model_name", "model_version").drop_nulls().unique().sort())
        .to_series()
        .to_list(),
        "profiles_used": trips["threshold_profile"].drop_nulls().unique().sort().to_list(),
        "profile": profile,
        "classes": trips["vehicle_class"].unique().sort().to_list(),
        "bands": band_limits(limits),
        "factor_wording": FACTORS.values(),
    }


def _grouping(trips: pl.DataFrame, limits: BandLimits, column: str, many: str, verb: str) -> dict[str, Any] | None:
    """Compute what is shown of the groups of one column; of a single group there is nothing to compare."""
    groups = score_groups(trips, column)
    if column == "vehicle_class":
        groups = groups.with_columns(pl.col("label").replace(_CLASS_NAMES))
    if groups.height < 2:  # noqa: PLR2004 - a comparison needs two
        return None
    comparable = groups.filter(pl.col("scored") >= MIN_GROUP_TRIPS)
    drawn = groups if groups.height <= MAX_GROUPS or comparable.is_empty() else comparable
    return {
        "many": many,
        "finding": findings.of_vehicles(groups) if column == "vehicle_id" else findings.of_groups(groups, many, verb),
        "chart": score_ranges(drawn, limits, name=column.replace("_", "-")),
        "shown": min(drawn.height, MAX_GROUPS),
        "groups": groups.height,
    }
