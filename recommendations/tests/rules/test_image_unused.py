"""image.unused: nothing made from it for long, and a newer one of its family is there."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, SkipReason
from recommendations.rules.image_unused import ImageUnused, family_of
from recommendations.tests.facts import NOW, ask_together, connection, resource
from recommendations.tests.rules.cases import MATCHED, NOT_MATCHED, ago, check_description, word

READ = connection(made_from={"used": NOW, "idle-60": ago(60), "idle-59": ago(59.9)})


def image(**changes):
    values = {
        "name": "shop-2026-01-15",
        "connection": READ,
        "provider_created_at": ago(200),
        "storage_gib": Decimal(40),
    }
    return resource("image", **(values | changes))


def answer(old, **options):
    newer = image(name="shop-2026-09-01", provider_created_at=ago(70))
    return ask_together(ImageUnused, [old, newer], **options)[f"resource:{old.pk}"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"resource_id": "used"}, NOT_MATCHED),
        ({"resource_id": "idle-59"}, NOT_MATCHED),
        ({"resource_id": "idle-60"}, MATCHED),
        ({"provider_created_at": ago(65)}, NOT_MATCHED),  # the newest itself
        ({"provider_created_at": ago(59)}, SkipReason.TOO_YOUNG),
        ({"name": "other-1"}, NOT_MATCHED),
        ({"name": "shop-2026-02", "tags": {"golden": ""}}, SkipReason.GUARDED),
        ({"connection": connection()}, SkipReason.NO_EVIDENCE),
        ({"history_since": ago(59)}, SkipReason.NO_EVIDENCE),
        ({"history_since": ago(60)}, MATCHED),
        ({"status": "pending"}, NOT_MATCHED),
        ({"is_stale": True}, SkipReason.SCOPE_INCOMPLETE),
        ({"cost_days_count": 0}, SkipReason.NO_COST),
        ({"day_cost": "0.1"}, SkipReason.SAVING_TOO_SMALL),
    ],
)
def test_cases(changes, expected):
    assert word(answer(image(**changes))) == expected


def test_word_in_the_name_keeps_it():
    old = [image(name=f"golden-{n}", provider_created_at=ago(100 + n)) for n in (1, 2)]

    assert {word(each) for each in ask_together(ImageUnused, old).values()} == {
        NOT_MATCHED,
        SkipReason.GUARDED,
    }


@pytest.mark.parametrize("name", ["Shop 2026.01.15", "shop_v", "shop-12"])
def test_family_is_the_name_without_numbers(name):
    assert family_of(name).removesuffix("-v") == "shop"


def test_saving_confidence_and_steps():
    found = answer(image(day_cost="33.337"))

    assert isinstance(found, Finding)
    assert (found.saving_monthly, found.confidence) == (Decimal("1000.11"), Decimal("0.75"))
    assert found.steps[-1].message == "Delete “%(name)s”."


def test_fingerprint_and_description():
    prints = [
        answer(each).fingerprint(ImageUnused.id)
        for each in (
            image(pk=5),
            image(pk=5, provider_created_at=ago(210)),
            image(pk=5, storage_gib=Decimal(9)),
        )
    ]
    assert prints[0] == prints[1] != prints[2]
    check_description(ImageUnused, days=33)


def test_new_image_is_the_newest_although_it_is_too_young_to_be_asked_about():
    old, new = image(), image(name="shop-2026-09-25", provider_created_at=ago(6), cost_days_count=0)

    answers = ask_together(ImageUnused, [old, new])

    assert word(answers[f"resource:{old.pk}"]) == MATCHED
    assert word(answers[f"resource:{new.pk}"]) == SkipReason.TOO_YOUNG
