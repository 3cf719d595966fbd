"""The search for anomalies, without a database: what is one, what is none, and each event told once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from costs.anomalies.detection import (
    CONNECTION,
    RESOURCE,
    SERVICE,
    Accepted,
    Finding,
    Key,
    detect,
    detect_falls,
)

FIRST = date(2026, 2, 2)  # a Monday
COMPUTE, STORAGE = "Compute", "Storage"


def series(*values: object) -> dict[date, Decimal]:
    return {FIRST + timedelta(days=number): Decimal(str(value)) for number, value in enumerate(values)}


def found(*resources: tuple[str, list[object]], **more: object) -> list[Finding]:
    """The findings in an account of these resources (service, costs from a Monday on)."""
    return detect(account_of(*resources), since=FIRST, **more)


def fallen(*resources: tuple[str, list[object]]) -> list[Finding]:
    return detect_falls(account_of(*resources), since=FIRST)


def account_of(*resources: tuple[str, list[object]]) -> dict[Key, dict[date, Decimal]]:
    histories: dict[Key, dict[date, Decimal]] = {}
    for number, (service, values) in enumerate(resources):
        for key in (Key(RESOURCE, service, number), Key(SERVICE, service), Key(CONNECTION)):
            into = histories.setdefault(key, {})
            for day, amount in series(*values).items():
                into[day] = into.get(day, Decimal(0)) + amount
    return histories


def test_a_jump_of_two_days_is_one_anomaly_with_what_it_did_to_the_sums() -> None:
    steady = (COMPUTE, [1000] * 30)
    [finding] = found(steady, (COMPUTE, [100] * 20 + [4600, 4600] + [100] * 8))

    assert finding.key == Key(RESOURCE, COMPUTE, 1)
    assert (finding.run.first, finding.run.last) == (FIRST + timedelta(20), FIRST + timedelta(21))
    assert (finding.run.actual, finding.run.expected, finding.run.excess) == (9200, 200, 9000)
    assert not finding.run.is_settled
    assert {level: (run.actual, run.expected) for level, run in finding.around.items()} == {
        SERVICE: (11200, 2200),
        CONNECTION: (11200, 2200),
    }


def test_weekends_growth_small_rises_and_falls_are_no_anomalies() -> None:
    week = [1000, 1000, 1000, 1000, 1000, 2500, 2500]
    growing = [1000 + 5 * day for day in range(42)]
    dearer = [1000] * 21 + [1040] * 21
    gone = [1000] * 21 + [0] * 21

    assert found((COMPUTE, week * 6), (COMPUTE, growing), (STORAGE, dearer), (STORAGE, gone)) == []


def test_a_weekend_that_costs_like_a_weekday_is_an_anomaly() -> None:
    week: list[object] = [1000, 1000, 1000, 1000, 1000, 100, 100]

    [finding] = found((COMPUTE, week * 4 + [1000] * 5 + [900, 100]))

    assert (finding.run.first, finding.run.excess) == (FIRST + timedelta(33), 800)


def test_a_lasting_rise_is_usual_after_seven_days_and_told_once() -> None:
    [finding] = found((COMPUTE, [1000] * 20 + [1500] * 20))

    assert finding.run.is_settled
    assert (finding.run.first, len(finding.run.days)) == (FIRST + timedelta(20), 7)


def test_a_lasting_rise_stays_the_same_anomaly_while_the_look_moves_on() -> None:
    values = [Decimal(1000)] * 20 + [Decimal(1500)] * 20
    histories = {Key(CONNECTION): series(*values)}

    for since in range(20, 27):
        [finding] = detect(histories, since=FIRST + timedelta(since))
        assert finding.run.first == FIRST + timedelta(20)
    assert detect(histories, since=FIRST + timedelta(27)) == []


def test_a_new_thing_counts_where_it_is_a_tenth_of_the_account() -> None:
    large = (COMPUTE, [10000] * 20)

    assert found(large, (STORAGE, [0] * 15 + [400] * 5)) == []
    [finding] = found(large, (STORAGE, [0] * 15 + [1500] * 5))
    assert (finding.key, finding.run.expected) == (Key(RESOURCE, STORAGE, 1), 0)


def test_what_came_a_month_before_as_well_is_a_habit() -> None:
    fee = {date(2026, 3, 1): 5000, date(2026, 4, 1): 5500, date(2026, 4, 3): 5500}
    values = [fee.get(FIRST + timedelta(day), 1000) for day in range(62)]

    days = sorted(finding.run.first for finding in found((COMPUTE, values)))
    assert days == [date(2026, 3, 1), date(2026, 4, 3)]


def test_three_resources_that_jump_together_are_one_anomaly_of_their_service() -> None:
    jump = [200] * 20 + [500] * 3

    [finding] = found((COMPUTE, jump), (COMPUTE, jump), (COMPUTE, jump), (STORAGE, [1000] * 23))

    assert finding.key == Key(SERVICE, COMPUTE)
    assert sorted(number for number, _run in finding.parts) == [0, 1, 2]


def test_many_small_rises_are_told_by_the_connection_alone() -> None:
    small = [40] * 20 + [55]
    resources = [(COMPUTE if number % 2 else STORAGE, small) for number in range(40)]

    findings = found(*resources)

    assert {finding.key.level for finding in findings} == {SERVICE}
    assert sum(finding.run.excess for finding in findings) == 600


def test_an_accepted_level_is_quiet_until_it_is_passed() -> None:
    key = Key(CONNECTION)
    histories = {key: series(*[1000] * 20, 3000, 3000, 1000, 3200, 4000)}
    accepted = {key: [Accepted(FIRST + timedelta(20), Decimal(3000))]}

    before = detect(histories, since=FIRST)
    after = detect(histories, since=FIRST, accepted=accepted)

    assert [(one.run.first, one.run.last) for one in before] == [
        (FIRST + timedelta(23), FIRST + timedelta(24)),
        (FIRST + timedelta(20), FIRST + timedelta(21)),
    ]
    assert [(one.run.first, one.run.excess) for one in after] == [(FIRST + timedelta(24), 3000)]


def test_a_week_of_data_is_too_little() -> None:
    assert found((COMPUTE, [1000] * 7 + [9000])) == []
    assert len(found((COMPUTE, [1000] * 8 + [9000]))) == 1


def test_what_stops_is_a_fall_until_it_is_usual() -> None:
    [finding] = fallen((COMPUTE, [1000] * 30), (STORAGE, [500] * 20 + [0] * 10))

    assert finding.key == Key(RESOURCE, STORAGE, 1)
    assert (finding.run.first, len(finding.run.days), finding.run.is_settled) == (
        FIRST + timedelta(20),
        7,
        True,
    )
    assert (finding.run.actual, finding.run.expected, finding.run.excess) == (0, 3500, -3500)
    assert finding.parts == ((1, finding.run),)
    around = finding.around[CONNECTION]
    assert (around.actual, around.expected) == (7000, 10500)


def test_a_service_that_falls_whole_is_told_once() -> None:
    three = [(COMPUTE, [300 + number] * 20 + [0] * 5) for number in range(3)]

    [finding] = fallen(*three, (STORAGE, [2000] * 25))

    assert finding.key == Key(SERVICE, COMPUTE)
    assert [number for number, _run in finding.parts] == [2, 1, 0]


def test_passing_jumps_weekends_small_falls_and_habits_are_no_falls() -> None:
    jump = [1000] * 20 + [5000] * 5 + [1000] * 17
    week = [1000, 1000, 1000, 1000, 1000, 100, 100]
    smaller = [1000] * 21 + [600] * 21
    shrinking = [3000 - 50 * day for day in range(42)]
    new = [0] * 20 + [400] * 22

    assert fallen((COMPUTE, jump), (COMPUTE, week * 6), (STORAGE, smaller), (STORAGE, new)) == []
    assert fallen((COMPUTE, shrinking)) == []
    pause = {date(2026, 3, 1): 0, date(2026, 4, 1): 0, date(2026, 4, 3): 0}
    values = [pause.get(FIRST + timedelta(day), 1000) for day in range(62)]
    days = sorted(one.run.first for one in fallen((COMPUTE, values)))
    assert days == [date(2026, 3, 1), date(2026, 4, 3)]
    assert found((COMPUTE, values)) == []


def test_a_fall_needs_half_and_what_matters() -> None:
    large = (COMPUTE, [10000] * 20)

    assert fallen(large, (STORAGE, [150] * 15 + [0] * 5)) == []  # less than 2 % of the account
    assert fallen(large, (STORAGE, [1000] * 15 + [550] * 5)) == []
    assert len(fallen(large, (STORAGE, [1000] * 15 + [450] * 5))) == 1
    assert fallen((COMPUTE, [1000] * 7 + [0])) == []
    assert len(fallen((COMPUTE, [1000] * 8 + [0]))) == 1


def test_a_weekend_of_little_does_not_part_a_fall() -> None:
    week = [1000, 1000, 1000, 1000, 1000, 60, 60]
    values = week * 3 + [1000, 1000, 0, 0, 0, 0, 0, 0, 0] + [0] * 12

    [finding] = fallen((COMPUTE, [5000] * len(values)), (STORAGE, values))

    assert (finding.run.first, len(finding.run.days), finding.run.is_settled) == (
        FIRST + timedelta(23),
        7,
        True,
    )
