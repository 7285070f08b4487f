"""The decision alone: facts in, reasons and the next moment out."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipcall.callability.decision import Facts, easter_sunday, french_holidays, next_allowed_at, obstacles
from skipcall.callability.rules import rule_sets

PARIS = ZoneInfo("Europe/Paris")
SECOND = timedelta(seconds=1)

moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
zones = st.sampled_from(["Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
facts = st.builds(
    Facts,
    rule_set=st.sampled_from(sorted(rule_sets())),
    timezone=zones,
    has_number=st.sampled_from([True] * 9 + [False]),
    is_allowed=st.sampled_from([True] * 9 + [False]),
    is_listed=st.booleans(),
    listed_until=st.none() | moments,
    consent=st.sampled_from([None, "given", "refused", "withdrawn", "objected"]),
    legal_basis=st.sampled_from([None, "consent", "current_contract", "b2b_legitimate_interest"]),
    refused_at=st.none() | moments,
    called_at=st.lists(moments, max_size=6).map(lambda found: tuple(sorted(found, reverse=True))),
)


@given(facts, moments, st.floats(0, 1))
def test_the_next_moment_is_the_first_one(known: Facts, at: datetime, part: float) -> None:
    found = next_allowed_at(known, at)
    if found is None:
        assert obstacles(known, at)
        assert obstacles(known, at + part * timedelta(days=200))
        return
    assert obstacles(known, found) == []
    assert (found == at) == (obstacles(known, at) == [])
    if found > at:
        assert obstacles(known, found - SECOND)
        assert obstacles(known, at + part * (found - SECOND - at))


@given(facts, moments, st.floats(0, 0.999))
def test_each_reason_lasts_until_its_end(known: Facts, at: datetime, part: float) -> None:
    for one in obstacles(known, at):
        assert one.until is None or one.until > at
        end = one.until or at + timedelta(days=200)
        assert one.code in [each.code for each in obstacles(known, at + part * (end - at))]


def paris(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=PARIS).astimezone(UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("at", "codes", "expected"),
    [
        (paris(2026, 3, 2, 9, 59, 59), ["OUTSIDE_HOURS"], paris(2026, 3, 2, 10)),
        (paris(2026, 3, 2, 10), [], paris(2026, 3, 2, 10)),
        (paris(2026, 3, 2, 13), ["OUTSIDE_HOURS"], paris(2026, 3, 2, 14)),
        (paris(2026, 3, 2, 20), ["OUTSIDE_HOURS"], paris(2026, 3, 3, 10)),
        (paris(2026, 3, 27, 20), ["OUTSIDE_HOURS"], paris(2026, 3, 30, 10)),  # clocks go forward in between
        (paris(2025, 10, 24, 20), ["OUTSIDE_HOURS"], paris(2025, 10, 27, 10)),  # and back
        (paris(2026, 4, 3, 20), ["OUTSIDE_HOURS"], paris(2026, 4, 7, 10)),  # Easter Monday
        (paris(2026, 5, 1, 11), ["HOLIDAY"], paris(2026, 5, 4, 10)),
        (
            paris(2025, 11, 11, 3),
            ["HOLIDAY", "OUTSIDE_HOURS"],
            paris(2025, 11, 12, 10),
        ),  # both, as the evening before said
        (paris(2026, 8, 10, 20), ["OUTSIDE_HOURS"], None),  # from the next day on, consent is needed
        (paris(2026, 8, 11, 11), ["NO_CONSENT"], None),
    ],
)
def test_hours_of_consumers_in_france(at: datetime, codes: list[str], expected: datetime | None) -> None:
    known = Facts(rule_set="FR_CONSUMER", timezone="Europe/Paris")
    assert [one.code for one in obstacles(known, at)] == codes
    assert next_allowed_at(known, at) == expected


def test_consent_opens_every_hour_before_and_after_the_change() -> None:
    known = Facts(rule_set="FR_CONSUMER", timezone="Europe/Paris", consent="given", legal_basis="consent")
    for at in (paris(2026, 5, 1, 3), paris(2026, 8, 11, 3)):
        assert obstacles(known, at) == []


def test_four_calls_in_thirty_days_and_silence_after_a_refusal() -> None:
    at = paris(2026, 3, 16, 11)
    calls = tuple(at - timedelta(days=days) for days in (1, 2, 3, 20))
    known = Facts(rule_set="FR_CONSUMER", timezone="Europe/Paris", called_at=calls)
    assert [one.code for one in obstacles(known, at)] == ["FREQUENCY_CAP"]
    assert next_allowed_at(known, at) == paris(2026, 3, 26, 11)
    known = Facts(rule_set="FR_CONSUMER", timezone="Europe/Paris", refused_at=at - timedelta(days=1))
    assert [(one.code, one.until) for one in obstacles(known, at)] == [("REFUSAL_COOLDOWN", at + timedelta(days=59))]


def test_holidays() -> None:
    assert [easter_sunday(year) for year in (2024, 2025, 2026, 2038, 2285)] == [
        date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2038, 4, 25), date(2285, 3, 22),
    ]  # fmt: skip
    assert {date(2026, 4, 6), date(2026, 5, 14), date(2026, 5, 25), date(2026, 7, 14)} < french_holidays(2026)
    assert len(french_holidays(2026)) == 11
