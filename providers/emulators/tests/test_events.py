"""Events told while a scenario is served: what they change, from when, until when, and what cannot be."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers.emulators.events import Event
from providers.emulators.faults import Fault
from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import BegetClient, call, control
from providers.emulators.tests.cloud_client import CloudClient
from providers.emulators.tests.conftest import ANCHOR, NOON

HOUR = timedelta(hours=1)
DEARER = {
    "provider": "beget",
    "account": "demoprod",
    "kind": "vps",
    "match": {"name": "vps-app-01"},
    "changes": {"price_month": "37500"},
    "starts_at": (NOON + HOUR).isoformat(),
}


def daily(server: EmulatorServer, name: str, *, hours: float, account: str = "demoprod") -> Decimal | None:
    """What a thing costs a day, so many hours after noon; None where it is not billed."""
    provider = "beget" if account.startswith("demo") else "selectel"
    rows = server.ledger(provider, account, NOON + HOUR * hours)["resources"]
    return next((Decimal(row["daily_cost"]) for row in rows if row["name"] == name), None)


def test_a_price_changes_for_a_time(demo: EmulatorServer) -> None:
    told = control("PUT", demo.url, "events", [{**DEARER, "ends_at": (NOON + 3 * HOUR).isoformat()}])

    costs = [daily(demo, "vps-app-01", hours=hours) for hours in (0, 1, 2.9, 3)]

    assert [round(cost, 2) for cost in costs if cost] == [
        Decimal("416.67"),
        Decimal("1250.00"),
        Decimal("1250.00"),
        Decimal("416.67"),
    ]
    assert told == control("GET", demo.url, "events")
    assert told["events"][0]["changes"] == {"price_month": "37500"}


def test_what_is_taken_back_has_never_been(demo: EmulatorServer) -> None:
    before = demo.ledger("beget", "demoprod", NOON + 5 * HOUR)
    control("PUT", demo.url, "events", [DEARER])
    meanwhile = demo.ledger("beget", "demoprod", NOON + 5 * HOUR)

    control("PUT", demo.url, "events", [])

    assert meanwhile != before
    assert demo.ledger("beget", "demoprod", NOON + 5 * HOUR) == before


def test_a_thing_goes(demo: EmulatorServer, demoprod: BegetClient) -> None:
    soon = NOON + HOUR / 2
    event = {**DEARER, "changes": {}, "is_removal": True, "starts_at": soon.isoformat()}
    control("PUT", demo.url, "events", [event])

    def listed() -> set[str]:
        return {vps["display_name"] for vps in demoprod.read("/v1/vps/server/list")["vps"]}

    assert "vps-app-01" in listed()
    demo.set_clock(soon)
    assert "vps-app-01" not in listed()
    assert daily(demo, "vps-app-01", hours=1) is None


def test_a_server_that_is_gone_may_be_billed_on(demo: EmulatorServer, unit_b: CloudClient) -> None:
    name = "test-runner-01"
    demo.set_events(
        [
            Event(
                provider="selectel",
                account="101002",
                kind="server",
                match={"name": name},
                is_removal=True,
                is_billed_on=True,
                starts_at=NOON + HOUR,
            )
        ]
    )

    def listed() -> set[str]:
        return {
            each["name"] for each in unit_b.get("bu-b", "compute", "ru-1", "/servers/detail").json["servers"]
        }

    assert name in listed()
    demo.set_clock(NOON + HOUR)
    assert name not in listed()
    assert daily(demo, name, hours=100, account="101002") == daily(demo, name, hours=0, account="101002")


def test_a_thing_comes_for_a_time(demo: EmulatorServer) -> None:
    new: dict[str, Any] = {"project": "bu-a-data", "region": "ru-1", "segment": "ru-1b", "quantity": 1}
    times = {"starts_at": NOON + HOUR, "ends_at": NOON + 9 * HOUR}
    demo.set_events(
        [
            Event(provider="selectel", kind="price", changes={"metric": "npu_x", "value": "5000"}, **times),
            Event(
                provider="selectel",
                account="101001",
                kind="charge",
                changes={**new, "name": "npu-01", "metric": "npu_x"},
                **times,
            ),
        ]
    )

    costs = [daily(demo, "npu-01", hours=hours, account="101001") for hours in (0, 1, 8, 9)]

    assert costs == [None, Decimal(1200), Decimal(1200), None]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"account": "nobody"}, "beget has no account nobody"),
        ({"provider": "yandex"}, "the scenario has no yandex"),
        ({"match": {"name": "vps-none"}}, "has no vps with"),
        (
            {"ends_at": "2026-04-01T15:00:00+03:00", "changes": {"colour": "red"}},
            "has no colour to come back to",
        ),
        ({"starts_at": "2026-04-01T15:00:00"}, "starts_at needs a time zone"),
        ({"is_removal": True}, "a removal needs a match and no changes"),
        ({"changes": {}}, "an event needs changes"),
        ({"colour": "red"}, "an event has no colour"),
    ],
)
def test_what_fits_nothing_is_refused_and_nothing_changes(
    demo: EmulatorServer, wrong: dict[str, Any], sentence: str
) -> None:
    control("PUT", demo.url, "events", [DEARER])

    reply = call("PUT", f"{demo.url}/_control/events", body=json.dumps([{**DEARER, **wrong}]).encode())

    assert reply.status == 400
    assert sentence in reply.json["error"]
    assert len(demo.events) == 1
    assert daily(demo, "vps-app-01", hours=1) == Decimal(1250)


def test_another_day_0_moves_all_and_forgets_what_was_told(demo: EmulatorServer) -> None:
    """The scenario's own fault of day -1 strikes a week later as well."""
    demo.faults.add(Fault(kind="slow", seconds=1))
    control("PUT", demo.url, "events", [DEARER])
    before = demo.ledger("selectel", "101001", NOON)

    answer = control("PUT", demo.url, "anchor", {"anchor": (ANCHOR + timedelta(days=7)).isoformat()})

    moved = demo.ledger("selectel", "101001", NOON + timedelta(days=7))
    assert answer == {"anchor": "2026-04-08"}
    assert control("GET", demo.url, "health")["anchor"] == "2026-04-08"
    assert moved["total"] == before["total"]
    assert demo.scenario.anchor == date(2026, 4, 8)
    assert demo.events == ()
    assert {fault["kind"] for fault in demo.faults.as_json()} == {"status"}
    assert "2026-04-07T08:55:00+00:00" in [fault["starts_at"] for fault in demo.faults.as_json()]
