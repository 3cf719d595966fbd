"""The page of connections: what each costs, how its last sync ended, how long its balance lasts, what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.access import UserRequest, organization_required
from accounts.models import Organization
from costs import queries as costs
from costs.budgets.queries import ForecastRunway, forecast_runways
from providers import catalogue, registry
from providers import queries as providers
from providers.account_words import AccountLimit, Facts, account_facts, account_limits
from providers.badges import badge_of, series_of
from providers.contract.records import Rate
from providers.messages import Explanation, explain, provider_name, sentence
from providers.models import ConnectionStatus, ProviderConnection
from syncs import queries as syncs
from syncs.models import SyncSnapshot
from syncs.panel import sync_panel, watched_complete

MINUTES_IN_HOUR = 60
MINUTES_IN_DAY = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the account says of itself, ready to show; `facts` are headings with pairs."""

    rate: Rate | None
    not_itemised_daily: Decimal | None
    limits: list[AccountLimit]
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One connection with everything that its card and its row on the dashboard show."""

    connection: ProviderConnection
    provider: str
    badge: str
    series: str
    level: str
    status: str
    status_note: str
    reads_files: bool
    schedule: str
    run_rate: costs.ConnectionRunRate | None
    runway: costs.Runway | None
    forecast_runway: ForecastRunway | None
    coverage: syncs.Coverage
    progress: syncs.Progress | None
    problem: Explanation | None
    account: Account | None = field(default=None)

    @property
    def is_busy(self) -> bool:
        return self.progress is not None

    @property
    def has_short_runway(self) -> bool:
        return self.runway is not None and self.runway.is_short


@organization_required
@require_safe
def connections(request: UserRequest) -> HttpResponse:
    context = {**_page_context(request), "panel": sync_panel(request, complete_pk=watched_complete(request))}
    context["plugins"] = [] if context["cards"] else plugin_choices()
    return render(request, "infrazen/connections.html", context)


@organization_required
@require_safe
def connection_card(request: UserRequest, pk: int) -> HttpResponse:
    """One card alone, with the sums of the page's head that may have changed with it."""
    get_object_or_404(ProviderConnection.objects.of(request.organization), pk=pk)
    context = _page_context(request)
    card = next(card for card in context["cards"] if card.connection.pk == pk)
    return render(request, "infrazen/_connection_card_alone.html", {**context, "card": card})


def connection_cards(
    organization: Organization,
    run_rate: costs.RunRate,
    reconciliation: costs.Reconciliation,
    forecast_at: datetime | None = None,
) -> list[Card]:
    """The cards in the order in which connections were made; a fixed number of queries.

    With `forecast_at` they also say how long balances last by the forecast, which takes two more.
    """
    coverage = syncs.current_coverage(organization)
    latest = syncs.latest_snapshots(organization)
    active = syncs.active_syncs(organization)
    rows = list(
        ProviderConnection.objects.of(organization)
        .with_type_state()
        .select_related("organization")
        .order_by("created_at", "pk")
    )
    runways = forecast_runways(organization, rows, forecast_at) if forecast_at else {}
    return [
        _card(
            connection,
            run_rate=run_rate.connections.get(connection.pk),
            reconciliation=reconciliation.connections.get(connection.pk),
            coverage=coverage.get(connection.pk, syncs.Coverage()),
            latest=latest.get(connection.pk),
            progress=active.get(connection.pk),
            forecast_runway=runways.get(connection.pk),
        )
        for connection in rows
    ]


def plugin_choices() -> list[dict[str, str]]:
    """What may be connected, for the page that has no connection yet."""
    return [
        {
            "key": plugin.key,
            "name": sentence(plugin.display_name),
            "summary": sentence(plugin.summary),
            "badge": plugin.badge,
        }
        for plugin in catalogue.offered_plugins()
    ]


def _page_context(request: UserRequest) -> dict[str, Any]:
    run_rate = costs.run_rate(request.organization)
    cards = connection_cards(
        request.organization,
        run_rate,
        costs.reconciliation(request.organization),
        forecast_at=timezone.now(),
    )
    return {
        "cards": cards,
        "run_rate": run_rate,
        "busy_count": sum(card.is_busy for card in cards),
        "may_write": request.membership.may_write,
    }


def _card(
    connection: ProviderConnection,
    *,
    run_rate: costs.ConnectionRunRate | None,
    reconciliation: costs.ConnectionReconciliation | None,
    coverage: syncs.Coverage,
    latest: SyncSnapshot | None,
    progress: syncs.Progress | None,
    forecast_runway: ForecastRunway | None,
) -> Card:
    level, status, note = _status(connection, latest=latest, progress=progress, coverage=coverage)
    plugin = registry.plugins().get(connection.provider_type)
    return Card(
        connection=connection,
        provider=provider_name(connection.provider_type),
        badge=badge_of(connection),
        series=series_of(connection),
        level=level,
        status=status,
        status_note=note,
        reads_files=plugin is not None and plugin.capabilities.reads_files,
        schedule=_schedule(connection),
        run_rate=run_rate,
        runway=costs.runway(connection, daily=run_rate.daily if run_rate else None),
        forecast_runway=forecast_runway,
        coverage=coverage,
        progress=progress,
        problem=explain(connection.last_sync_error, provider_type=connection.provider_type),
        account=_account(connection, reconciliation) if connection.account_read_at else None,
    )


def _status(
    connection: ProviderConnection,
    *,
    latest: SyncSnapshot | None,
    progress: syncs.Progress | None,
    coverage: syncs.Coverage,
) -> tuple[str, str, str]:
    """Level of the dot, the word, and what it lacks."""
    if progress is not None:
        return "progress", _("Waiting for the next try") if progress.is_waiting else _("Updating"), ""
    if not connection.is_active:
        return "off", _("Switched off"), ""
    status = ConnectionStatus(connection.last_sync_status)
    level, word, note = providers.status_level(connection), str(status.label), ""
    if connection.is_given_up and connection.auto_sync:
        word = _("Error, not tried any more")
    if status is ConnectionStatus.SUCCESS and latest is not None and latest.attempt > 1:
        word = _("Done on try %(attempt)d") % {"attempt": latest.attempt}
    if status is ConnectionStatus.PARTIAL and coverage.unread_names:
        note = _("%(names)s not read") % {"names": coverage.unread_names}
    return level, word, note


def _schedule(connection: ProviderConnection) -> str:
    """`syncs every 6 hours`, in words."""
    if not connection.auto_sync or not connection.is_active:
        return _("no automatic sync")
    if not connection.is_type_enabled:  # type: ignore[attr-defined]  # annotated by `with_type_state`
        return _("no automatic sync: an administrator has switched this provider off")
    if connection.is_given_up:
        return _("automatic sync has stopped")
    minutes = connection.sync_interval_minutes
    if minutes % MINUTES_IN_DAY == 0:
        count = minutes // MINUTES_IN_DAY
        return ngettext(
            "automatic sync every %(count)d day", "automatic sync every %(count)d days", count
        ) % {"count": count}
    if minutes % MINUTES_IN_HOUR == 0:
        count = minutes // MINUTES_IN_HOUR
        return ngettext(
            "automatic sync every %(count)d hour", "automatic sync every %(count)d hours", count
        ) % {"count": count}
    return ngettext(
        "automatic sync every %(count)d minute", "automatic sync every %(count)d minutes", minutes
    ) % {"count": minutes}


def _account(
    connection: ProviderConnection, reconciliation: costs.ConnectionReconciliation | None
) -> Account:
    said = connection.provider_metadata or {}
    return Account(
        rate=costs.account_rate(connection),
        not_itemised_daily=reconciliation.not_itemised_daily if reconciliation else None,
        limits=account_limits(said),
        facts=account_facts(said),
    )
