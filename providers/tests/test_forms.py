"""The form follows from the plugin's declaration, and secrets only go in."""

from datetime import UTC, datetime

import pytest

from providers.forms import ConnectionForm, interval_choices
from providers.tests.factories import SECRET, ConnectionFactory, FakeProvider, FileProvider

pytestmark = pytest.mark.django_db


def test_the_form_asks_for_the_declared_fields() -> None:
    form = ConnectionForm(plugin=FakeProvider)

    assert list(form.fields) == [
        "connection_name",
        "credentials_login",
        "credentials_password",
        "credentials_project",
        "auto_sync",
        "sync_interval_minutes",
    ]
    assert (form.fields["credentials_login"].label, form.fields["credentials_login"].help_text) == (
        "Login",
        "As at the provider.",
    )
    assert not form.fields["credentials_project"].required


def test_a_provider_of_files_has_no_schedule() -> None:
    assert list(ConnectionForm(plugin=FileProvider).fields) == ["connection_name"]


def test_a_set_secret_is_said_to_be_set_and_never_shown() -> None:
    connection = ConnectionFactory(credentials_changed_at=datetime(2026, 10, 12, 9, tzinfo=UTC))

    form = ConnectionForm(plugin=FakeProvider, connection=connection)

    assert form.fields["credentials_password"].help_text == "Set on Oct. 12, 2026; leave empty to keep it."
    assert not form.fields["credentials_password"].required
    assert form["credentials_login"].value() == "acme"
    assert SECRET not in str(form)


def test_a_typed_secret_does_not_come_back_with_an_error() -> None:
    form = ConnectionForm({"credentials_login": "", "credentials_password": SECRET}, plugin=FakeProvider)

    assert not form.is_valid()
    assert SECRET not in str(form)


def test_a_secret_keeps_its_outer_spaces() -> None:
    form = ConnectionForm(
        {
            "connection_name": "A",
            "credentials_login": " acme ",
            "credentials_password": " x ",
            "sync_interval_minutes": "60",
        },
        plugin=FakeProvider,
    )

    assert form.is_valid()
    assert form.credentials() == {"login": "acme", "password": " x ", "project": ""}
    assert form.settings() == {"connection_name": "A", "auto_sync": False, "sync_interval_minutes": 60}


def test_an_interval_of_ones_own_stays_a_choice() -> None:
    assert interval_choices(45)[0] == (45, "every 45 minutes")
    assert interval_choices(60)[0] == (60, "every 1 hour")
