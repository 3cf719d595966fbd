"""Making, changing, testing and deleting connections, and their secrets at rest."""

import logging
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.db import connection as database

from accounts.tests.factories import OrganizationFactory
from inventory.models import Resource
from inventory.tests.factories import ResourceFactory
from providers import queries, services, tasks
from providers.contract.errors import AuthenticationFailed, UnexpectedResponse, UnknownProvider
from providers.contract.records import ConnectionTest
from providers.models import ProviderConnection
from providers.tests.factories import SECRET, ConnectionFactory, FakeProvider
from syncs.models import SyncSnapshot
from syncs.tests.factories import ResourceStateFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def _create(**changes) -> ProviderConnection:
    given = {
        "organization": changes.pop("organization", None) or OrganizationFactory(),
        "provider_type": "fake",
        "connection_name": "Production",
        "credentials": {"login": "acme", "password": SECRET, "project": ""},
        "now": NOW,
        **changes,
    }
    return services.create_connection(**given)


def _raw_credentials(connection: ProviderConnection) -> str:
    with database.cursor() as cursor:
        cursor.execute("SELECT credentials FROM providers_providerconnection WHERE id = %s", [connection.pk])
        return cursor.fetchone()[0]


def test_create_connection_saves_what_the_provider_accepted() -> None:
    made = _create()

    saved = ProviderConnection.objects.get(pk=made.pk)
    assert saved.credentials == {"login": "acme", "password": SECRET}
    assert (saved.account_id, saved.series_number) == ("acme", 1)
    assert (saved.next_sync_at, saved.credentials_changed_at) == (NOW, NOW)


def test_create_connection_with_a_wrong_password_saves_nothing() -> None:
    with pytest.raises(AuthenticationFailed, match="The login or the password is wrong"):
        _create(credentials={"login": "acme", "password": "wrong"})

    assert not ProviderConnection.objects.exists()


def test_create_connection_without_verification_asks_nobody() -> None:
    made = _create(credentials={"login": "acme", "password": "wrong"}, verify=False, account_id="acme")

    assert made.account_id == "acme"


@pytest.mark.parametrize(
    ("credentials", "sentences"),
    [
        ({"login": "acme"}, ["Fill in “API password”."]),
        ({}, ["Fill in “Login”.", "Fill in “API password”."]),
        (
            {"login": "a", "password": "b", "host": "evil"},
            ["There is no credential “host” at this provider."],
        ),
    ],
)
def test_create_connection_names_what_is_wrong_with_credentials(credentials, sentences) -> None:
    with pytest.raises(ValidationError) as caught:
        _create(credentials=credentials)

    assert caught.value.message_dict == {"credentials": sentences}


def test_create_connection_refuses_a_taken_name_before_it_asks_the_provider(fake_provider) -> None:
    fake_provider.answer = lambda plugin: pytest.fail("the provider was asked")
    existing = ConnectionFactory(connection_name="Production")

    with pytest.raises(ValidationError) as caught:
        _create(organization=existing.organization)

    assert caught.value.message_dict == {
        "connection_name": ["A connection with this name exists already. Choose another name."]
    }


def test_a_name_is_taken_within_one_organization_only() -> None:
    ConnectionFactory(connection_name="Production")

    assert _create().connection_name == "Production"


def test_create_connection_of_an_unknown_provider_is_refused() -> None:
    with pytest.raises(UnknownProvider):
        _create(provider_type="nimbus")


def test_series_numbers_fill_the_gaps_of_their_organization() -> None:
    organization = OrganizationFactory()
    for number in (1, 3):
        ConnectionFactory(organization=organization, series_number=number)
    ConnectionFactory(series_number=2)

    assert _create(organization=organization).series_number == 2


def test_a_provider_of_files_is_never_due_by_itself() -> None:
    made = _create(provider_type="files", credentials={})

    assert (made.auto_sync, made.next_sync_at, made.account_id) == (False, None, "files")


def test_update_connection_keeps_an_empty_secret() -> None:
    connection = ConnectionFactory()

    services.update_connection(
        connection=connection,
        now=NOW,
        connection_name="Renamed",
        credentials={"login": "acme", "password": "", "project": ""},
    )

    saved = ProviderConnection.objects.get(pk=connection.pk)
    assert (saved.connection_name, saved.credentials["password"]) == ("Renamed", SECRET)
    assert saved.credentials_changed_at is None


def test_update_connection_with_a_wrong_password_changes_nothing() -> None:
    connection = ConnectionFactory(connection_name="Old")

    with pytest.raises(AuthenticationFailed):
        services.update_connection(
            connection=connection, now=NOW, connection_name="New", credentials={"password": "wrong"}
        )

    saved = ProviderConnection.objects.get(pk=connection.pk)
    assert (saved.connection_name, saved.credentials["password"]) == ("Old", SECRET)


def test_update_connection_with_new_credentials_ends_the_failures_and_is_due_at_once() -> None:
    connection = ConnectionFactory(failing=True, credentials={"login": "acme", "password": "revoked"})

    saved = services.update_connection(connection=connection, now=NOW, credentials={"password": SECRET})

    assert (saved.consecutive_failures, saved.next_sync_at, saved.credentials_changed_at) == (0, NOW, NOW)


def test_update_connection_refuses_another_account() -> None:
    connection = ConnectionFactory()

    with pytest.raises(
        ValidationError, match="belong to the account “other”, and this connection reads “acme”"
    ):
        services.update_connection(connection=connection, now=NOW, credentials={"login": "other"})

    assert ProviderConnection.objects.get(pk=connection.pk).credentials["login"] == "acme"


def test_a_shorter_interval_moves_the_next_sync_nearer() -> None:
    connection = ConnectionFactory(
        sync_interval_minutes=1440, last_sync_at=NOW, next_sync_at=NOW + timedelta(days=1)
    )

    saved = services.update_connection(connection=connection, now=NOW, sync_interval_minutes=60)

    assert NOW + timedelta(minutes=60) <= saved.next_sync_at <= NOW + timedelta(minutes=66)


def test_switching_off_and_on_again_makes_it_due() -> None:
    connection = ConnectionFactory(next_sync_at=NOW)
    mine = ProviderConnection.objects.filter(pk=connection.pk)

    switched_off = services.set_active(connections=mine, is_active=False, now=NOW)
    again = services.set_active(connections=mine, is_active=False, now=NOW)

    assert (switched_off, again) == (1, 0)
    assert mine.get().next_sync_at is None
    services.set_active(connections=mine, is_active=True, now=NOW)
    assert mine.get().next_sync_at == NOW


def test_delete_connection_leaves_the_others() -> None:
    connection, other = ConnectionFactory(), ConnectionFactory()

    services.delete_connection(connection=connection)

    assert list(ProviderConnection.objects.all()) == [other]


def test_delete_connection_takes_all_that_was_read_through_it() -> None:
    kept = ResourceStateFactory().resource
    mine = ResourceStateFactory(resource=ResourceFactory()).connection

    services.delete_connection(connection=mine)

    assert list(Resource.objects.all()) == [kept]
    assert [each.connection for each in SyncSnapshot.objects.all()] == [kept.connection]


def test_connection_whose_deletion_was_stopped_is_off_and_goes_when_deleted_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = ConnectionFactory(next_sync_at=NOW)

    def stop(row: object, *, until: float) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(services, "delete_dependents", stop)
        with pytest.raises(KeyboardInterrupt):
            services.delete_connection(connection=connection)

    connection.refresh_from_db()
    assert (connection.is_active, connection.auto_sync, connection.next_sync_at) == (False, False, None)
    services.delete_connection(connection=connection)
    assert not ProviderConnection.objects.exists()


@pytest.mark.parametrize(("failures", "is_deleted"), [(2, True), (3, False)])
def test_delete_connection_tries_again_when_a_running_sync_wrote_in_between(
    monkeypatch: pytest.MonkeyPatch, failures: int, is_deleted: bool
) -> None:
    connection = ConnectionFactory()
    tries = iter([IntegrityError] * failures)

    def written_in_between(row: object, *, until: float) -> bool:
        if error := next(tries, None):
            raise error
        return True

    monkeypatch.setattr(services, "delete_dependents", written_in_between)
    with nullcontext() if is_deleted else pytest.raises(IntegrityError):
        services.delete_connection(connection=connection)

    assert ProviderConnection.objects.exists() is not is_deleted


def test_deletion_that_takes_long_stops_and_goes_on_in_the_background() -> None:
    connection = ResourceStateFactory().connection

    is_gone = services.delete_connection(connection=connection, seconds=0)

    connection.refresh_from_db()
    assert (is_gone, connection.is_active) == (False, False)
    tasks.continue_deletion(connection_id=connection.pk)
    assert not ProviderConnection.objects.exists()
    tasks.continue_deletion(connection_id=connection.pk)


@pytest.mark.django_db(transaction=True)
def test_deletion_goes_on_until_all_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = ConnectionFactory(is_active=False)
    answers = iter([False, False, True])
    monkeypatch.setattr(services, "delete_dependents", lambda row, until: next(answers))

    tasks.continue_deletion(connection_id=connection.pk)

    assert not ProviderConnection.objects.exists()


def test_deletion_does_not_go_on_when_the_connection_was_switched_on_again() -> None:
    connection = ConnectionFactory()

    tasks.continue_deletion(connection_id=connection.pk)

    assert ProviderConnection.objects.get() == connection


def test_losses_count_what_goes_with_a_connection() -> None:
    connection = ConnectionFactory()
    assert queries.losses(connection) == []
    for number in range(2):
        Resource.objects.create(
            organization=connection.organization,
            connection=connection,
            resource_id=str(number),
            native_type="vps",
            resource_type="server",
            name="web",
            first_seen_at=NOW,
        )

    assert queries.losses(connection) == [queries.Loss(label="resources", count=2)]


def test_an_unforeseen_slip_of_a_plugin_is_told_and_logged_without_the_secret(fake_provider, caplog) -> None:
    def answer(plugin: FakeProvider) -> ConnectionTest:
        raise RuntimeError(f"bad answer to {plugin.context.credentials['password']}")

    fake_provider.answer = answer

    with caplog.at_level(logging.ERROR), pytest.raises(UnexpectedResponse, match="details are in our log"):
        services.test_connection(
            provider_type="fake", credentials={"login": "a", "password": SECRET}, now=NOW
        )

    assert "bad answer to •••" in caplog.text
    assert SECRET not in caplog.text


def test_plugin_context_carries_endpoints_and_hides_credentials(settings) -> None:
    settings.EMULATOR_URL = "http://127.0.0.1:1/"

    context = services.plugin_context(ConnectionFactory(), now=NOW, deadline_seconds=5)

    assert (context.endpoints, context.deadline_seconds) == (
        {"fake.cloud": "http://127.0.0.1:1/fake/cloud"},
        5,
    )
    assert SECRET not in repr(context)


def test_credentials_are_ciphertext_in_the_row_and_in_dumps(capsys) -> None:
    connection = _create()

    call_command("dumpdata", "providers")

    assert SECRET not in _raw_credentials(connection)
    assert SECRET not in capsys.readouterr().out
    assert SECRET not in repr(connection) + str(connection)


def test_rotation_leaves_nothing_that_the_old_key_opens(settings) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.FIELD_ENCRYPTION_KEYS = [old]
    connection = ConnectionFactory()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    assert ProviderConnection.objects.get(pk=connection.pk).credentials["password"] == SECRET

    call_command("rotate_credentials", verbosity=0)

    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert ProviderConnection.objects.get(pk=connection.pk).credentials["password"] == SECRET
    assert SECRET not in _raw_credentials(connection)
    settings.FIELD_ENCRYPTION_KEYS = [old]
    with pytest.raises(InvalidToken):
        ProviderConnection.objects.get(pk=connection.pk)


def test_rotation_without_the_old_key_says_what_to_do(settings) -> None:
    ConnectionFactory()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match="Put the old key back behind the new one"):
        call_command("rotate_credentials")


def test_generate_key_prints_a_key(capsys) -> None:
    call_command("generate_key")

    Fernet(capsys.readouterr().out.strip())


def test_add_connection_reads_credentials_from_the_environment_and_prints_none(monkeypatch, capsys) -> None:
    organization = OrganizationFactory()
    monkeypatch.setenv("INFRAZEN_CREDENTIALS", f'{{"login": "acme", "password": "{SECRET}"}}')

    call_command("add_connection", "fake", "Scripted", organization=organization.pk)

    made = ProviderConnection.objects.get()
    assert (made.organization, made.connection_name, made.account_id) == (organization, "Scripted", "acme")
    output = capsys.readouterr()
    assert output.out == f"Connection {made.pk} “Scripted” added.\n"
    assert SECRET not in output.err


@pytest.mark.parametrize(
    ("credentials", "sentence"),
    [
        ('{"login": "a", "password": "wrong"}', "fake refused: The login or the password is wrong."),
        ("nonsense", "The credentials are not JSON."),
        ("[1]", "must be a JSON object"),
        ('{"login": "a"}', "Fill in “API password”."),
    ],
)
def test_add_connection_says_why_not(monkeypatch, credentials, sentence) -> None:
    monkeypatch.setenv("INFRAZEN_CREDENTIALS", credentials)

    with pytest.raises(CommandError, match=sentence):
        call_command("add_connection", "fake", "Scripted", organization=OrganizationFactory().pk)

    assert not ProviderConnection.objects.exists()


def test_add_connection_to_no_organization_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("INFRAZEN_CREDENTIALS", "{}")

    with pytest.raises(CommandError, match="There is no organization 404"):
        call_command("add_connection", "fake", "Scripted", organization=404)


def test_test_connection_tells_the_scopes(capsys) -> None:
    call_command("test_connection", str(ConnectionFactory().pk))

    assert capsys.readouterr().out == "Account acme Acme\nvps: complete\n"


def test_test_connection_command_fails_with_the_providers_sentence() -> None:
    connection = ConnectionFactory(credentials={"login": "acme", "password": "wrong"})

    with pytest.raises(CommandError, match="The login or the password is wrong"):
        call_command("test_connection", str(connection.pk))
