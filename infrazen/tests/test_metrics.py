"""Figures for Prometheus: whom they are shown to, and that they are those of the database."""

from datetime import timedelta

import pytest
from django.utils import timezone

from providers.models import ConnectionStatus
from providers.tests.factories import ConnectionFactory
from syncs.models import SyncStatus
from syncs.tests.factories import SnapshotFactory

pytestmark = pytest.mark.django_db


def lines(response) -> list[str]:
    return [line for line in response.content.decode().splitlines() if line.startswith("infrazen_")]


@pytest.mark.parametrize(
    ("token", "address", "headers", "status"),
    [
        ("", "127.0.0.1", {}, 200),
        ("", "::1", {}, 200),
        ("", "10.0.0.7", {}, 403),
        ("", "127.0.0.1", {"x-forwarded-for": "10.0.0.7"}, 403),
        ("", "", {}, 403),
        ("t0ken", "127.0.0.1", {}, 401),
        ("t0ken", "10.0.0.7", {"authorization": "Bearer t0ken"}, 200),
        ("t0ken", "10.0.0.7", {"authorization": "Bearer t0kem"}, 401),
        ("t0ken", "10.0.0.7", {"authorization": "Bearer ключ"}, 401),
        ("t0ken", "10.0.0.7", {"authorization": "t0ken"}, 401),
    ],
)
def test_metrics_are_for_the_token_or_for_this_machine(
    client, settings, token: str, address: str, headers: dict[str, str], status: int
) -> None:
    settings.METRICS_TOKEN = token

    response = client.get("/metrics", headers=headers, REMOTE_ADDR=address)

    assert response.status_code == status
    assert bool(lines(response)) == (status == 200)


def test_metrics_are_read_only(client) -> None:
    assert client.post("/metrics").status_code == 405


def test_requests_are_counted(client) -> None:
    client.get("/accounts/login/")

    page = client.get("/metrics").content.decode()

    assert 'django_http_responses_total_by_status_total{status="200"}' in page


def test_figures_are_those_of_the_database(client) -> None:
    now = timezone.now()
    connection = ConnectionFactory(provider_type="beget", last_sync_status=ConnectionStatus.PARTIAL)
    ConnectionFactory(provider_type="beget", is_active=False)
    finished = {
        "connection": connection,
        "earlier": True,
        "status": SyncStatus.PARTIAL,
        "requested_at": now - timedelta(hours=1),
        "started_at": now - timedelta(hours=1),
        "finished_at": now - timedelta(hours=1) + timedelta(seconds=9),
    }
    SnapshotFactory(**finished, timings={"billing": 1.5, "servers": 2.0})
    SnapshotFactory(**finished, timings={"billing": 0.25})
    SnapshotFactory(**{**finished, "requested_at": now - timedelta(hours=25)}, timings={"billing": 100.0})
    SnapshotFactory(connection=connection, queued=True, requested_at=now - timedelta(minutes=2), timings={})

    found = dict(line.rsplit(" ", 1) for line in lines(client.get("/metrics")))

    assert 120 <= float(found.pop("infrazen_queue_oldest_seconds")) < 150
    assert found == {
        "infrazen_queue_length": "1.0",
        "infrazen_stuck_leases": "0.0",
        'infrazen_connections{provider="beget",status="partial"}': "1.0",
        'infrazen_snapshots{provider="beget",status="partial"}': "2.0",
        'infrazen_snapshots{provider="beget",status="queued"}': "1.0",
        'infrazen_sync_phase_seconds{phase="billing",provider="beget"}': "1.75",
        'infrazen_sync_phase_seconds{phase="servers",provider="beget"}': "2.0",
        'infrazen_sync_seconds{provider="beget"}': "18.0",
    }
