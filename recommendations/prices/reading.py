"""Reading an organization's price lists through one of its connections; each list stands or fails alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from accounts.audit.services import record
from accounts.models import Organization, User
from providers.contract.errors import ProviderError, UnexpectedResponse, UnknownProvider
from providers.contract.plugin import ProviderPlugin, not_complete
from providers.contract.records import Finding, PriceRecord, ScopeResult, ScopeStatus
from providers.models import ConnectionStatus, ProviderConnection
from providers.registry import plugin_class
from providers.services import open_plugin
from recommendations.prices.errors import NothingToRead, ReadingRuns
from recommendations.prices.history import Listed, listed
from recommendations.prices.models import PriceReading, ReadingStatus, Source
from recommendations.prices.services import store_list

logger = logging.getLogger(__name__)

EVERY = timedelta(days=7)
AGAIN_AFTER_FAILURE = timedelta(days=1)
ABANDONED_AFTER = timedelta(minutes=30)
"""A reading that has run so long is of a worker that died."""
LARGEST_LIST = 200_000
"""Prices of one reading; a list longer than that is an error of ours or theirs."""
WHOLE = ("prices",)


@dataclass(slots=True)
class _Collected:
    found: list[Listed] = field(default_factory=list)
    scopes: list[ScopeResult] = field(default_factory=list)

    @property
    def complete(self) -> set[str]:
        return {
            _key(result)
            for result in self.scopes
            if result.status in (ScopeStatus.COMPLETE, ScopeStatus.ABSENT)
        }


def due_readings(now: datetime) -> Iterator[tuple[int, str]]:
    """(organization, provider type) whose lists are to be read: weekly, a day after one that failed."""
    wanted = {
        (row["organization"], row["provider_type"])
        for row in _readable().values("organization", "provider_type").distinct()
        if _has_prices(row["provider_type"])
    }
    waiting = {
        (row["organization"], row["provider_type"])
        for row in PriceReading.objects.filter(
            Q(status=ReadingStatus.RUNNING, started_at__gt=now - ABANDONED_AFTER)
            | Q(status=ReadingStatus.SUCCESS, finished_at__gt=now - EVERY)
            | Q(
                status__in=[ReadingStatus.PARTIAL, ReadingStatus.ERROR],
                finished_at__gt=now - AGAIN_AFTER_FAILURE,
            )
        ).values("organization", "provider_type")
    }
    yield from sorted(wanted - waiting)


def readable_types(organization: Organization) -> list[str]:
    """Provider types whose lists could be read for it."""
    types = _readable().filter(organization=organization).values_list("provider_type", flat=True)
    return sorted(each for each in set(types) if _has_prices(each))


def read_prices(
    *, organization_id: int, provider_type: str, now: datetime, by: User | None = None
) -> PriceReading:
    """Read the lists now. Raises NothingToRead and ReadingRuns; a provider's errors end up in the reading."""
    organization = Organization.objects.get(pk=organization_id)
    connection = _connection(organization, provider_type)
    reading = _claim(organization, connection, now)
    try:
        collected = _collect(open_plugin(connection, now=now))  # network, no transaction
        with transaction.atomic():
            _store(reading, organization, collected, now)
            if by is not None:
                record("price.read", obj=reading, organization=organization, actor=by)
    except BaseException:
        PriceReading.objects.filter(pk=reading.pk, started_at=now).update(
            status=ReadingStatus.ERROR, finished_at=now
        )
        raise
    return reading


def _readable() -> QuerySet[ProviderConnection]:
    """Connections through which a list may be read: active ones, and not those that failed lately."""
    return (
        ProviderConnection.objects.of_enabled_types()
        .filter(organization__deletion_at__isnull=True, is_active=True)
        .exclude(last_sync_status=ConnectionStatus.ERROR)
    )


def _has_prices(provider_type: str) -> bool:
    try:
        return plugin_class(provider_type).capabilities.has_prices
    except UnknownProvider:
        return False


def _connection(organization: Organization, provider_type: str) -> ProviderConnection:
    """The healthiest: one whose last sync was whole, read last."""
    if not _has_prices(provider_type):
        raise NothingToRead(provider_type)
    found = list(_readable().filter(organization=organization, provider_type=provider_type))
    if not found:
        raise NothingToRead(provider_type)

    def rank(connection: ProviderConnection) -> tuple[bool, int, int]:
        is_whole = connection.last_sync_status == ConnectionStatus.SUCCESS
        return (not is_whole, connection.consecutive_failures, connection.pk)

    return min(found, key=rank)


def _claim(organization: Organization, connection: ProviderConnection, now: datetime) -> PriceReading:
    reading, is_new = PriceReading.objects.get_or_create(
        organization=organization,
        provider_type=connection.provider_type,
        defaults={"status": ReadingStatus.RUNNING, "started_at": now, "connection": connection},
    )
    if is_new:
        return reading
    is_ours = (
        PriceReading.objects.filter(pk=reading.pk, started_at=reading.started_at)
        .exclude(status=ReadingStatus.RUNNING, started_at__gt=now - ABANDONED_AFTER)
        .update(status=ReadingStatus.RUNNING, started_at=now, connection=connection)
    )
    if not is_ours:
        raise ReadingRuns(connection.provider_type)
    reading.refresh_from_db()
    return reading


def _collect(plugin: ProviderPlugin) -> _Collected:
    """Everything that the lists say; what breaks off the whole stream is one failed scope."""
    collected = _Collected()
    waiting: list[PriceRecord] = []
    try:
        for item in plugin.prices():
            match item:
                case PriceRecord():
                    waiting.append(item)
                    if len(waiting) + len(collected.found) > LARGEST_LIST:
                        raise UnexpectedResponse(
                            gettext_noop("The price list is longer than any list of prices can be."),
                            provider=plugin.key,
                            operation="prices",
                        )
                case ScopeResult():
                    _take(collected, waiting, item)
                    waiting = []
                case Finding():
                    logger.info("price list of %s: %s", plugin.key, item.code)
    except ProviderError as error:
        logger.warning("price list of %s broke off: %s (%s)", plugin.key, error, error.operation)
        _take(collected, waiting, not_complete(WHOLE, error))
    return collected


def _take(collected: _Collected, waiting: list[PriceRecord], result: ScopeResult) -> None:
    """Prices belong to the list whose end comes after them."""
    collected.scopes.append(result)
    collected.found.extend(listed(each, _key(result)) for each in waiting)


def _store(reading: PriceReading, organization: Organization, collected: _Collected, now: datetime) -> None:
    found = store_list(
        organization=organization,
        provider_type=reading.provider_type,
        source=Source.PLUGIN,
        found=collected.found,
        complete=collected.complete,
        now=now,
    )
    failed = len(collected.scopes) - len(collected.complete)
    reading.status = (
        ReadingStatus.SUCCESS
        if not failed and collected.scopes
        else ReadingStatus.PARTIAL
        if collected.complete
        else ReadingStatus.ERROR
    )
    reading.finished_at = now
    if reading.status == ReadingStatus.SUCCESS:
        reading.complete_at = now
    reading.scopes = [
        {
            "scope": _key(result),
            "status": result.status.value,
            "code": result.error_code,
            "message": result.message,
            "params": dict(result.params),
        }
        for result in collected.scopes
    ]
    reading.price_count = len(collected.found)
    reading.new_count = len(found.new)
    reading.changed_count = len(found.changed)
    reading.gone_count = len(found.gone)
    reading.save()


def _key(result: ScopeResult) -> str:
    return "/".join(result.scope)
