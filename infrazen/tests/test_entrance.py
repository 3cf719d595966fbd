"""The pages of signing in and of one's own account are drawn in our frame, for strangers and for people."""

from __future__ import annotations

import re

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from accounts.models import User

pytestmark = pytest.mark.django_db

INLINE = re.compile(r"\sstyle=|<style|<script(?![^>]*(?:src=|type=\"application/json\"))")


@pytest.fixture
def person_client(client: Client) -> Client:
    user = User.objects.create_user("anna.kim@romashka.example", "a long password", full_name="Anna Kim")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("name", ["account_login", "account_reset_password", "account_reset_password_done"])
def test_stranger_sees_one_heading_the_choices_and_nothing_inline(client: Client, name: str) -> None:
    response = client.get(reverse(name))

    markup = response.content.decode()
    assert response.status_code == 200
    assert markup.count("<h1") == 1
    assert 'class="entrance"' in markup
    assert 'name="language" value="ru"' in markup
    assert 'name="theme" value="dark"' in markup
    assert INLINE.findall(markup) == []


@pytest.mark.parametrize(
    "name",
    [
        "account_email",
        "account_change_password",
        "mfa_index",
        "usersessions_list",
        "socialaccount_connections",
    ],
)
def test_person_sees_the_account_pages_beside_the_sidebar(person_client: Client, name: str) -> None:
    response = person_client.get(reverse(name), follow=True)

    markup = response.content.decode()
    assert response.status_code == 200
    assert markup.count("<h1") == 1
    assert 'class="shell"' in markup or 'class="entrance"' in markup  # some ask for the password again
    assert INLINE.findall(markup) == []


def test_sign_in_offers_the_demo_only_in_the_demo(client: Client, settings: LazySettings) -> None:
    settings.DEMO_MODE = False
    plain = client.get(reverse("account_login")).content.decode()
    settings.DEMO_MODE = True
    demo = client.get(reverse("account_login")).content.decode()

    assert reverse("accounts:demo_sign_in") not in plain
    assert f'action="{reverse("accounts:demo_sign_in")}"' in demo


def test_sign_in_offers_google_only_with_its_keys(client: Client, settings: LazySettings) -> None:
    plain = client.get(reverse("account_login")).content.decode()
    settings.SOCIALACCOUNT_PROVIDERS = {"google": {"APPS": [{"client_id": "id", "secret": "secret"}]}}
    google = client.get(reverse("account_login")).content.decode()

    assert "/accounts/google/login/" not in plain
    assert 'action="/accounts/google/login/?process=login"' in google


def test_wrong_password_is_said_beside_the_form(client: Client) -> None:
    response = client.post(
        reverse("account_login"), {"login": "nobody@romashka.example", "password": "wrong"}
    )

    markup = response.content.decode()
    assert 'class="notice notice--error" role="alert"' in markup or 'class="field-error"' in markup


def test_page_of_nobody_is_not_found_in_our_words(client: Client) -> None:
    response = client.get("/there/is/no/such/page/")

    assert response.status_code == 404
    assert "Page not found" in response.content.decode()
