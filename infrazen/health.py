"""Is this process alive, can it serve, and does the house do its work?

- `/health/live`: this process answers. Nothing else is asked.
- `/health/ready`: it can serve: database, cache and broker answer, all migrations are applied. 200 `ok` or
  503 `not ok`; nothing more for the public. A super admin sees why, and how old the work is.
- `/metrics`: for Prometheus; see `infrazen.metrics`.

What is old or stuck (`attention`) does not make a web process unready: taking it away would mend nothing.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max, Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_celery_beat.models import PeriodicTask

from common import clock
from syncs.models import SyncSnapshot, SyncStatus

logger = logging.getLogger(__name__)

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
METRICS_PATH = "/metrics"

BEAT_PATIENCE = timedelta(minutes=5)
"""The shortest schedule is a minute; beat that has sent nothing for so long has stopped."""

QUEUE_PATIENCE = timedelta(minutes=10)

_migrated: set[str] = set()
"""Databases seen with all migrations: that cannot change while this process lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How the work of the house stands. Ages are seconds, None where there is nothing to be old."""

    beat_age_seconds: float | None
    queue_length: int
    oldest_queued_seconds: float | None
    stuck_leases: int

    @property
    def attention(self) -> list[str]:
        found = []
        if self.beat_age_seconds is None or self.beat_age_seconds > BEAT_PATIENCE.total_seconds():
            found.append("beat")
        if (self.oldest_queued_seconds or 0) > QUEUE_PATIENCE.total_seconds():
            found.append("queue")
        if self.stuck_leases:
            found.append("leases")
        return found


def work(now: datetime) -> Work:
    """Beat by the last task it sent; a queued snapshot that waits for a time the provider named is not counted."""
    last_sent = PeriodicTask.objects.filter(enabled=True).aggregate(at=Max("last_run_at"))["at"]
    queued = SyncSnapshot.objects.filter(status=SyncStatus.QUEUED).exclude(lease_expires_at__gt=now)
    oldest = queued.aggregate(at=Min("requested_at"))["at"]
    return Work(
        beat_age_seconds=_age(last_sent, now - clock.ahead()),  # beat lives by the machine's clock
        queue_length=queued.count(),
        oldest_queued_seconds=_age(oldest, now),
        stuck_leases=SyncSnapshot.objects.filter(status=SyncStatus.RUNNING, lease_expires_at__lt=now).count(),
    )


def obstacles() -> dict[str, str]:
    """What keeps this process from serving: {check: class of the error or what is missing}; {} when nothing does."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("database", _database),
        ("cache_and_broker", _cache),
        ("migrations", _migrations),
    )
    found = {}
    for name, check in checks:
        try:
            trouble = check()
        except Exception as error:  # whatever it is, the probe must answer
            logger.warning("the check of %s failed: %s", name, type(error).__name__)
            trouble = type(error).__name__
        if trouble:
            found[name] = trouble
    return found


class Probes:
    """Answers probes above everything else: they come by address and not by host name, over plain HTTP, as nobody.

    Only a browser that brings a session goes on to `ready`, which may tell more.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        from infrazen import metrics  # prometheus_client looks for its folder when it is imported

        if request.path_info == LIVE_PATH:
            return live(request)
        if request.path_info == READY_PATH and settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return _verdict(obstacles())
        if request.path_info == METRICS_PATH:
            return metrics.exposition(request)
        return self.get_response(request)


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """The verdict; for a super admin with every check and the state of the work."""
    found = obstacles()
    if "database" in found or not _is_super_admin(request):
        return _verdict(found)
    checks = {name: found.get(name, "ok") for name in ("database", "cache_and_broker", "migrations")}
    told: dict[str, object] = {"status": "not ok" if found else "ok", "checks": checks}
    if "migrations" not in found:
        state = work(timezone.now())
        told["work"] = {
            "beat_age_seconds": state.beat_age_seconds,
            "queue_length": state.queue_length,
            "oldest_queued_seconds": state.oldest_queued_seconds,
            "stuck_leases": state.stuck_leases,
        }
        told["attention"] = state.attention
    return JsonResponse(told, status=503 if found else 200)


def _verdict(found: dict[str, str]) -> HttpResponse:
    response = HttpResponse(
        "not ok" if found else "ok", status=503 if found else 200, content_type="text/plain"
    )
    response["Cache-Control"] = "no-store"
    return response


def _is_super_admin(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _cache() -> str:
    """In production both are the one Redis of REDIS_URL; in embedded mode this process's memory."""
    key, value = f"health:{secrets.token_hex(8)}", "ok"
    cache.set(key, value, timeout=10)
    read = cache.get(key)
    cache.delete(key)
    return "" if read == value else "what was written is not read"


def _migrations() -> str:
    if connection.alias in _migrated:
        return ""
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not missing:
        _migrated.add(connection.alias)
    return f"{missing} not applied" if missing else ""


def _age(moment: datetime | None, now: datetime) -> float | None:
    return round((now - moment).total_seconds(), 1) if moment else None
