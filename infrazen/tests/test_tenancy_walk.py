"""Every address as a stranger: nothing of another organization is shown, changed, or told to exist.

The addresses come from the URL configuration, so a new one is walked without being named here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from django.apps import apps
from django.contrib.auth import SESSION_KEY
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.exceptions import NoReverseMatch

from accounts.models import Membership, Organization, User
from accounts.tenancy import TenantModel
from accounts.tests.factories import member_of
from infrazen.tests.estate import MARK, marked_estate, stranger

pytestmark = [pytest.mark.django_db, pytest.mark.once]

OTHERS = {"admin", "account", "socialaccount", "mfa", "usersessions", "google", "hijack"}
"""Namespaces and prefixes of pages that are not about a tenant's data: the admin has tests of its own."""

OWN = (
    "accounts:organization_leave",
    "accounts:settings_profile",
    "set_language",
    "tokens:",
    "notifications:",
)
"""What everybody may write, as tests of those pages show: leaving, and a profile, tokens and channels of their own."""

WRITES_NOTHING = (302, 400, 403, 404, 405, 415, 422)


def routes(resolver: URLResolver | None = None, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """(name with namespace, pattern) of every named route of ours."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            if entry.namespace in OTHERS or entry.app_name == "admin":
                continue
            inner = ":".join(part for part in (namespace, entry.namespace) if part)
            yield from routes(entry, inner)
        elif entry.name and not any(entry.name.startswith(f"{other}_") for other in OTHERS):
            yield (f"{namespace}:{entry.name}" if namespace else entry.name), entry


def foreign_keys_of() -> set[int]:
    """Every primary key that some row of the marked estate has."""
    return {row.pk for model in _tables() for row in model._base_manager.all()}


def addresses(pattern: URLPattern, name: str, keys: set[int]) -> Iterator[str]:
    """The route with every foreign key in its place; text arguments get the words that routes use."""
    parameters = list(pattern.pattern.converters)
    if not parameters and not pattern.pattern.regex.groups:
        candidates: Iterator[tuple[object, ...]] = iter([()])
    else:
        names = parameters or list(pattern.pattern.regex.groupindex)
        words = ["beget", "focus", "json", "fake", MARK]
        candidates = product([*sorted(keys), *words], repeat=len(names))
        parameters = names
    for values in candidates:
        try:
            yield reverse(name, kwargs=dict(zip(parameters, values, strict=True)))
        except NoReverseMatch:
            continue


def sign_in(client: Client, user: User) -> None:
    """Again where a door has ended the session or given it to somebody else."""
    if client.session.get(SESSION_KEY) != str(user.pk):
        client.force_login(user)


def test_the_walk_finds_the_doors() -> None:
    names = {name for name, _pattern in routes()}

    assert {"dashboard", "connections", "inventory:resource_detail", "syncs:snapshot_start"} <= names
    assert any(name.startswith("api") for name in names)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_stranger_finds_nothing_of_another_organization(
    client: Client, method: str, fake_provider: object
) -> None:
    marked_estate()
    keys = foreign_keys_of()
    reader = stranger()
    before = _estate_rows()
    leaks, broken = [], []

    for name, pattern in routes():
        sign_in(client, reader)
        for address in addresses(pattern, name, keys):
            for headers in ({}, {"HX-Request": "true"}) if method == "get" else ({},):
                answer = getattr(client, method)(address, headers=headers)
                body = b"".join(answer) if answer.streaming else answer.content
                if MARK in address:
                    body = body.replace(address.encode(), b"")
                if MARK.encode() in body.replace(f"“{MARK}”".encode(), b""):
                    leaks.append(f"{method} {address}")
                if answer.status_code >= 500:
                    broken.append(f"{method} {address}: {answer.status_code}")

    assert leaks == []
    assert broken == []
    assert _estate_rows() == before


def test_pages_of_the_estate_show_it_to_its_owner(client: Client, fake_provider: object) -> None:
    _organization, owner = marked_estate()
    client.force_login(owner)

    shown = [
        name
        for name in ("dashboard", "connections", "inventory:resource_list")
        if MARK in client.get(reverse(name)).content.decode()
    ]

    assert shown == ["dashboard", "connections", "inventory:resource_list"]


def test_organization_header_of_a_stranger_is_not_found(client: Client, fake_provider: object) -> None:
    organization, _owner = marked_estate()
    client.force_login(stranger())

    answer = client.get("/api/v1/connections/", headers={"X-Organization": str(organization.pk)})

    assert answer.status_code == 404
    assert MARK not in answer.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_viewer_changes_nothing(client: Client, method: str, fake_provider: object) -> None:
    organization, _owner = marked_estate()
    viewer = member_of(organization, "viewer")
    keys = foreign_keys_of()
    before = _estate_rows()
    accepted = []

    for name, pattern in routes():
        if name.startswith(OWN):
            continue
        sign_in(client, viewer)
        for address in addresses(pattern, name, keys):
            answer = getattr(client, method)(address)
            if answer.status_code not in WRITES_NOTHING:
                accepted.append(f"{address}: {answer.status_code}")

    assert _estate_rows() == before
    assert accepted == []


def _estate_rows() -> dict[str, list[dict[str, object]]]:
    """The whole content of every tenant table, of the tenants and of who belongs to them."""
    return {model.__name__: _rows(model) for model in _tables()}


def _tables() -> list[type[Model]]:
    tenants = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    return [Organization, Membership, *tenants]


def _rows(model: type[Model]) -> list[dict[str, object]]:
    return list(model._base_manager.order_by("pk").values())
