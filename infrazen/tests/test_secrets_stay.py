"""Whatever a provider does, no secret of any plugin's connection comes out: not in logs, errors, rows, tasks or pages.

The marks begin every password and token of the scenario, and every token that its providers give out. What is asserted
of the logs holds without their masking: nobody hands a secret to a logger in the first place.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Task
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Role
from accounts.tests.factories import UserFactory
from providers import registry, services
from providers.contract.errors import ProviderError
from providers.emulators.faults import Fault
from providers.models import ProviderConnection
from syncs.models import SyncSnapshot
from syncs.services import request_sync, run_snapshot

from .faults import house
from .faults.house import HOUR, NOON, READS, SECRETS, House
from .test_logs import written

pytestmark = pytest.mark.django_db

MARK = "faults-secret"
MARKS = (MARK, "gAAAA", "eyJhbGciOi")
"""Of passwords and static tokens, of Keystone's tokens, of Beget's."""

QUOTED = f"denied for {MARK}-selectel {MARK}-private {MARK}-api {MARK}-account {MARK}-static_700001"
"""What a provider may be so careless as to say."""

FAULTS: dict[str, Fault | None] = {
    "all is well": None,
    "the sign-in is refused": Fault(kind="code_required"),
    "everything is refused": Fault(kind="status", status=401, message=QUOTED),
    "everything is forbidden": Fault(kind="status", status=403, message=QUOTED),
    "an error quotes them": Fault(kind="error", message=QUOTED),
    "a broken gateway quotes them": Fault(kind="status", status=502, message=QUOTED),
    "nothing can be read": Fault(kind="malformed"),
    "answers break off": Fault(kind="cut"),
}


@pytest.fixture
def open_house() -> Iterator[House]:
    with house.opened() as opened:
        yield opened


def test_plugins_that_are_not_read_here_have_no_secrets() -> None:
    unread = [plugin for key, plugin in registry.plugins().items() if key not in READS]

    assert [field.name for plugin in unread for field in plugin.credential_fields if field.is_secret] == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("provider_type", READS)
def test_a_sync_and_a_test_of_the_connection_let_no_secret_out(
    open_house: House, caplog: pytest.LogCaptureFixture, provider_type: str, fault: str
) -> None:
    connection = open_house.connections[provider_type]
    open_house.server.set_clock(NOON)
    struck = [FAULTS[fault]] if FAULTS[fault] else []

    with everything_heard(caplog), written("json") as stream, open_house.struck(*struck):
        raised = [*errors_of_a_sync(connection), *errors_of_a_test(connection)]

    assert "urllib3" in stream.getvalue(), "the quietest library was heard as well"
    assert leaks(stream.getvalue()) == []
    assert leaks(said(caplog)) == []
    assert leaks("".join(raised)) == []
    assert leaks(rows()) == []
    assert MARK in str(connection.credentials), "there was something to hide"
    assert bool(raised) == (fault != "all is well")


@pytest.mark.parametrize("provider_type", READS)
def test_doors_hand_no_secret_to_a_task_or_a_page(
    open_house: House,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
    provider_type: str,
) -> None:
    sent: list[tuple[str, Any, Any]] = []
    monkeypatch.setattr(
        Task,
        "apply_async",
        lambda self, args=None, kwargs=None, **more: sent.append((self.name, args, kwargs)),
    )
    user = UserFactory()
    Membership.objects.create(user=user, organization=open_house.organization, role=Role.OWNER)
    client = Client()
    client.force_login(user)
    connection = open_house.connections[provider_type]
    secret = {
        field.name for field in registry.plugin_class(provider_type).credential_fields if field.is_secret
    }
    form = {
        "connection_name": "Once more",
        "sync_interval_minutes": "360",
        **{f"credentials_{name}": value for name, value in connection.credentials.items()},
    }
    wrong = {**form, **{f"credentials_{name}": f"{MARK}-wrong" for name in secret}}
    pages = []

    with django_capture_on_commit_callbacks(execute=True):
        for url, data in (
            (reverse("providers:credentials_test", args=[provider_type]), wrong),
            (reverse("providers:connection_create", args=[provider_type]), wrong),
            (reverse("providers:connection_create", args=[provider_type]), form),
            (reverse("providers:connection_test", args=[connection.pk]), {}),
            (reverse("providers:connection_edit", args=[connection.pk]), wrong),
            (reverse("syncs:snapshot_start", args=[connection.pk]), {}),
            (reverse("syncs:snapshot_start_all"), {}),
        ):
            pages.append(client.post(url, data).content.decode())
        pages.append(client.get(reverse("providers:connection_edit", args=[connection.pk])).content.decode())
        pages.append(client.get(reverse("connections")).content.decode())

    assert [name for name, _args, _kwargs in sent]
    assert {type(value) for _name, _args, kwargs in sent for value in (kwargs or {}).values()} <= {int, str}
    assert leaks(str(sent)) == []
    assert leaks("".join(pages)) == []
    assert leaks(rows(but=("django_session",))) == []


@contextmanager
def everything_heard(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        yield


def said(caplog: pytest.LogCaptureFixture) -> str:
    """Every line as it was handed to the loggers, with its traceback, before anything is masked."""
    return "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records)


def errors_of_a_sync(connection: ProviderConnection) -> list[str]:
    """What a worker sees raised while it tries, and what is kept of it."""
    snapshot, _joined = request_sync(connection=connection, trigger="manual", now=NOON)
    found = []
    while snapshot.is_active:
        SyncSnapshot.objects.filter(pk=snapshot.pk).update(lease_expires_at=None)
        try:
            run_snapshot(snapshot_id=snapshot.pk, now=NOON + HOUR)
        except ProviderError as error:
            found.append(told(error))
        snapshot.refresh_from_db()
    return [*found, *([str(snapshot.error)] if snapshot.error else [])]


def errors_of_a_test(connection: ProviderConnection) -> list[str]:
    try:
        found = services.test_saved_connection(connection=connection, now=NOON)
    except ProviderError as error:
        return [told(error)]
    assert leaks(repr(found)) == []
    return [result.message for result in found.scopes if result.message]


def told(error: ProviderError) -> str:
    return f"{error!r} {error.params} {error.operation} {''.join(traceback.format_exception(error))}"


def rows(but: tuple[str, ...] = ()) -> str:
    """Every row of every table as the database has it, without our own ciphertext of credentials."""
    found = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            if table not in but:
                cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")  # noqa: S608 - names of tables
                found += [str(row) for row in cursor.fetchall()]
        cursor.execute("SELECT credentials FROM providers_providerconnection")
        sealed = [row[0] for row in cursor.fetchall()]
    text = "\n".join(found)
    for ciphertext in sealed:
        text = text.replace(ciphertext, "")
    return text


def leaks(text: str) -> list[str]:
    """The marks in a text, with what stands around each."""
    return [text[max(text.index(mark) - 80, 0) :][:200] for mark in MARKS if mark in text]


def test_the_marks_are_those_of_the_scenario() -> None:
    secrets = [
        SECRETS[key][field.name]
        for key in READS
        for field in registry.plugin_class(key).credential_fields
        if field.is_secret and field.name in SECRETS[key]
    ]

    assert len(secrets) == 5
    assert all(secret.startswith(MARK) for secret in secrets)
    assert leaks(f"a {MARK} b") == [f"a {MARK} b"]
