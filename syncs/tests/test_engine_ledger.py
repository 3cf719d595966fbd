"""Bills added up to rates a day: nothing lost to rounding, no matter in which order. No database."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from providers.contract.records import ChargeRecord
from syncs.engine.billing import Identities, Ledger, add_up, source_key
from syncs.engine.collect import Collected

from .world import instant, line

SOURCE = "World/acc-1"


def ledger(*lines: ChargeRecord, known_periods=None, main_currencies=None) -> Ledger:
    collected = Collected()
    for each in lines:
        collected.add_currency(each)
    main = collected.main_currencies(main_currencies or {})
    return add_up(lines, identities=Identities(main), known_periods=known_periods or {})


def rates(found: Ledger) -> dict[str, Decimal]:
    return {key: billed.daily for key, billed in found.resources.items()}


def test_the_rate_is_the_sum_over_the_days_covered_so_far() -> None:
    found = ledger(*(line("vps:1", "10", start=instant(day)) for day in range(4)))

    assert rates(found) == {"vps:1": Decimal(10)}
    assert found.daily_totals == {"RUB": Decimal(10)}


def test_rates_add_up_to_the_rounded_total() -> None:
    found = ledger(*(line(f"vps:{n}", "10", start=instant(), hours=72) for n in range(3)))

    assert sum(rates(found).values()) == found.daily_totals["RUB"] == Decimal(10)
    assert rates(found)["vps:2"] == Decimal("3.333334")


def test_one_time_charges_and_corrections_say_nothing_of_tomorrow() -> None:
    found = ledger(
        line("vps:1", "24", start=instant()),
        line("vps:1", "500", start=instant(), charge_frequency="One-Time"),
        line("vps:1", "-7", start=instant(), charge_class="Correction"),
    )

    assert rates(found) == {"vps:1": Decimal(24)}


def test_a_resource_with_one_time_charges_alone_is_there_and_costs_nothing_a_day() -> None:
    assert rates(ledger(line("fee", "500", start=instant(), charge_frequency="One-Time"))) == {
        "fee": Decimal(0)
    }


def test_the_latest_billing_period_of_each_source_counts() -> None:
    found = ledger(
        line("old", "310", start=instant(), hours=24 * 31),
        line("new", "30", start=instant(31)),
        line("other", "31", start=instant(), hours=24 * 31, account="acc-2"),
    )

    assert rates(found) == {"new": Decimal(30), "other": Decimal(1)}


def test_a_source_that_delivers_only_an_older_period_is_left_out() -> None:
    found = ledger(line("vps:1", "24", start=instant()), known_periods={SOURCE: instant(31)})

    assert (found.resources, found.sources) == ({}, set())


def test_a_month_cut_in_another_zone_is_not_older() -> None:
    moscow = timedelta(hours=3)
    cut = {
        "billing_period_start": instant() - moscow,
        "billing_period_end": instant(31) - moscow,
    }

    assert rates(ledger(line("vps:1", "24", start=instant(), **cut), known_periods={SOURCE: instant()}))
    both = ledger(line("vps:1", "24", start=instant(), **cut), line("vps:2", "24", start=instant()))
    assert both.resources.keys() == {"vps:1", "vps:2"}


def test_a_resource_of_two_accounts_costs_what_they_come_to() -> None:
    march_of_one = line("vps:1", "24", start=instant(30), account="acc-1")
    april_of_one = line("vps:1", "10", start=instant(31), account="acc-1")
    april_of_two = line("vps:1", "5", start=instant(31), account="acc-2")

    assert rates(ledger(april_of_two, march_of_one, april_of_one)) == {"vps:1": Decimal(15)}


def test_a_second_currency_is_a_resource_of_its_own() -> None:
    lines = (line("vps:1", "1", start=instant(), currency="USD"), line("vps:1", "24", start=instant()))

    assert rates(ledger(*lines)) == {"vps:1": Decimal(24), "vps:1 (USD)": Decimal(1)}
    assert rates(ledger(*lines, main_currencies={"vps:1": "USD"})) == {
        "vps:1": Decimal(1),
        "vps:1 (RUB)": Decimal(24),
    }
    assert rates(ledger(*lines, main_currencies={"vps:1": "EUR"})) == {
        "vps:1": Decimal(24),
        "vps:1 (USD)": Decimal(1),
    }


some_lines = st.lists(
    st.builds(
        lambda index, day, amount, currency, account, kind, hours: line(
            f"r:{index}",
            str(amount),
            start=instant(day),
            hours=hours,
            currency=currency,
            account=account,
            kind=kind,
        ),
        st.integers(0, 3),
        st.integers(0, 40),
        st.decimals("-50", "50", places=8),
        st.sampled_from(["RUB", "USD"]),
        st.sampled_from(["acc-1", "acc-2"]),
        st.sampled_from(["server", "volume"]),
        st.integers(1, 72),
    ),
    max_size=12,
)


@given(lines=some_lines, seed=st.integers(0, 1000))
def test_whatever_the_lines_no_millionth_is_lost_and_their_order_is_no_matter(lines, seed) -> None:
    found = ledger(*lines)
    shuffled = list(lines)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order, no secret

    for currency, total in found.daily_totals.items():
        own = [billed.daily for billed in found.resources.values() if billed.currency == currency]
        assert sum(own, Decimal(0)) == total
    again = ledger(*shuffled)
    assert {key: (b.daily, b.sample.native_type, b.scope) for key, b in again.resources.items()} == {
        key: (b.daily, b.sample.native_type, b.scope) for key, b in found.resources.items()
    }
    latest = {source_key(each): each.billing_period_start for each in sorted(lines, key=_start)}
    assert found.latest_periods == latest
    assert {each.resource_id for each in lines if each.billing_period_start == latest[source_key(each)]} == {
        billed.sample.resource_id for billed in found.resources.values()
    }


def _start(charge: ChargeRecord):
    return charge.charge_period_start
