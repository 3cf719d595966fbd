"""server.stopped_billed: off long enough by its states, and what of it is still charged."""

from __future__ import annotations

from decimal import Decimal

import pytest

from providers.contract.stopping import StopBy, StopSaves
from recommendations.engine.contract import SkipReason
from recommendations.rules.server_stopped_billed import ServerStoppedBilled
from recommendations.tests.facts import ask, connection, offer, prices, resource, server
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

BOOK = prices(offer(resource_type="snapshot", component="storage_gib", monthly=Decimal("2.5")))
PRICED = connection(prices=BOOK)
SHELVING = connection(prices=BOOK, stop_saves={"server": StopSaves(by=StopBy.SHELVE)})
RECREATING = connection(prices=BOOK, stop_saves={"server": StopSaves(by=StopBy.RECREATE, least_hours=24)})


def off(**changes):
    values = {"status": "stopped", "status_since": ago(20), "connection": PRICED, "name": "report-01"}
    return server(**(values | changes))


def with_disk(**changes):
    whole = off(**({"storage_gib": None} | changes))
    whole.components.append(
        resource(
            "volume",
            parent=whole,
            name="data",
            day_cost="7.5",
            storage_gib=Decimal(30),
            connection=whole.connection,
        )
    )
    return whole


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"status_since": ago(14)}, MATCHED),
        ({"status_since": ago(13.9)}, NOT_MATCHED),
        ({"status": "running"}, NOT_MATCHED),
        ({"status": "deleted_billed"}, NOT_MATCHED),
        ({"day_cost": 0}, NOT_MATCHED),
        ({"tags": {"schedule.off": "night"}}, SkipReason.GUARDED),
        ({"tags": {"reserved": "yes"}}, SkipReason.GUARDED),
        ({"tags": {"reserved": "no"}}, MATCHED),
        ({"name": "app-standby"}, SkipReason.TWIN),
        ({"changed_at": ago(2)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_cases(changes, expected):
    assert word(ask(ServerStoppedBilled, off(**changes))) == expected


def test_scope_and_cost():
    check_scope_and_cost(
        ServerStoppedBilled, lambda **changes: off(**({"storage_gib": Decimal(0)} | changes))
    )


def test_copy_of_its_disks_is_taken_off_the_saving():
    answer = found(ask(ServerStoppedBilled, with_disk(status_since=ago(30), connection=SHELVING)))

    assert (answer.current_monthly, answer.target_monthly, answer.saving_monthly) == (
        Decimal("3225.00"),
        Decimal("75.00"),
        Decimal("3150.00"),
    )
    assert len(answer.covers) == 1
    assert [step.message.split()[0] for step in answer.steps] == [
        "Find",
        "Make",
        "Mark",
        "Wait",
        "What",
        "Delete",
    ]
    assert answer.facts["Charged for its disks and addresses, a month"]["value"] == "225.00"


def test_before_the_longer_time_it_is_shelved_where_that_is_free():
    answer = found(ask(ServerStoppedBilled, with_disk(status_since=ago(29.9), connection=SHELVING)))

    assert (answer.saving_monthly, answer.target_monthly) == (Decimal("3000.00"), Decimal("225.00"))
    assert answer.covers == ()
    assert [step.message.split()[0] for step in answer.steps] == ["Find", "Shelve", "Check"]


@pytest.mark.parametrize(
    "changes",
    [
        {"connection": RECREATING},
        {"connection": SHELVING, "provider_status": "SHELVED_OFFLOADED"},
        {"connection": SHELVING, "day_cost": 0},
    ],
)
def test_where_shelving_saves_nothing_it_is_copied_and_deleted(changes):
    answer = found(ask(ServerStoppedBilled, with_disk(**changes)))

    assert answer.target_monthly == Decimal("75.00")


def test_without_a_price_of_the_copy_no_saving_is_told():
    answer = found(ask(ServerStoppedBilled, off(connection=connection())))

    assert (answer.saving_monthly, answer.target_monthly) == (None, None)
    assert answer.current_monthly == Decimal("3000.00")


def test_stopped_before_we_looked_is_told():
    seen_off = off(status_since=ago(60), first_seen_at=ago(60))

    assert any("first seen" in note.message for note in found(ask(ServerStoppedBilled, seen_off)).notes)


def test_fingerprint_knows_the_advice():
    check_fingerprint(
        ServerStoppedBilled,
        with_disk(pk=7, connection=SHELVING),
        with_disk(pk=7, connection=SHELVING),
        with_disk(pk=7, connection=SHELVING, status_since=ago(40)),
    )


def test_description_states_the_options():
    check_description(ServerStoppedBilled, days=21, long_days=45)
