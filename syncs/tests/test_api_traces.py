"""What a sync asked of its provider, through the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.tests.factories import OrganizationFactory, member_of
from providers.models import ProviderConnection
from providers.tests.conftest import fake_provider as fake_provider
from providers.tests.factories import ConnectionFactory
from syncs.models import SyncSnapshot

from .factories import ScopeCoverageFactory, SnapshotFactory, SnapshotTotalFactory, TraceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]


@pytest.fixture
def connection() -> ProviderConnection:
    return ConnectionFactory(organization=OrganizationFactory())


@pytest.fixture
def api(client: Client, connection: ProviderConnection) -> Client:
    client.force_login(member_of(connection.organization))
    return client


def detail(api: Client, snapshot: SyncSnapshot) -> dict[str, Any]:
    answer: dict[str, Any] = api.get(f"/api/v1/snapshots/{snapshot.pk}/").json()
    return answer


def test_detail_tells_steps_calls_waits_and_attempts(api, connection):
    snapshot = SnapshotFactory(connection=connection)
    TraceFactory(
        snapshot=snapshot,
        steps=[
            {"name": "charges", "seconds": 1.25, "records": 3},
            {"name": "resources", "seconds": 2.5, "error": "provider_unavailable"},
        ],
        calls=[
            {
                "step": "resources",
                "api": "compute",
                "call": "GET /servers/detail",
                "region": "ru-1",
                "requests": 2,
                "statuses": {"503": 1, "200": 1},
                "repeats": 1,
                "wire": 0.5,
                "slowest": 0.375,
                "bytes": 120,
                "waits": {"asked": 12.0},
            }
        ],
        waits={"asked": 12.0},
        earlier=[
            {
                "attempt": 1,
                "seconds": 3.5,
                "requests": 4,
                "error": {
                    "code": "rate_limited",
                    "message": "%(n)s calls are too many.",
                    "params": {"n": 61},
                },
            }
        ],
    )

    trace = detail(api, snapshot)["trace"]

    assert trace == {
        "seconds": 3.75,
        "request_count": 2,
        "wait_seconds": {"pace": 0.0, "asked": 12.0, "back_off": 0.0},
        "steps": [
            {"name": "charges", "seconds": 1.25, "record_count": 3, "error_code": ""},
            {"name": "resources", "seconds": 2.5, "record_count": 0, "error_code": "provider_unavailable"},
        ],
        "calls": [
            {
                "step": "resources",
                "api": "compute",
                "call": "GET /servers/detail",
                "region": "ru-1",
                "request_count": 2,
                "statuses": {"503": 1, "200": 1},
                "repeat_count": 1,
                "given_up_count": 0,
                "tries": 0,
                "wire_seconds": 0.5,
                "slowest_seconds": 0.375,
                "size_bytes": 120,
                "wait_seconds": {"pace": 0.0, "asked": 12.0, "back_off": 0.0},
            }
        ],
        "earlier_attempts": [
            {
                "number": 1,
                "seconds": 3.5,
                "request_count": 4,
                "code": "rate_limited",
                "detail": "61 calls are too many.",
            }
        ],
    }


def test_a_sync_that_kept_no_trace_says_null(api, connection):
    assert detail(api, SnapshotFactory(connection=connection))["trace"] is None


def test_the_list_has_no_traces(api, connection):
    TraceFactory(snapshot=SnapshotFactory(connection=connection), steps=[{"name": "account"}])

    (row,) = api.get("/api/v1/snapshots/").json()["results"]

    assert "trace" not in row


def test_a_strangers_trace_is_not_found(api):
    snapshot = TraceFactory(snapshot=SnapshotFactory()).snapshot

    assert api.get(f"/api/v1/snapshots/{snapshot.pk}/").status_code == 404


@pytest.mark.parametrize("count", [1, 11])
def test_detail_costs_the_same_whatever_was_asked(api, connection, django_assert_num_queries, count):
    snapshot = SnapshotFactory(connection=connection)
    SnapshotTotalFactory(snapshot=snapshot)
    calls = [{"step": "resources", "call": f"GET /{number}", "requests": 1} for number in range(count)]
    TraceFactory(snapshot=snapshot, steps=[{"name": "resources"}], calls=calls)
    for _ in range(count):
        ScopeCoverageFactory(snapshot=snapshot)
    api.get("/api/v1/snapshots/")

    # session, user, memberships; snapshot with its trace, totals, coverage
    with django_assert_num_queries(6):
        assert len(detail(api, snapshot)["trace"]["calls"]) == count
