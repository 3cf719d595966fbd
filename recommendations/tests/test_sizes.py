"""List prices of sizes: which line a server is of, exact and put-together sizes, what is not guessed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from recommendations.engine.facts import BilledPart, ResourceFacts
from recommendations.engine.pricing import Offer, PriceBook
from recommendations.engine.sizes import (
    current_quote,
    disk_family_of,
    list_price_of,
    quotes,
    volume_quote,
)
from recommendations.tests.facts import connection, offer, prices, resource, server


def part_offer(metric: str, group: str, monthly: str, **changes: Any) -> Offer:
    """A part as a provider of lines sells it: by zone (`ru-1b`) or by region (`ru-1`)."""
    is_zone = group[-1:].isalpha()
    return offer(
        sku_id=f"{metric}/{group}",
        billing_sku_id=metric,
        monthly=Decimal(monthly),
        region_id=group[:4],
        zone_id=group if is_zone else "",
        **changes,
    )


def line(metric_suffix: str, group: str, cores: str, memory: str, family: str, **changes: Any) -> list[Offer]:
    return [
        part_offer(f"cores{metric_suffix}", group, cores, component="vcpu", family=family, **changes),
        part_offer(f"ram{metric_suffix}", group, memory, component="memory_gib", family=family, **changes),
    ]


def volumes(group: str, hdd: str, ssd: str, nvme: str) -> list[Offer]:
    return [
        part_offer(
            f"volume_{family}",
            group,
            price,
            resource_type="volume",
            component="storage_gib",
            family=family,
            disk_class=disk_class,
        )
        for family, price, disk_class in (
            ("basic", hdd, "hdd"),
            ("universal", ssd, "ssd"),
            ("fast", nvme, "nvme"),
        )
    ]


PARTS = prices(
    *line("", "ru-1a", "1504.8", "187.2", "standard"),
    *line("", "ru-1b", "1436.4", "187.2", "standard"),
    *line("", "ru-2a", "871.2", "187.2", "standard"),
    *line("_dedicated", "ru-1b", "2273.7375", "187.2", "dedicated"),
    *line("_preemptible", "ru-1b", "849.6", "93.6", "preemptible", is_preemptible=True),
    *line("_percent_50", "ru-1b", "1094.4", "187.2", "percent_50", cpu_share=50),
    *volumes("ru-1", "6.5", "8.1", "21.6"),
    *volumes("ru-2", "3.6", "7.9992", "19.8"),
)


def billed(sku_id: str, unit: str, quantity: str, day_cost: str, **changes: Any) -> BilledPart:
    return BilledPart(
        sku_id=sku_id,
        description=sku_id,
        unit=unit,
        quantity=Decimal(quantity),
        day_cost=Decimal(day_cost),
        currency="RUB",
        **changes,
    )


def billed_server(book: PriceBook = PARTS, suffix: str = "", **changes: Any) -> ResourceFacts:
    values = {
        "connection": connection(prices=book),
        "vcpus": Decimal(8),
        "memory_mib": 32768,
        "storage_gib": None,
        "region_id": "ru-1",
        "configuration": {"availability_zone": "ru-1b"},
        "parts": (
            billed(f"cores{suffix}", "Item-Hours", "8", "300"),
            billed(f"ram{suffix}", "MB-Hours", "32768", "150"),
            billed("traffic", "GB", "7", "99", is_usage=True),
        ),
    }
    return server(**(values | changes))


TARIFFS = prices(
    *(
        offer(
            sku_id=f"vps:{group}-{region}-{cpu}-{memory}-{disk}",
            billing_sku_id=f"{group}-{region}-{cpu}-{memory}-{disk}",
            name=f"{cpu}/{memory}/{disk}",
            monthly=(cpu * vcpu + memory * gib + disk * Decimal(25)) * factor,
            region_id=region,
            family=group,
            vcpus=Decimal(cpu),
            memory_mib=memory * 1024,
            storage_gib=Decimal(disk),
            disk_class="nvme",
            is_configurable=True,
        )
        for group, vcpu, gib in (
            ("normal", Decimal(500), Decimal(250)),
            ("high", Decimal(1500), Decimal(500)),
        )
        for region, factor in (("ru1", Decimal(1)), ("kz1", Decimal("1.1")))
        for cpu, memory, disk in ((1, 1, 10), (2, 2, 30), (2, 4, 60), (4, 8, 100), (8, 32, 240))
    )
)


def tariff_server(book: PriceBook = TARIFFS, **changes: Any) -> ResourceFacts:
    values = {
        "connection": connection(prices=book),
        "region_id": "ru1",
        "configuration": {"group": "normal"},
    }
    return server(**(values | changes))


# ---- what there is now ----------------------------------------------------------------------------------------


def test_line_of_a_server_is_told_by_what_it_is_billed_for() -> None:
    quote = current_quote(billed_server(suffix="_dedicated"))

    assert quote is not None
    assert (quote.family, quote.region_id, quote.zone_id) == ("dedicated", "ru-1", "ru-1b")
    assert quote.parts == (("vCPU", Decimal("18189.9000")), ("memory", Decimal("5990.4")))
    assert quote.monthly == Decimal("24180.3000")
    assert not quote.is_interpolated


def test_billed_cost_of_the_quoted_parts_leaves_traffic_out() -> None:
    quote = current_quote(billed_server())

    assert quote is not None
    assert quote.billed_monthly == Decimal(450 * 30)


def test_zone_decides_between_two_prices_of_one_part() -> None:
    quote = current_quote(billed_server(configuration={"availability_zone": "ru-1a"}))

    assert quote is not None
    assert quote.monthly == 8 * Decimal("1504.8") + 32 * Decimal("187.2")


def test_server_of_a_line_that_the_catalogue_does_not_have_has_no_quote() -> None:
    assert current_quote(billed_server(suffix="_turbo")) is None


def test_server_of_unknown_size_has_no_quote() -> None:
    assert current_quote(billed_server(vcpus=None)) is None


def test_server_in_a_region_without_prices_has_no_quote() -> None:
    elsewhere = billed_server(region_id="ru-9", configuration={"availability_zone": "ru-9a"})

    assert current_quote(elsewhere) is None


def test_local_disk_that_is_billed_with_the_server_is_part_of_it() -> None:
    local = part_offer("local", "ru-1", "10", component="storage_gib", disk_class="nvme")
    facts = billed_server(PriceBook([*PARTS, local]))
    facts.parts = (*facts.parts, billed("local", "GB-Hours", "50", "16"))

    quote = current_quote(facts)

    assert quote is not None
    assert quote.parts[-1] == ("disk", Decimal(500))
    assert quote.storage_gib == 50


def test_parts_in_two_currencies_are_not_added_up() -> None:
    cores, memory = line("", "ru-1b", "1", "1", "standard")
    book = prices(cores, offer(**{**_values(memory), "currency": "USD"}))

    assert current_quote(billed_server(book)) is None


def test_tariff_of_exactly_the_size_is_found_by_group_and_size() -> None:
    quote = current_quote(tariff_server())

    assert quote is not None
    assert (quote.name, quote.monthly, quote.is_interpolated) == ("4/8/100", Decimal(6500), False)
    assert quote.billed_monthly is None


def test_tariff_between_tariffs_is_put_together_from_their_unit_prices() -> None:
    quote = current_quote(tariff_server(memory_mib=16384, storage_gib=Decimal(120)))

    assert quote is not None
    assert quote.is_interpolated
    assert quote.parts == (
        ("vCPU", Decimal("2000.000000")),
        ("memory", Decimal("4000.000000")),
        ("disk", Decimal("3000.000000")),
    )
    assert quote.monthly == Decimal(9000)


def test_group_of_the_configuration_decides_between_lines_of_one_size() -> None:
    quote = current_quote(tariff_server(configuration={"group": "high"}))

    assert quote is not None
    assert quote.monthly == Decimal(12500)


def test_server_of_no_known_group_is_not_interpolated_between_lines() -> None:
    facts = tariff_server(configuration={}, memory_mib=16384)

    assert current_quote(facts) is None


def test_flavour_is_found_by_its_name() -> None:
    book = prices(offer(sku_id="flavor:m1", billing_sku_id="m1", name="m1", monthly=Decimal(1200)))
    facts = tariff_server(book, configuration={"flavor": "m1"})

    quote = current_quote(facts)

    assert quote is not None
    assert (quote.monthly, quote.vcpus, quote.memory_mib) == (Decimal(1200), Decimal(4), 8192)


def test_server_of_another_flavour_than_the_list_names_has_no_quote() -> None:
    book = prices(offer(sku_id="flavor:m1", billing_sku_id="m1", name="m1"))

    assert current_quote(tariff_server(book, configuration={"flavor": "m2"})) is None


def test_only_line_of_unit_prices_prices_a_server_without_a_bill() -> None:
    book = prices(
        offer(component="vcpu", family="standard", monthly=Decimal(300)),
        offer(component="memory_gib", family="standard", monthly=Decimal(100)),
    )

    quote = current_quote(tariff_server(book, configuration={"flavor": "m2"}))

    assert quote is not None
    assert quote.monthly == 4 * 300 + 8 * 100


# ---- what could be instead ------------------------------------------------------------------------------------


def test_parts_give_exactly_the_size_in_each_place_the_cheapest_first() -> None:
    found = list(quotes(PARTS, "cloud", vcpus=Decimal(8), memory_mib=32768, family="standard"))

    assert [(quote.zone_id, quote.monthly) for quote in found] == [
        ("ru-2a", 8 * Decimal("871.2") + Decimal("5990.4")),
        ("ru-1b", 8 * Decimal("1436.4") + Decimal("5990.4")),
        ("ru-1a", 8 * Decimal("1504.8") + Decimal("5990.4")),
    ]


def test_interruptible_servers_and_shares_are_only_offered_when_asked_for() -> None:
    asked = {"vcpus": Decimal(2), "memory_mib": 4096, "zone_id": "ru-1b"}

    plain = {quote.family for quote in quotes(PARTS, "cloud", **asked)}
    shared = {quote.family for quote in quotes(PARTS, "cloud", **asked, least_cpu_share=50)}
    every = {
        quote.family for quote in quotes(PARTS, "cloud", **asked, least_cpu_share=0, with_preemptible=True)
    }
    named = {quote.family for quote in quotes(PARTS, "cloud", **asked, family="preemptible")}

    assert plain == {"standard", "dedicated"}
    assert shared == {"standard", "dedicated", "percent_50"}
    assert every == {"standard", "dedicated", "percent_50", "preemptible"}
    assert named == {"preemptible"}


@pytest.mark.parametrize(
    ("wanted", "price"),
    [
        ({}, Decimal("6.5")),
        ({"disk_family": "fast"}, Decimal("21.6")),
        ({"disk_class": "ssd"}, Decimal("8.1")),
    ],
)
def test_disk_of_the_wanted_kind_comes_with_the_parts(wanted: dict[str, str], price: Decimal) -> None:
    quote = next(
        quotes(
            PARTS,
            "cloud",
            vcpus=Decimal(2),
            memory_mib=4096,
            storage_gib=Decimal(100),
            zone_id="ru-1b",
            family="standard",
            **wanted,
        )
    )

    assert quote.parts[-1] == ("disk", price * 100)
    assert sum(amount for _word, amount in quote.parts) == quote.monthly


def test_place_without_the_wanted_disk_is_left_out() -> None:
    found = quotes(
        PARTS, "cloud", vcpus=Decimal(2), memory_mib=4096, storage_gib=Decimal(10), disk_family="none"
    )

    assert list(found) == []


def test_tariffs_of_at_least_the_size_and_the_exact_one_between_them() -> None:
    found = list(
        quotes(
            TARIFFS,
            "cloud",
            vcpus=Decimal(4),
            memory_mib=16384,
            storage_gib=Decimal(100),
            region_id="ru1",
            family="normal",
        )
    )

    assert [(quote.name, quote.monthly, quote.is_interpolated) for quote in found] == [
        ("normal", Decimal(2000 + 4000 + 2500), True),
        ("8/32/240", Decimal(4000 + 8000 + 6000), False),
    ]


def test_exact_tariff_is_not_put_together_as_well() -> None:
    found = list(
        quotes(
            TARIFFS,
            "cloud",
            vcpus=Decimal(4),
            memory_mib=8192,
            storage_gib=Decimal(100),
            region_id="ru1",
            family="normal",
        )
    )

    assert [quote.is_interpolated for quote in found] == [False, False]
    assert found[0].monthly == Decimal(6500)


def test_tariffs_that_no_sum_of_unit_prices_explains_are_not_interpolated() -> None:
    book = prices(
        *(
            offer(
                vcpus=Decimal(cpu),
                memory_mib=1024 * memory,
                monthly=Decimal(price),
                family="f",
                is_configurable=True,
            )
            for cpu, memory, price in ((1, 1, 100), (2, 2, 1000), (4, 8, 1100), (8, 16, 1200))
        )
    )

    found = list(quotes(book, "cloud", vcpus=Decimal(3), memory_mib=4096))

    assert [quote.is_interpolated for quote in found] == [False, False]


def test_two_tariffs_alike_do_not_tell_their_parts() -> None:
    book = prices(
        *(
            offer(
                vcpus=Decimal(n),
                memory_mib=2048 * n,
                monthly=Decimal(500 * n),
                family="f",
                is_configurable=True,
            )
            for n in (1, 2)
        )
    )

    assert list(quotes(book, "cloud", vcpus=Decimal(2), memory_mib=8192)) == []


def test_whole_size_without_a_disk_takes_one_beside_it() -> None:
    book = prices(
        offer(vcpus=Decimal(2), memory_mib=4096, monthly=Decimal(900), region_id="r1"),
        offer(
            resource_type="volume",
            component="storage_gib",
            family="ssd",
            monthly=Decimal(9),
            region_id="r1",
        ),
    )

    quote = next(quotes(book, "cloud", vcpus=Decimal(2), memory_mib=4096, storage_gib=Decimal(50)))

    assert quote.parts == (("server", Decimal(900)), ("disk", Decimal(450)))
    assert quote.monthly == Decimal(1350)


def test_prices_for_paying_ahead_are_not_quoted_but_found_as_terms() -> None:
    plain = next(
        each for each in TARIFFS.offers("cloud", "server") if each.monthly == 6500 and each.region_id == "ru1"
    )
    year = offer(**{**_values(plain), "sku_id": "year", "term_months": 12, "monthly": Decimal(5525)})
    book = PriceBook([*TARIFFS, year])

    found = list(quotes(book, "cloud", vcpus=Decimal(4), memory_mib=8192, storage_gib=Decimal(100)))

    assert year not in [used for quote in found for used in quote.offers]
    assert book.terms(plain) == [year]


# ---- disks and lookups ----------------------------------------------------------------------------------------


def test_volume_costs_its_class_in_its_region() -> None:
    quote = volume_quote(PARTS, "cloud", region_id="ru-2", family="universal", size_gib=Decimal(500))

    assert quote is not None
    assert quote.monthly == Decimal("3999.6")
    assert volume_quote(PARTS, "cloud", region_id="ru-2", family="none", size_gib=Decimal(1)) is None


def test_disk_classes_of_a_region_come_cheapest_first() -> None:
    families = PARTS.disk_families("cloud", region_id="ru-2", zone_id="ru-2a")

    assert [(each.family, each.monthly) for each in families] == [
        ("basic", Decimal("3.6")),
        ("universal", Decimal("7.9992")),
        ("fast", Decimal("19.8")),
    ]


def test_class_of_a_volume_is_told_by_its_bill_or_its_type() -> None:
    of_bill = resource(
        "volume",
        connection=connection(prices=PARTS),
        region_id="ru-1",
        parts=(billed("volume_fast", "GB-Hours", "200", "144"),),
    )
    of_type = resource(
        "volume",
        connection=connection(prices=PARTS),
        region_id="ru-1",
        configuration={"volume_type": "universal.ru-1b"},
    )

    assert disk_family_of(of_bill) == "fast"
    assert disk_family_of(of_type) == "universal"
    assert disk_family_of(resource("volume", connection=connection(prices=PARTS))) is None


def test_list_price_of_a_billed_part_is_for_the_bills_own_unit() -> None:
    facts = billed_server()
    cores, memory, traffic = facts.parts

    assert list_price_of(facts, cores) == Decimal("1436.4")
    assert list_price_of(facts, memory) == Decimal("187.2") / 1024
    assert list_price_of(facts, traffic) is None


def test_list_price_of_traffic_is_for_what_the_bill_counts() -> None:
    traffic = offer(
        resource_type="network", component="traffic_gib", billing_sku_id="traffic", monthly=Decimal("3.125")
    )
    facts = billed_server(PriceBook([*PARTS, traffic]))
    by_the_gb = facts.parts[-1]
    by_the_mb = billed("traffic", "MB", "7000", "99", is_usage=True)

    assert list_price_of(facts, by_the_gb) == Decimal("3.125")
    assert list_price_of(facts, by_the_mb) == Decimal("3.125") / 1024


def test_price_of_a_place_is_before_that_for_everywhere() -> None:
    everywhere = offer(resource_type="floating_ip", component="ip", monthly=Decimal(100))
    here = offer(resource_type="floating_ip", component="ip", monthly=Decimal(150), region_id="ru-1")
    book = prices(everywhere, here)

    assert book.ip_price("cloud", region_id="ru-1") is here
    assert book.ip_price("cloud", region_id="ru-2") is everywhere


def test_plans_of_balancers_and_classes_of_buckets() -> None:
    plans = [
        offer(
            resource_type="load_balancer",
            family=name,
            monthly=Decimal(price),
            plan_limits={"requests_per_second": Decimal(limit)},
        )
        for name, price, limit in (("xl", 8000, 500), ("s", 4000, 50))
    ]
    classes = [
        offer(
            resource_type="s3_bucket",
            component="storage_gib",
            family="cold",
            monthly=Decimal("0.9"),
            region_id="ru-2",
        ),
        offer(
            resource_type="s3_bucket",
            component="retrieval_gib",
            family="cold",
            monthly=Decimal("0.5"),
            region_id="ru-2",
        ),
    ]
    book = prices(*plans, *classes)

    assert [each.family for each in book.load_balancer_plans("cloud", region_id="ru-1")] == ["s", "xl"]
    assert [each.family for each in book.bucket_classes("cloud", region_id="ru-2")] == ["cold"]
    found = book.bucket_price("cloud", "retrieval_gib", family="cold", region_id="ru-2")
    assert found is not None
    assert found.monthly == Decimal("0.5")
    assert book.bucket_price("cloud", "requests", family="cold", region_id="ru-2") is None


def _values(each: Offer) -> dict[str, Any]:
    return {name: getattr(each, name) for name in Offer.__dataclass_fields__}
