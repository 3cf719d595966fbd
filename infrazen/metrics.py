"""Figures for Prometheus: requests of all web processes, and syncs as the database knows them.

Workers are other processes on other machines and serve no page; what they did stands in rows. So figures of syncs are
read from there when they are asked for, whichever web process is asked. They are gauges over `WINDOW`: rows go with
their connection, and a counter must not go back.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from infrazen import health
from providers.models import ProviderConnection
from syncs.models import SyncSnapshot

WINDOW = timedelta(hours=24)


@never_cache
@require_safe
def exposition(request: HttpRequest) -> HttpResponse:
    """All figures, for who brings METRICS_TOKEN; without one set, for this machine alone."""
    if refusal := _refusal(request):
        return refusal
    pages = [generate_latest(_processes()), generate_latest(_house(timezone.now()))]
    return HttpResponse(b"".join(pages), content_type=CONTENT_TYPE_LATEST)


class SyncFigures(Collector):
    """Connections, queue and the syncs that were requested in the last `WINDOW`, at one instant."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._work()
        yield self._connections()
        yield from self._snapshots()

    def _work(self) -> Iterator[GaugeMetricFamily]:
        state = health.work(self._now)
        figures = (
            ("infrazen_queue_length", "Syncs that wait for a worker.", state.queue_length),
            (
                "infrazen_queue_oldest_seconds",
                "How long the oldest of them has waited; 0 when none does.",
                state.oldest_queued_seconds or 0,
            ),
            ("infrazen_stuck_leases", "Running syncs whose worker has fallen silent.", state.stuck_leases),
        )
        for name, text, value in figures:
            yield GaugeMetricFamily(name, text, value=value)
        if state.beat_age_seconds is not None:
            yield GaugeMetricFamily(
                "infrazen_beat_age_seconds", "Since beat last sent a task.", value=state.beat_age_seconds
            )

    def _connections(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "infrazen_connections", "Active connections by their last result.", labels=["provider", "status"]
        )
        rows = (
            ProviderConnection.objects.filter(is_active=True)
            .values_list("provider_type", "last_sync_status")
            .annotate(count=Count("pk"))
            .order_by("provider_type", "last_sync_status")
        )
        for provider, status, count in rows:
            family.add_metric([provider, status], count)
        return family

    def _snapshots(self) -> Iterator[GaugeMetricFamily]:
        counts: dict[tuple[str, str], int] = defaultdict(int)
        phases: dict[tuple[str, str], float] = defaultdict(float)
        durations: dict[str, float] = defaultdict(float)
        rows = (
            SyncSnapshot.objects.filter(requested_at__gt=self._now - WINDOW)
            .values_list("connection__provider_type", "status", "timings", "started_at", "finished_at")
            .order_by("connection__provider_type", "status")
        )
        for provider, status, timings, started, finished in rows.iterator(2000):
            counts[provider, status] += 1
            if started and finished:
                durations[provider] += (finished - started).total_seconds()
            for phase, seconds in timings.items():
                phases[provider, phase] += seconds
        number = GaugeMetricFamily(
            "infrazen_snapshots", "Syncs requested in the last 24 hours.", labels=["provider", "status"]
        )
        inside = GaugeMetricFamily(
            "infrazen_sync_phase_seconds",
            "Seconds in each phase, the reading being the first, of the syncs requested in the last 24 hours.",
            labels=["provider", "phase"],
        )
        whole = GaugeMetricFamily(
            "infrazen_sync_seconds",
            "Seconds from start to end, reading included, of the syncs requested in the last 24 hours.",
            labels=["provider"],
        )
        for labels, count in counts.items():
            number.add_metric(labels, count)
        for labels, seconds in phases.items():
            inside.add_metric(labels, seconds)
        for provider, seconds in durations.items():
            whole.add_metric([provider], seconds)
        yield from (number, inside, whole)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        if secrets.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
            return None
        return HttpResponse(
            "Bring the METRICS_TOKEN as a bearer.", status=401, headers={"WWW-Authenticate": "Bearer"}
        )
    if _is_from_this_machine(request):
        return None
    return HttpResponse("Set METRICS_TOKEN to read this from another machine.", status=403)


def _is_from_this_machine(request: HttpRequest) -> bool:
    """Behind a proxy on this machine everybody comes from loopback: what a proxy passed on does not count."""
    if any(
        name in request.headers for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP")
    ):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _processes() -> CollectorRegistry:
    """The figures of every web process where they share a folder (several gunicorn workers), else of this one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _house(now: datetime) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(SyncFigures(now))
    return registry
