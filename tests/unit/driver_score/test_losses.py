"""What did not count as it was sent: each loss in a sentence, and large ones apart from small ones."""

from typing import get_args

import pytest

from driver_score.losses import Loss, file_losses, gap_sentence, unscored_sentences, worker_losses
from schemas.messages.optional_fields import FieldFault
from schemas.settings import ExposureSettings
from schemas.thresholds import ThresholdProfile
from scoring.features.state import DeviceFault
from scoring.trip_files import ReadSummary


def sentences(**counts: object) -> list[str]:
    given = {"events": 1000, "rejects": {}, "duplicates": 0, "late": 0, "faults": {}, **counts}
    return [str(loss) for loss in worker_losses(**given)]  # type: ignore[arg-type]


def test_where_all_counted_nothing_is_said() -> None:
    assert sentences() == []
    assert file_losses(ReadSummary(10, 10, {})) == []


def test_each_loss_says_how_many_of_how_many_and_why_the_largest_first() -> None:
    late, unknown, merged, rejected = sentences(
        late=620, duplicates=30, rejects={"not_json": 1, "illegal_id": 3}, faults={("heading_deg", "wrong_type"): 420}
    )
    assert late.startswith("620 of 1,000 events came late (62.0%): each was more than DRIVER_SCORE_WINDOWS__")
    assert unknown == "420 of 1,000 events count without heading_deg (42.0%): its value is of another type"
    assert merged.startswith("30 of 1,000 events were merged (3.0%): with others of the same trip")
    assert rejected.startswith("4 of 1,004 messages were rejected (0.4%): 3 illegal_id, 1 not_json; docs/bad-input.md")


@pytest.mark.parametrize("fault", FieldFault)
def test_each_fault_is_said_in_words(fault: FieldFault) -> None:
    (sentence,) = sentences(faults={("latitude", fault): 1})
    assert sentence.startswith("1 of 1,000 events count without latitude (0.1%): its value is ")


@pytest.mark.parametrize("fault", get_args(DeviceFault))
def test_each_fault_of_a_device_is_said_in_words_of_events_or_of_trips(fault: DeviceFault) -> None:
    (sentence,) = sentences(trips=20, device_faults={fault: 4})
    of_trips = fault in ("held_speed", "speed_contradicted", "sensor_offset", "sensor_contradicted")
    assert sentence.startswith("4 of 20 trips have " if of_trips else "4 of 1,000 events ")
    assert fault not in sentence


def test_faults_of_trips_come_after_those_of_events_and_a_trip_that_is_scored_twice_is_no_second_trip() -> None:
    event, trip = sentences(trips=3, device_faults={"sensor_contradicted": 6, "spike": 1})
    assert event.startswith("1 of 1,000 events count without their speed (0.1%): no vehicle ")
    assert trip == (
        "3 of 3 trips have an acceleration sensor that contradicts the speed (100.0%): it was not used. "
        "Check how it is mounted, its unit and its sign"
    )


@pytest.mark.parametrize(
    ("late_trips", "ending"),
    [
        (None, " of its trip that came before it"),
        ({}, "; no final score includes them"),
        ({"corrected": 1}, "; 1 final score was made again with them. Alerts before that were without"),
        ({"corrected": 2}, "; 2 final scores were made again with them. Alerts before that were without"),
    ],
)
def test_late_events_are_said_with_what_became_of_their_trips(late_trips: dict[str, int] | None, ending: str) -> None:
    (late,) = sentences(late=620, late_trips=late_trips, trips=2)
    assert late.startswith("620 of 1,000 events came late (62.0%): each was more than DRIVER_SCORE_WINDOWS__")
    assert late.endswith(ending)


def test_trips_whose_late_events_have_expired_are_said() -> None:
    _, expired = sentences(late=620, late_trips={"expired": 1}, trips=2)
    assert expired.startswith("1 of 2 trips have a score without their late events (50.0%): Kafka has deleted events")


def test_rows_that_the_reader_dropped_are_said_by_cause() -> None:
    (loss,) = file_losses(ReadSummary(630, 210, {"no trip_id": 400, "nothing measured": 20}))
    assert str(loss) == "420 of 630 rows of the file were dropped (66.7%): 400 no trip_id, 20 nothing measured"
    assert loss.is_large


def test_fields_that_the_reader_took_away_are_said_beside_the_rows_that_it_dropped() -> None:
    losses = file_losses(
        ReadSummary(630, 620, {"no trip_id": 10}, faults={("speed_limit_kmh", FieldFault.PLACEHOLDER): 420})
    )
    assert [str(loss) for loss in losses] == [
        "420 of 620 events count without speed_limit_kmh (67.7%): its value is one that stands for unknown",
        "10 of 630 rows of the file were dropped (1.6%): 10 no trip_id",
    ]


@pytest.mark.parametrize(
    ("loss", "is_large"),
    [
        (Loss(10, 1000, "late"), False),
        (Loss(11, 1000, "late"), True),
        (Loss(900, 1000, "without a limit", is_expected=True), False),
    ],
)
def test_more_than_one_of_a_hundred_is_large_unless_the_sender_said_unknown(loss: Loss, is_large: bool) -> None:
    assert loss.is_large is is_large


def test_trips_without_a_score_are_said_with_the_reason() -> None:
    limits = ExposureSettings(min_trip_km=0.5)
    assert unscored_sentences(3, {}, limits) == []
    assert unscored_sentences(3, {"insufficient_exposure": 2, "speed_unknown": 1, "new": 1}, limits) == [
        "2 of 3 trips have no score: less than 0.5 km or 120 s of driving that counts",
        "1 of 3 trips have no score: the speed is unknown, and so is the distance",
        "1 of 3 trips have no score: new",
    ]


def test_samples_beyond_the_gap_name_the_setting_that_counts_them() -> None:
    profile = ThresholdProfile()
    assert gap_sentence(None, profile) is None
    assert gap_sentence(90.0, profile) is None
    assert "samples come 120 s apart" in (gap_sentence(120.0, profile) or "")
    assert "DRIVER_SCORE_THRESHOLDS__MAX_SPARSE_GAP_S=240 counts them" in (gap_sentence(120.0, profile) or "")
