"""When a connection is read next, and what its row remembers of the last reading.

After `settings.SYNC_FAILURES_UNTIL_STOP` failures in a row the circuit opens: the connection is not due any more until
somebody tries again, gives new credentials, or switches it on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.audit.services import record
from providers.contract.records import AccountRecord
from providers.models import ConnectionStatus, ProviderConnection

JITTER = 0.1
"""Share of the interval by which a connection's syncs are moved, so that not all of them start together."""

MAX_BACKOFF_FACTOR = 8


def next_sync_at(connection: ProviderConnection, *, now: datetime) -> datetime:
    """One interval from now, moved by the connection's own steady jitter, longer after repeated failures."""
    interval = timedelta(minutes=connection.sync_interval_minutes)
    factor = min(1 << connection.consecutive_failures, MAX_BACKOFF_FACTOR)
    return now + interval * factor + interval * JITTER * steady_share(str(connection.pk))


def steady_share(key: str) -> float:
    """Between 0 and 1, the same for the same key: where something stands in the time that it may be moved by."""
    digest = hashlib.blake2b(key.encode(), digest_size=2).digest()
    return int.from_bytes(digest, "big") / 65535


def failures_until_stop() -> int:
    """After so many failures in a row a connection is not tried by itself any more."""
    return int(settings.SYNC_FAILURES_UNTIL_STOP)


def schedule_next_sync(*, connection: ProviderConnection, now: datetime) -> bool:
    """Move the time of the next sync; False where somebody else has moved it since the connection was read."""
    moved = ProviderConnection.objects.filter(pk=connection.pk, next_sync_at=connection.next_sync_at)
    return bool(moved.update(next_sync_at=next_sync_at(connection, now=now)))


def try_again(*, connection: ProviderConnection, now: datetime) -> bool:
    """End a series of failures that stopped a connection's automatic syncs, the next of which is due at once;
    returns whether there was such a series."""
    stopped = ProviderConnection.objects.filter(
        pk=connection.pk, consecutive_failures__gte=failures_until_stop()
    )
    if not stopped.exists():
        return False
    connection.consecutive_failures = 0
    with transaction.atomic():
        changed = stopped.update(
            consecutive_failures=0, given_up_at=None, next_sync_at=now if connection.auto_sync else None
        )
        if changed:
            record("connection.retried", obj=connection)
    return bool(changed)


def record_sync_result(
    *,
    connection: ProviderConnection,
    status: ConnectionStatus,
    at: datetime,
    error: Mapping[str, Any],
    account: AccountRecord | None,
) -> None:
    """Remember how a reading ended. A failed one keeps the account's facts and the time of the last good one.

    What people changed while it ran (new credentials, another interval) counts, not what the reading began with.
    """
    connection.refresh_from_db(fields=["consecutive_failures", "given_up_at", "sync_interval_minutes"])
    is_failure = status is ConnectionStatus.ERROR
    connection.consecutive_failures = connection.consecutive_failures + 1 if is_failure else 0
    fields: dict[str, Any] = {
        "last_sync_status": status,
        "last_sync_error": dict(error),
        "consecutive_failures": connection.consecutive_failures,
        "next_sync_at": None if connection.is_given_up else next_sync_at(connection, now=at),
        "given_up_at": (connection.given_up_at or at) if connection.is_given_up else None,
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
