"""registry.cleanup: without a tag or not pulled, not among the newest, and not running."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.engine.facts import BilledPart, RegistryImage
from recommendations.rules.registry_cleanup import RegistryCleanup
from recommendations.tests.facts import ask, connection, resource
from recommendations.tests.rules.cases import (
    MATCHED,
    NOT_MATCHED,
    ago,
    check_description,
    check_fingerprint,
    check_scope_and_cost,
    found,
    word,
)


def image(digest, *, pushed=200, pulled=None, tags=("v1",), repository="shop", size=1):
    return RegistryImage(
        repository=repository,
        digest=digest,
        pushed_at=ago(pushed),
        pulled_at=None if pulled is None else ago(pulled),
        size_gib=Decimal(size),
        tags=tags,
    )


NEWEST = tuple(image(f"new-{n}", pushed=100 + n) for n in range(10))
OLD = image("old", pushed=300)


def registry(*others, **changes):
    """Ten images that stay, and others; 3 000 a month."""
    return resource("container_registry", **({"images": (*NEWEST, *(others or (OLD,)))} | changes))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (registry(), MATCHED),
        (registry(image("old", pulled=90)), MATCHED),
        (registry(image("old", pulled=89.9)), NOT_MATCHED),
        (registry(image("fresh", pushed=1, tags=())), MATCHED),
        (registry(image("other", repository="web")), NOT_MATCHED),
        (registry(images=NEWEST), NOT_MATCHED),
        (registry(images=()), NOT_MATCHED),
        (registry(images=None), SkipReason.NO_EVIDENCE),
        (registry(connection=connection(running_images=frozenset({"old"}))), NOT_MATCHED),
        (registry(connection=connection(running_images=frozenset())), MATCHED),
        (registry(tags={"keep": ""}), SkipReason.GUARDED),
        (registry(status="deleted_billed"), NOT_MATCHED),
    ],
)
def test_cases(facts, expected):
    assert word(ask(RegistryCleanup, facts)) == expected


def test_scope_and_cost():
    check_scope_and_cost(RegistryCleanup, registry)


@pytest.mark.parametrize(("day_cost", "saving"), [(100, "500.00"), (50, "250.00")])
def test_saving_is_the_part_of_the_space(day_cost, saving):
    answer = found(ask(RegistryCleanup, registry(image("a", size=1), image("b", size=1), day_cost=day_cost)))

    assert answer.saving_monthly == Decimal(saving)  # 2 of 12 GiB
    assert answer.confidence == Decimal("0.56")


def test_only_what_is_billed_by_size_becomes_less():
    parts = tuple(
        BilledPart(
            sku_id=sku,
            description="",
            unit=unit,
            quantity=Decimal(11),
            day_cost=Decimal(cost),
            currency="RUB",
        )
        for sku, unit, cost in (("craas_storage_gigabytes", "GB", 55), ("craas_plan", "item", 45))
    )

    answer = found(ask(RegistryCleanup, registry(parts=parts)))

    assert (answer.saving_monthly, answer.confidence) == (Decimal("150.00"), Decimal("0.70"))


def test_says_where_no_cluster_is_read_and_what_disappears():
    blind = found(ask(RegistryCleanup, registry()))
    seeing = found(ask(RegistryCleanup, registry(connection=connection(running_images=frozenset()))))

    assert (len(blind.notes), len(seeing.notes)) == (1, 0)
    assert {"names": "shop:v1"} in [dict(step.params) for step in blind.steps]


def test_fingerprint_and_description():
    other = image("x", repository="web", tags=())
    check_fingerprint(
        RegistryCleanup, registry(pk=5), registry(pk=5, day_cost=101), registry(OLD, other, pk=5)
    )
    check_description(RegistryCleanup, days=33, keep_newest=7)
