"""Every page, endpoint and page of the admin, for every kind of caller: exactly what the table says."""

from __future__ import annotations

import os

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Role, User
from accounts.tests.factories import UserFactory, member_of
from infrazen.tests.access.walk import CALLERS, Estate, letter, read_matrix, rows
from infrazen.tests.estate import marked_estate, stranger

pytestmark = pytest.mark.django_db

ADMINISTRATORS = CALLERS[CALLERS.index("admin") : CALLERS.index("super_admin")]
"""Owners of another organization, as the stranger is, with the admin open to them and one permission each."""

EVERYBODY_EVERYWHERE = bool(os.environ.get("ACCESS_MATRIX_WHOLE"))
"""Else, outside of the admin, each address is asked by one of the administrators in turn."""


def is_asked(caller: str, place: int, route: str) -> bool:
    if EVERYBODY_EVERYWHERE or caller not in ADMINISTRATORS or " admin/" in f" {route}":
        return True
    return ADMINISTRATORS.index(caller) == place % len(ADMINISTRATORS)


def caller(name: str, organization) -> User | None:
    if name == "anonymous":
        return None
    if name in Role.values:
        return member_of(organization, name)
    if name == "stranger":
        return stranger()
    user = stranger()
    user.is_staff = True
    user.is_superuser = name == "super_admin"
    user.save()
    if not user.is_superuser and name != "admin":
        user.user_permissions.add(Permission.objects.get(codename=name, content_type__app_label="accounts"))
    return user


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    """A new address is decided about here before it is let in."""
    assert sorted(set(rows()) ^ set(read_matrix())) == []


def test_outside_of_the_admin_permissions_of_administrators_open_nothing() -> None:
    first, last = CALLERS.index("stranger"), CALLERS.index("super_admin")

    opened = [
        f"{method} {route}"
        for (method, route), letters in read_matrix().items()
        if " admin/" not in f" {route}" and len(set(letters[first:last])) > 1
    ]

    assert opened == []


@pytest.mark.once
@pytest.mark.parametrize("name", CALLERS)
def test_callers_get_what_the_table_says(name: str, fake_provider: object, settings) -> None:
    settings.API_CALLS_PER_MINUTE = 100_000
    organization, _owner = marked_estate()
    estate = Estate(organization)
    UserFactory(email="last@example.com")
    user = caller(name, organization)
    client = Client(raise_request_exception=False)
    if user:
        client.force_login(user)
    column = CALLERS.index(name)

    wrong = []
    for place, ((method, route), letters) in enumerate(read_matrix().items()):
        if not is_asked(name, place, route):
            continue
        found = letter(client, method, estate.address(route))
        if found != letters[column]:
            wrong.append(f"{method} {route}: {found}, not {letters[column]}")

    assert wrong == []
