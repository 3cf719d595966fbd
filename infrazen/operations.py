"""The admin's front page: is everything well, and if not, where is the work?

Each card answers one question with a level, a figure and links to what it is about. A card is only made for who may
open what it links to. All of it costs a fixed number of queries, whatever there is.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Abs
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit.models import AuditEntry
from accounts.models import Organization
from accounts.notifications.models import Delivery
from common import formatting
from costs.queries import rates_on
from infrazen import health
from providers.messages import explain
from providers.models import ConnectionStatus, ProviderConnection
from syncs import triage
from syncs.admin.parts import daily_costs
from syncs.models import SnapshotTotal

LISTED = 5
"""Rows of a card; the rest is a link away."""

INTERVALS_UNTIL_STALE = 2
"""A connection is stale when it was not read for so many of its own intervals."""

BACKUP_PATIENCE = timedelta(days=2)
BACKUP_ACTION = "backup.made"

PROVIDERS = ("accounts.manage_providers", "accounts.view_all_data")
RESOURCES = ("accounts.manage_resources", "accounts.view_all_data")
USERS = ("accounts.manage_users",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    label: str
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """`level` is "success", "warning" or "error"; `url` opens all of what the figure counts."""

    title: str
    level: str
    figure: str
    url: str = ""
    rows: tuple[Row, ...] = ()


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme's hook: adds `operations`, the cards that this administrator may see, the troubled ones first."""
    now = timezone.now()
    cards = [card(now) for card, permissions in CARDS if _may(request, permissions)]
    order = {"error": 0, "warning": 1, "success": 2}
    context["operations"] = sorted(cards, key=lambda card: order[card.level])
    context["is_well"] = all(card.level == "success" for card in cards)
    return context


def _may(request: HttpRequest, permissions: tuple[str, ...]) -> bool:
    return not permissions or any(request.user.has_perm(name) for name in permissions)


def failed_connections(now: datetime) -> Card:
    """Connections whose last sync failed, and those that are not tried any more."""
    failed = ProviderConnection.objects.filter(is_active=True, last_sync_status=ConnectionStatus.ERROR)
    stopped = failed.filter(given_up_at__isnull=False).count()
    count = failed.count()
    return Card(
        title=_("Failed connections"),
        level="error" if count else "success",
        figure=ngettext("%d connection", "%d connections", count) % count if count else _("none"),
        url=_list("providers_providerconnection", last_sync_status__exact=ConnectionStatus.ERROR.value),
        rows=(
            *((Row(label=_("Not tried any more: %d") % stopped),) if stopped else ()),
            *(
                _connection_row(one, str(explain(one.last_sync_error, provider_type=one.provider_type) or ""))
                for one in _first(failed.order_by("-next_sync_at", "pk"))
            ),
        ),
    )


def stale_connections(now: datetime) -> Card:
    """Connections that should have been read, and were not, for reasons that nobody was told."""
    due = ProviderConnection.objects.of_enabled_types().filter(
        is_active=True, auto_sync=True, organization__deletion_at__isnull=True, given_up_at__isnull=True
    )
    late = Q(pk__in=[])
    for minutes in due.values_list("sync_interval_minutes", flat=True).distinct():
        since = now - INTERVALS_UNTIL_STALE * timedelta(minutes=minutes)
        late |= Q(sync_interval_minutes=minutes) & (
            Q(last_sync_at__lt=since) | Q(last_sync_at__isnull=True, created_at__lt=since)
        )
    stale = due.filter(late)
    count = stale.count()
    return Card(
        title=_("Stale connections"),
        level="warning" if count else "success",
        figure=ngettext("%d connection", "%d connections", count) % count if count else _("none"),
        url=_list("providers_providerconnection"),
        rows=tuple(
            _connection_row(
                one,
                _("read %(age)s ago") % {"age": timesince(one.last_sync_at, now)}
                if one.last_sync_at
                else _("never read"),
            )
            for one in _first(stale.order_by("last_sync_at", "pk"))
        ),
    )


def unrecognized(now: datetime) -> Card:
    """Billed types that map to nothing, with the money that stands on them."""
    types = sorted(triage.open_types(), key=lambda one: one.weight, reverse=True)
    return Card(
        title=_("Unrecognised types"),
        level="warning" if types else "success",
        figure=ngettext("%d type", "%d types", len(types)) % len(types) if types else _("none"),
        url=_list("syncs_unrecognizedresource"),
        rows=tuple(
            Row(label=one.native_type, note=daily_costs(one.daily_costs) if one.resource_count else "")
            for one in types[:LISTED]
        ),
    )


def reconciled(now: datetime) -> Card:
    """How much of what the providers charge a day is explained by resources, and the connections that explain least.

    Roubles; differences count without their signs. What no known rate turns into roubles is not in the figure.
    """
    current = SnapshotTotal.objects.filter(snapshot__is_current=True)
    sums = {
        currency: (Decimal(str(billed)), Decimal(str(unexplained)))
        for currency, billed, unexplained in current.order_by()
        .values_list("currency")
        .annotate(billed=Sum("billed_daily_cost"), unexplained=Sum(Abs("unexplained_daily_cost")))
    }
    rates = rates_on(sums, None)
    billed, unexplained = (
        sum((sums[currency][place] * rates[currency] for currency in sums if currency in rates), Decimal(0))
        for place in (0, 1)
    )
    share = max(Decimal(0), 100 - unexplained * 100 / billed) if billed else None
    differing = current.exclude(unexplained_daily_cost=0).select_related("snapshot__connection__organization")
    worst = differing.order_by(Abs("unexplained_daily_cost").desc(), "pk")[:LISTED]
    return Card(
        title=_("Of the bills understood"),
        level="warning" if any(amount for _billed, amount in sums.values()) else "success",
        figure=formatting.no_data() if share is None else formatting.percent(share, places=2),
        url=_list("providers_providerconnection"),
        rows=tuple(
            _connection_row(
                one.snapshot.connection, formatting.money_per_day(one.unexplained_daily_cost, one.currency)
            )
            for one in worst
        ),
    )


def queue(now: datetime) -> Card:
    """Whether the worker and beat do their work."""
    work = health.work(now)
    rows = []
    if "beat" in work.attention:
        rows.append(Row(label=_("Beat has sent nothing for a while: nothing is started by schedule.")))
    if "queue" in work.attention:
        rows.append(Row(label=_("The oldest waits for more than ten minutes: is a worker running?")))
    if work.stuck_leases:
        label = ngettext("%d sync hangs", "%d syncs hang", work.stuck_leases) % work.stuck_leases
        rows.append(Row(label=label, url=_list("syncs_syncsnapshot", status__exact="running")))
    return Card(
        title=_("Queue"),
        level="error" if work.attention else "success",
        figure=ngettext("%d sync waits", "%d syncs wait", work.queue_length) % work.queue_length
        if work.queue_length
        else _("empty"),
        url=_list("syncs_syncsnapshot", status__exact="queued"),
        rows=tuple(rows),
    )


def messages(now: datetime) -> Card:
    """Notifications of the last day that did not arrive."""
    failed = Delivery.objects.filter(
        status=Delivery.Status.FAILED, notification__created_at__gt=now - timedelta(days=1)
    )
    count = failed.count()
    return Card(
        title=_("Messages that failed"),
        level="warning" if count else "success",
        figure=str(count) if count else _("none"),
        url=_list("notifications_delivery", status__exact=Delivery.Status.FAILED.value),
    )


def leaving(now: datetime) -> Card:
    """Organizations in the grace before they are deleted."""
    going = Organization.objects.filter(deletion_at__isnull=False)
    count = going.count()
    return Card(
        title=_("Organizations to be deleted"),
        level="warning" if count else "success",
        figure=str(count) if count else _("none"),
        url=_list("accounts_organization"),
        rows=tuple(
            Row(
                label=one.name,
                url=reverse("admin:accounts_organization_change", args=[one.pk]),
                note=timezone.localtime(one.deletion_at).date().isoformat() if one.deletion_at else "",
            )
            for one in _first(going.order_by("deletion_at", "pk"))
        ),
    )


def backup(now: datetime) -> Card:
    """The last backup that `manage.py backup` made or was told of."""
    last = AuditEntry.objects.filter(action=BACKUP_ACTION).order_by("-pk").first()
    is_fresh = last is not None and last.at > now - BACKUP_PATIENCE
    return Card(
        title=_("Last backup"),
        level="success" if is_fresh else "warning",
        figure=_("%(age)s ago") % {"age": timesince(last.at, now)} if last else _("never"),
        rows=()
        if last
        else (Row(label=_("“manage.py backup” makes one, or notes one that you made yourself.")),),
    )


def product(now: datetime) -> Card:
    """What runs here."""
    totals = ProviderConnection.objects.aggregate(
        connections=Count("pk"), organizations=Count("organization", distinct=True)
    )
    return Card(
        title=_("Version"),
        level="success",
        figure=f"InfraZen {version('infrazen')}",
        rows=(
            Row(label=f"Python {platform.python_version()}, {database.vendor}, {settings.INFRAZEN_MODE}"),
            Row(label=_("%(connections)d connections in %(organizations)d organizations") % totals),
        ),
    )


CARDS: tuple[tuple[Callable[[datetime], Card], tuple[str, ...]], ...] = (
    (failed_connections, PROVIDERS),
    (stale_connections, PROVIDERS),
    (queue, PROVIDERS),
    (unrecognized, RESOURCES),
    (reconciled, PROVIDERS),
    (messages, USERS),
    (leaving, USERS),
    (backup, ()),
    (product, ()),
)


def _connection_row(one: ProviderConnection, note: str) -> Row:
    return Row(
        label=f"{one.organization.name} · {one.connection_name}",
        url=reverse("admin:providers_providerconnection_change", args=[one.pk]),
        note=note,
    )


def _first(rows: QuerySet[Any]) -> list[Any]:
    related = ["organization"] if rows.model is ProviderConnection else []
    return list(rows.select_related(*related)[:LISTED] if related else rows[:LISTED])


def _list(name: str, **filters: str) -> str:
    return reverse(f"admin:{name}_changelist", query=filters or None)
