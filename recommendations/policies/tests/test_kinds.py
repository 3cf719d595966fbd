"""Each kind of policy: holds, just does not, and what is not known. No database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from recommendations import wording
from recommendations.engine.calendar import Calendar
from recommendations.policies.contract import (
    Broken,
    InvalidParameters,
    Kept,
    Moment,
    Subject,
    Sum,
    Unknown,
)
from recommendations.policies.kinds import KINDS
from recommendations.rulebook import InvalidOption
from recommendations.tests.facts import NOW, TODAY, ZONE

MOMENT = Moment(now=NOW, today=TODAY, zone=ZONE)


def subject(**values: Any) -> Subject:
    return Subject(**{"pk": 1, "name": "prod-web-01", "resource_type": "server"} | values)


def asked(kind: str, parameters: dict[str, Any], moment: Moment = MOMENT, **values: Any) -> Any:
    rule = KINDS[kind]
    return rule.answer(subject(**values), rule.read(parameters), moment)


def why(answer: Any) -> str:
    assert isinstance(answer, Broken), answer
    return wording.text(answer.why.as_json())


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_not_read_lately_proves_nothing(kind):
    given = {
        "required_tags": {"tags": ["team"]},
        "naming": {"patterns": ["x"]},
        "allowed_regions": {"regions": ["x"]},
        "allowed_types": {"types": ["volume"]},
    }

    answer = asked(kind, given.get(kind, {}), is_certain=False, daily_rub=Decimal(10**6), is_orphan=True)

    assert answer == Unknown()


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"team": "web", "env": "prod"}, ""),
        ({"team": "web", "env": "PROD"}, ""),
        ({"env": "prod"}, "Without the tags: team."),
        ({"team": "", "env": "dev"}, "Without the tags: team."),
        ({"team": "web", "env": "test"}, "Not an allowed value: Env=test."),
        ({"env": "test"}, "Without the tags: team. Not an allowed value: Env=test."),
        ({}, "Without the tags: team, Env."),
    ],
)
def test_required_tags(tags, said):
    answer = asked("required_tags", {"tags": ["team", "Env = prod | dev"]}, tags=tags)

    assert (answer == Kept()) if not said else (why(answer) == said)


@pytest.mark.parametrize(
    ("name", "is_kept"),
    [("prod-web-01", True), ("dev-db-12", True), ("prod-web-1", False), ("x-prod-web-01", False)],
)
def test_naming_takes_the_whole_name(name, is_kept):
    answer = asked("naming", {"patterns": ["prod-[a-z]+-[0-9]{2,2}", "dev-.*"]}, name=name)

    assert (answer == Kept()) if is_kept else ("does not follow the pattern" in why(answer))


def test_naming_that_takes_too_long_proves_nothing():
    assert asked("naming", {"patterns": ["(a|aa)+b"]}, name="a" * 300) == Unknown()


@pytest.mark.parametrize(
    ("region", "expected"), [("ru-1", Kept()), ("RU-1", Kept()), ("", Unknown()), ("ru-9", None)]
)
def test_allowed_regions(region, expected):
    answer = asked("allowed_regions", {"regions": ["ru-1", "ru-3"]}, region_id=region)

    assert (answer == expected) if expected else (why(answer) == "It is in the region ru-9.")


@pytest.mark.parametrize(("kind", "expected"), [("server", Kept()), ("other", Unknown()), ("cdn", None)])
def test_allowed_types(kind, expected):
    answer = asked("allowed_types", {"types": ["server", "volume"]}, resource_type=kind)

    assert (answer == expected) if expected else (why(answer) == "It is of the type: CDN.")


@pytest.mark.parametrize(
    ("since", "expected"),
    [(timedelta(days=14, hours=23), Kept()), (timedelta(days=15), None), (None, Unknown())],
)
def test_unattached_age(since, expected):
    answer = asked(
        "unattached_age",
        {"days": 14},
        resource_type="volume",
        is_orphan=True,
        orphan_since=NOW - since if since else None,
    )

    assert (answer == expected) if expected else (why(answer) == "Attached to nothing since 16\xa0Sep.")


def test_unattached_age_is_about_volumes_and_addresses_that_are_unattached():
    kind = KINDS["unattached_age"]

    assert asked("unattached_age", {}, resource_type="volume") == Kept()
    assert not kind.asks(subject())
    assert not kind.asks(subject(resource_type="volume", is_gone=True))
    assert kind.asks(subject(resource_type="floating_ip"))


@pytest.mark.parametrize(
    ("daily", "expected"), [(Decimal("100"), Kept()), (Decimal("100.01"), None), (None, Unknown())]
)
def test_spend_limit_of_a_resource(daily, expected):
    answer = asked("spend_limit", {"limit": "3000"}, daily_rub=daily)

    if expected:
        assert answer == expected
    else:
        assert why(answer) == "Costs ₽3,000.30 a month; the limit is ₽3,000.00."


@pytest.mark.parametrize(
    ("daily", "uncertain", "expected"),
    [("100", 0, Kept()), ("100", 1, Unknown()), ("100.01", 0, None), ("100.01", 5, None)],
)
def test_spend_limit_of_a_scope(daily, uncertain, expected):
    rule = KINDS["spend_limit"]
    options = rule.read({"limit": 3000, "is_whole": True})
    found = Sum(daily_rub=Decimal(daily), count=9, uncertain_count=uncertain)

    answer = rule.check_sum(found, options, MOMENT)

    assert rule.is_whole(options)
    assert (answer == expected) if expected else isinstance(answer, Broken)


NIGHTS = [datetime(2026, 9, day, 23, tzinfo=UTC) for day in (28, 29, 30)]
"""Two in the morning in Moscow, of a Tuesday, a Wednesday and a Thursday."""
NOON = datetime(2026, 9, 30, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("looked", "running", "expected"),
    [
        (NIGHTS, NIGHTS[:2], None),
        (NIGHTS, NIGHTS[:1], Kept()),
        ([*NIGHTS[:2], NOON], [NIGHTS[0], NOON], Kept()),
        ([NIGHTS[0], NOON], [NIGHTS[0], NOON], Unknown()),
        ([NOON], [NOON], Unknown()),
        ([], [], Unknown()),
    ],
)
def test_off_hours_counts_looks_at_night(looked, running, expected):
    answer = asked("off_hours", {"sightings": 2}, looked_at=looked, seen_running=running)

    if expected:
        assert answer == expected
    else:
        assert why(answer).startswith("Ran outside of working hours at 2 looks")


@pytest.mark.parametrize(("hour", "is_off"), [(8, True), (9, False), (17, False), (18, True)])
def test_off_hours_end_where_work_begins(hour, is_off):
    at = datetime(2026, 9, 30, hour - 3, 30, tzinfo=UTC)

    answer = asked("off_hours", {"sightings": 1}, looked_at=[at], seen_running=[at])

    assert isinstance(answer, Broken if is_off else Unknown)


def test_off_hours_knows_holidays_and_a_schedule():
    holiday = datetime(2026, 11, 4, 9, tzinfo=UTC)  # National Unity Day, a Wednesday
    given = {"looked_at": [holiday], "seen_running": [holiday]}
    nightly = Moment(
        now=NOW, today=TODAY, zone=ZONE, calendar=Calendar.of_data([[2, 0, 24]]), rests_on_holidays=False
    )

    assert isinstance(asked("off_hours", {"sightings": 1}, **given), Broken)
    assert asked("off_hours", {"sightings": 1, "rests_on_holidays": False}, **given) == Unknown()
    assert asked("off_hours", {"sightings": 1}, nightly, **given) == Unknown()


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("required_tags", {}),
        ("required_tags", {"tags": ["=prod"]}),
        ("naming", {}),
        ("naming", {"patterns": ["("]}),
        ("allowed_regions", {"regions": []}),
        ("allowed_types", {"types": ["spaceship"]}),
        ("allowed_types", {}),
        ("off_hours", {"start": 18, "end": 18}),
        ("spend_limit", {"colour": "red"}),
    ],
)
def test_parameters_that_say_nothing_are_refused(kind, parameters):
    with pytest.raises(InvalidParameters):
        KINDS[kind].read(parameters)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("unattached_age", {"days": "soon"}),
        ("unattached_age", {"days": -1}),
        ("spend_limit", {"limit": "NaN"}),
        ("off_hours", {"start": 24}),
        ("naming", {"patterns": [1]}),
    ],
)
def test_values_that_an_option_cannot_have_are_refused(kind, parameters):
    with pytest.raises(InvalidOption):
        KINDS[kind].read(parameters)
