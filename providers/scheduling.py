"""When a connection is read next, and what its row remembers of the last reading."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from providers.contract.records import AccountRecord
from providers.models import ConnectionStatus, ProviderConnection

JITTER = 0.1
"""Share of the interval by which a connection's syncs are moved, so that not all of them start together."""

MAX_BACKOFF_FACTOR = 8


def next_sync_at(connection: ProviderConnection, *, now: datetime) -> datetime:
    """One interval from now, moved by the connection's own steady jitter, longer after repeated failures."""
    interval = timedelta(minutes=connection.sync_interval_minutes)
    digest = hashlib.blake2b(str(connection.pk).encode(), digest_size=2).digest()
    share = int.from_bytes(digest, "big") / 65535
    factor = min(1 << connection.consecutive_failures, MAX_BACKOFF_FACTOR)
    return now + interval * factor + interval * JITTER * share


def schedule_next_sync(*, connection: ProviderConnection, now: datetime) -> None:
    ProviderConnection.objects.filter(pk=connection.pk).update(next_sync_at=next_sync_at(connection, now=now))


def record_sync_result(
    *,
    connection: ProviderConnection,
    status: ConnectionStatus,
    at: datetime,
    error: Mapping[str, Any],
    account: AccountRecord | None,
) -> None:
    """Remember how a reading ended. A failed one keeps the account's facts and the time of the last good one."""
    is_failure = status is ConnectionStatus.ERROR
    connection.consecutive_failures = connection.consecutive_failures + 1 if is_failure else 0
    fields: dict[str, Any] = {
        "last_sync_status": status,
        "last_sync_error": dict(error),
        "consecutive_failures": connection.consecutive_failures,
        "next_sync_at": next_sync_at(connection, now=at),
    }
    if not is_failure:
        fields["last_sync_at"] = at
    if account is not None:
        fields |= {
            "account_id": account.account_id,
            "balance": account.balance,
            "balance_currency": account.currency,
            "charge_days_left": account.charge_days_left,
            "provider_metadata": _metadata(account),
            "account_read_at": at,
        }
    ProviderConnection.objects.filter(pk=connection.pk).update(**fields)


def _metadata(account: AccountRecord) -> dict[str, Any]:
    """The account's facts as JSON; amounts and quantities as text, so that no digit is lost."""
    rate = account.total
    return {
        "name": account.name,
        "total": {"amount": str(rate.amount), "currency": rate.currency, "period": rate.period.value}
        if rate
        else None,
        "remainder_id": account.remainder_id,
        "limits": [
            {
                key: str(value) if key in ("used", "allowed") and value is not None else value
                for key, value in item.items()
            }
            for item in (asdict(limit) for limit in account.limits)
        ],
        "facts": {heading: dict(rows) for heading, rows in account.facts.items()},
    }
