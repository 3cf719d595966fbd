"""Writes about connections; nothing else writes them but a sync, which writes what it read.

Each of these may raise `ValidationError` (what the person gave cannot be) and, where it calls the provider,
`ProviderError`. Whatever is raised, nothing has been saved.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.audit.services import record
from accounts.models import Organization
from common.deletion import delete_dependents
from common.fields import rotate
from common.logs import remember_secrets
from common.text import gettext_noop
from providers import catalogue, queries, registry, scheduling
from providers.contract.errors import ProviderError, UnexpectedResponse
from providers.contract.plugin import PluginContext, ProviderPlugin
from providers.contract.records import ConnectionTest
from providers.messages import sentence
from providers.models import ProviderConnection

logger = logging.getLogger(__name__)

Credentials = Mapping[str, str]

TEST_SECONDS = 60
"""How long a person waits for a connection test before it is given up."""

DELETION_SECONDS = 3
"""How long a person waits for a deletion before the rest of it goes in the background."""

DELETION_ATTEMPTS = 3


def create_connection(
    *,
    organization: Organization,
    provider_type: str,
    connection_name: str,
    credentials: Credentials,
    now: datetime,
    auto_sync: bool = True,
    sync_interval_minutes: int | None = None,
    account_id: str = "",
    verify: bool = True,
) -> ProviderConnection:
    """A new connection, after a test that the provider accepts the credentials.

    `verify=False` skips the test, for callers that have made it and know the `account_id`. The first sync is due at once.
    Without an interval it has its type's. Raises ValidationError (by field; credentials under `credentials`; under
    `provider_type` where the type is switched off) and ProviderError.
    """
    plugin = registry.plugin_class(provider_type)
    kind = catalogue.type_settings(provider_type)
    if not kind.is_enabled:
        raise ValidationError({"provider_type": catalogue.disabled_sentence(provider_type)})
    kept = _checked(plugin, credentials)
    connection = ProviderConnection(
        organization=organization,
        provider_type=provider_type,
        connection_name=connection_name.strip(),
        credentials=kept,
        credentials_changed_at=now if kept else None,
        account_id=account_id,
        auto_sync=auto_sync and not plugin.capabilities.reads_files,
        sync_interval_minutes=sync_interval_minutes or kind.sync_interval_minutes,
        next_sync_at=queries.first_sync_at(
            provider_type=provider_type, is_active=True, auto_sync=auto_sync, now=now
        ),
    )
    _clean(connection)  # before the provider is called: what cannot be saved need not be tested
    if verify:
        connection.account_id = test_connection(
            provider_type=provider_type, credentials=kept, now=now
        ).account_id[:200]
    _insert(connection)
    return connection


def update_connection(
    *,
    connection: ProviderConnection,
    now: datetime,
    connection_name: str | None = None,
    credentials: Credentials | None = None,
    is_active: bool | None = None,
    auto_sync: bool | None = None,
    sync_interval_minutes: int | None = None,
    verify: bool = True,
) -> ProviderConnection:
    """Changes what is given; an empty secret keeps the one that is set.

    New credentials are tested first and must open the same account: its history would else become another's.
    They also end a series of failures, and the next sync is due at once.
    """
    plugin = registry.plugin_class(connection.provider_type)
    merged = merged_credentials(connection, credentials or {})
    has_new_credentials = merged != connection.credentials
    account_id = connection.account_id
    if has_new_credentials:
        merged = _checked(plugin, merged)
        if verify:
            test = test_connection(provider_type=connection.provider_type, credentials=merged, now=now)
            account_id = same_account(connection, test)

    with transaction.atomic():
        fresh = ProviderConnection.objects.select_for_update().get(pk=connection.pk)
        changes: dict[str, Any] = {
            "connection_name": None if connection_name is None else connection_name.strip(),
            "is_active": is_active,
            "auto_sync": None if auto_sync is None else auto_sync and not plugin.capabilities.reads_files,
            "sync_interval_minutes": sync_interval_minutes,
        }
        if has_new_credentials:
            changes |= {
                "credentials": merged,
                "credentials_changed_at": now,
                "account_id": account_id,
                "consecutive_failures": 0,
            }
        before, kept = {name: getattr(fresh, name) for name in changes}, fresh.credentials or {}
        changed = [name for name, value in changes.items() if value is not None and value != before[name]]
        for name in changed:
            setattr(fresh, name, changes[name])
        if {"credentials", "is_active", "auto_sync"} & set(changed):
            fresh.next_sync_at = queries.first_sync_at(
                provider_type=fresh.provider_type,
                is_active=fresh.is_active,
                auto_sync=fresh.auto_sync,
                now=now,
            )
            fresh.consecutive_failures = 0
            fresh.given_up_at = None
            changed += ["next_sync_at", "consecutive_failures", "given_up_at"]
        elif "sync_interval_minutes" in changed and fresh.next_sync_at and fresh.last_sync_at:
            fresh.next_sync_at = max(now, scheduling.next_sync_at(fresh, now=fresh.last_sync_at))
            changed.append("next_sync_at")
        if changed:
            _clean(fresh)
            _save_name_once(lambda: fresh.save(update_fields=[*changed, "updated_at"]))
            _record_changes(fresh, before=before, kept=kept)
    return fresh


def delete_connection(*, connection: ProviderConnection, seconds: float = DELETION_SECONDS) -> bool:
    """Deletes the connection with all that was read through it (`queries.losses` says what), in small transactions.

    It is switched off first, so that no sync fills it again; a sync that is running stops when its snapshot goes.
    Returns whether it is gone: if not, time was over, and `continue_deletion` goes on.
    """
    with transaction.atomic():
        off = {"is_active": False, "auto_sync": False, "next_sync_at": None}
        ProviderConnection.objects.filter(pk=connection.pk).update(**off)
        record("connection.deleted", obj=connection, details=_facts(connection))
    return continue_deletion(connection=connection, seconds=seconds)


def continue_deletion(*, connection: ProviderConnection, seconds: float) -> bool:
    """Deletes for about so long; returns whether the connection is gone. May be stopped at any point."""
    until = time.monotonic() + seconds
    for attempt in range(1, DELETION_ATTEMPTS + 1):
        try:
            if not delete_dependents(connection, until=until):
                return False
            connection.delete()
        except IntegrityError:  # a sync that was running wrote in between
            if attempt == DELETION_ATTEMPTS:
                raise
        else:
            break
    return True


def set_active(*, connections: QuerySet[ProviderConnection], is_active: bool, now: datetime) -> int:
    """Switches connections on or off; returns how many changed."""
    changed = 0
    for connection in connections.exclude(is_active=is_active):
        update_connection(connection=connection, is_active=is_active, now=now)
        changed += 1
    return changed


def test_connection(*, provider_type: str, credentials: Credentials, now: datetime) -> ConnectionTest:
    """Asks the provider who these credentials are and what they may read; saves nothing. Raises ProviderError."""
    plugin = registry.plugin_class(provider_type)
    try:
        context = _context(plugin, credentials, now=now, deadline_seconds=TEST_SECONDS)
        return plugin(context).test_connection()
    except ProviderError:
        raise
    except Exception:  # a plugin may be anybody's code: its slip is told like an unreadable answer
        trace = _without_secrets(traceback.format_exc(), plugin, credentials)
        logger.error("test of a %s connection broke: %s", provider_type, trace)  # redacted above
        raise UnexpectedResponse(
            gettext_noop("The details are in our log."), provider=provider_type, operation="test"
        ) from None


def test_saved_connection(
    *,
    connection: ProviderConnection,
    now: datetime,
    changes: Credentials | None = None,  # noqa: PT028  # no test
) -> ConnectionTest:
    """`test_connection` with what is set, under the changes that a form holds and has not saved."""
    plugin = registry.plugin_class(connection.provider_type)
    credentials = _checked(plugin, merged_credentials(connection, changes or {}))
    if connection.pk:  # of a new one nothing is kept that could be read
        record("connection.credentials_read", obj=connection, details={"purpose": "test"})
    return test_connection(provider_type=connection.provider_type, credentials=credentials, now=now)


def open_plugin(connection: ProviderConnection, *, now: datetime, **choices: Any) -> ProviderPlugin:
    """The connection's plugin, ready to read; `choices` as for `plugin_context`. Raises UnknownProvider."""
    return registry.plugin_class(connection.provider_type)(plugin_context(connection, now=now, **choices))


def plugin_context(connection: ProviderConnection, *, now: datetime, **choices: Any) -> PluginContext:
    """What a plugin gets for this connection; `choices` are fields of PluginContext (`deadline_seconds`, `source` …).

    Without a deadline the reading has its type's time.
    """
    plugin = registry.plugin_class(connection.provider_type)
    if "deadline_seconds" not in choices:
        choices["deadline_seconds"] = catalogue.type_settings(connection.provider_type).reading_seconds
    return _context(plugin, connection.credentials or {}, now=now, **choices)


def merged_credentials(connection: ProviderConnection, changes: Credentials) -> dict[str, str]:
    """What is set with the changes over it; an empty secret keeps, an empty plain value empties.

    Raises ValidationError where a secret would be kept and sent to another place than the one it was entered for:
    else whoever may change an address could read the secrets behind it.
    """
    fields = queries.credential_fields(connection.provider_type)
    secrets = {field.name for field in fields if field.is_secret}
    kept = connection.credentials or {}
    given = {name: value for name, value in changes.items() if value or name not in secrets}
    merged = {name: value for name, value in {**kept, **given}.items() if value}
    moved = [
        field
        for field in fields
        if field.decides_destination and merged.get(field.name) != kept.get(field.name)
    ]
    unproven = [
        field for field in fields if field.is_secret and kept.get(field.name) and field.name not in given
    ]
    errors = [
        _("“%(address)s” decides where “%(secret)s” is sent, and it has changed: enter “%(secret)s” anew.")
        % {"address": sentence(moved[0].label), "secret": sentence(field.label)}
        for field in unproven
        if moved
    ]
    if errors:
        raise ValidationError({"credentials": errors})
    return merged


def same_account(connection: ProviderConnection, test: ConnectionTest) -> str:
    """The account that the test found; raises ValidationError where the connection is another account's."""
    found = test.account_id[:200]
    if connection.account_id and found and found != connection.account_id:
        raise ValidationError(
            {
                "credentials": _(
                    "These credentials belong to the account “%(found)s”, and this connection reads “%(own)s”. "
                    "Add another connection for them."
                )
                % {"found": found, "own": connection.account_id}
            }
        )
    return found or connection.account_id


def rotate_credentials() -> int:
    """Encrypts all credentials again with the newest key; returns how many connections were rewritten."""
    count = rotate(ProviderConnection, "credentials")
    record("credentials.rotated", details={"connections": count})
    return count


def _context(
    plugin: type[ProviderPlugin], credentials: Credentials, *, now: datetime, **choices: Any
) -> PluginContext:
    remember_secrets(_secret_values(plugin, credentials))
    return PluginContext(
        credentials=dict(credentials),
        now=now,
        endpoints=_emulated_endpoints(),
        allow_loopback=settings.ALLOW_LOOPBACK_PROVIDERS,
        **choices,
    )


def _emulated_endpoints() -> dict[str, str]:
    """Where the plugins find the emulators: endpoint `beget.cloud` at `EMULATOR_URL/beget/cloud`; {} without them."""
    root = settings.EMULATOR_URL.rstrip("/")
    names = (name for plugin in registry.plugins().values() for name in plugin.endpoints)
    return {name: f"{root}/{name.replace('.', '/')}" for name in names} if root else {}


def _checked(plugin: type[ProviderPlugin], credentials: Credentials) -> dict[str, str]:
    """The declared fields that have a value; raises ValidationError for missing and for unknown ones."""
    declared = {field.name: field for field in plugin.credential_fields}
    unknown = sorted(set(credentials) - set(declared))
    missing = [
        sentence(field.label)
        for field in declared.values()
        if field.is_required and not credentials.get(field.name)
    ]
    errors = [
        *(_("There is no credential “%(name)s” at this provider.") % {"name": name} for name in unknown),
        *(_("Fill in “%(name)s”.") % {"name": name} for name in missing),
    ]
    if errors:
        raise ValidationError({"credentials": errors})
    return {name: str(credentials[name]) for name in declared if credentials.get(name)}


@transaction.atomic
def _insert(connection: ProviderConnection) -> None:
    """Saves a new connection under the lowest free series number; the lock keeps two from taking the same."""
    Organization.objects.select_for_update().get(pk=connection.organization_id)
    connection.series_number = queries.lowest_free_series_number(connection.organization)
    _save_name_once(connection.save)
    record("connection.created", obj=connection, details=_facts(connection))


def _record_changes(
    connection: ProviderConnection, *, before: Mapping[str, Any], kept: Mapping[str, Any]
) -> None:
    """What a person changed, and which credentials: their names, never their values."""
    ours = ("connection_name", "is_active", "auto_sync", "sync_interval_minutes", "account_id")
    changes = {name: [before[name], getattr(connection, name)] for name in ours if name in before}
    differing = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    if differing:
        record("connection.changed", obj=connection, changes=differing)
    given = connection.credentials or {}
    replaced = sorted(name for name in {*kept, *given} if kept.get(name) != given.get(name))
    if replaced:
        record("connection.credentials_changed", obj=connection, details={"fields": replaced})


def _facts(connection: ProviderConnection) -> dict[str, Any]:
    return {"provider": connection.provider_type, "account": connection.account_id}


def _save_name_once(save: Any) -> None:
    """The name may have been taken since it was validated: the database has the last word."""
    try:
        with transaction.atomic():
            save()
    except IntegrityError:
        raise _name_is_taken() from None


def _clean(connection: ProviderConnection) -> None:
    """Raises ValidationError by field; credentials are checked by `_checked`, their column holds ciphertext."""
    others = ProviderConnection.objects.of(connection.organization).exclude(pk=connection.pk)
    if others.filter(connection_name=connection.connection_name).exists():
        raise _name_is_taken()
    connection.full_clean(exclude={"credentials"}, validate_constraints=False)


def _name_is_taken() -> ValidationError:
    return ValidationError(
        {"connection_name": _("A connection with this name exists already. Choose another name.")}
    )


def _secret_values(plugin: type[ProviderPlugin], credentials: Credentials) -> list[str]:
    return [
        credentials[field.name]
        for field in plugin.credential_fields
        if field.is_secret and credentials.get(field.name)
    ]


def _without_secrets(text: str, plugin: type[ProviderPlugin], credentials: Credentials) -> str:
    for value in _secret_values(plugin, credentials):
        text = text.replace(value, "•••")
    return text
