"""The operator's view of one sync: phases, steps, waits and calls."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import UserFactory
from providers.tests.conftest import fake_provider as fake_provider
from syncs.models import SyncSnapshot

from .factories import ScopeCoverageFactory, SnapshotFactory, TraceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def page(operator: Client, snapshot: SyncSnapshot) -> str:
    text = operator.get(f"/admin/syncs/syncsnapshot/{snapshot.pk}/change/").text
    return text.replace("\u00a0", " ")


def cells(text: str, call: str) -> list[str]:
    """The texts of a call's row."""
    row = next(row for row in re.findall(r"<tr.*?</tr>", text, re.DOTALL) if f"<code>{call}</code>" in row)
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]


def test_every_call_is_told_with_its_answers_and_waits(operator):
    snapshot = SnapshotFactory(timings={"collect": 3.0, "billing": 1.0})
    TraceFactory(
        snapshot=snapshot,
        steps=[{"name": "resources", "seconds": 2.5, "records": 44, "error": "provider_unavailable"}],
        waits={"asked": 12.0, "back_off": 4.0},
        calls=[
            {
                "step": "resources",
                "api": "compute",
                "call": "GET /servers/detail",
                "region": "ru-1",
                "requests": 8,
                "statuses": {"200": 2, "503": 5, "none": 1},
                "repeats": 4,
                "given_up": 2,
                "tries": 5,
                "wire": 1.5,
                "slowest": 0.75,
                "bytes": 2097152,
                "waits": {"asked": 12.0},
            },
            {"step": "usage", "api": "metric", "call": "POST /aggregates", "requests": 1, "wire": 0.5},
        ],
        earlier=[
            {
                "attempt": 1,
                "seconds": 3.1,
                "requests": 12,
                "error": {"code": "rate_limited", "message": "Too often.", "params": {}},
            }
        ],
    )

    text = page(operator, snapshot)

    assert cells(text, "GET /servers/detail") == [
        "Inventory",
        "compute",
        "GET /servers/detail",
        "ru-1",
        "8",
        "503: 5, 200: 2, no answer: 1",
        "4",
        "2, after 5 tries at most",
        "1.5 s",
        "0.8 s",
        "Asked for by the provider: 12 s",
        "2 MB",
    ]
    assert cells(text, "POST /aggregates")[4:8] == ["1", "", "", ""]
    assert "Attempt 1 ended after 3.1 s: " in text
    assert "requests: 8 · records: 44 · provider_unavailable" in text
    # phases, the step, waits, and the calls' share of what was on the wire
    assert re.findall(r'data-percent="(\d+)"', text) == [
        "75",
        "25",
        "100",
        "75",
        "25",
        "75",
        "25",
    ]


def test_a_sync_without_a_trace_has_only_its_facts(operator):
    text = page(operator, SnapshotFactory())

    assert "sync-trace" not in text


def test_what_came_from_outside_is_escaped(operator):
    snapshot = SnapshotFactory()
    call = {"step": "<b>", "api": "<b>", "call": "<b>", "region": "<b>", "statuses": {"<b>": 1}}
    TraceFactory(snapshot=snapshot, steps=[{"name": "<b>", "error": "<b>"}], calls=[call])

    assert "<b>" not in page(operator, snapshot)


@pytest.mark.parametrize("count", [1, 11])
def test_the_page_costs_the_same_whatever_was_asked(
    operator: Client, django_assert_num_queries: Any, count: int
) -> None:
    snapshot = SnapshotFactory()
    TraceFactory(snapshot=snapshot, calls=[{"step": "usage", "call": f"GET /{n}"} for n in range(count)])
    for _ in range(count):
        ScopeCoverageFactory(snapshot=snapshot)
    page(operator, snapshot)  # content types are remembered by the process

    # session, user; snapshot, connection, organization; totals (2), coverage (2), trace
    with django_assert_num_queries(10):
        page(operator, snapshot)
