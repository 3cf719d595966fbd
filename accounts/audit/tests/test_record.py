"""What `record` writes: who, as whom, from where, through which door, and nothing secret."""

import ast
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import RequestFactory

from accounts.audit.actions import ACTIONS
from accounts.audit.errors import UnknownAction
from accounts.audit.models import AuditEntry, Door
from accounts.audit.services import record
from accounts.audit.values import plain
from accounts.tests.factories import MembershipFactory, OrganizationFactory, UserFactory
from common.logs import MASK, current_request, remember_secrets

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]


def _request(path: str = "/settings/", user=None, **headers):
    request = RequestFactory().get(path, **headers)
    request.user = user or AnonymousUser()
    return request


def test_an_entry_copies_names_and_numbers() -> None:
    membership = MembershipFactory()

    entry = record("membership.removed", obj=membership, actor=membership.user, details={"role": "owner"})

    assert (entry.actor_id, entry.actor_email) == (membership.user_id, membership.user.email)
    assert (entry.organization_id, entry.organization_name) == (
        membership.organization_id,
        membership.organization.name,
    )
    assert (entry.object_type, entry.object_id) == ("accounts.membership", str(membership.pk))
    assert entry.object_name == str(membership)
    assert (entry.door, entry.ip) == (Door.COMMAND, None)


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(UnknownAction, match="is not an action"):
        record("organisation.renamed")

    assert not AuditEntry.objects.exists()


def test_every_action_that_the_code_records_is_named() -> None:
    """Also those that no test runs."""
    assert {action for text in _sources() for action in _recorded(text)} - set(ACTIONS) == set()


def test_every_named_action_is_recorded_somewhere() -> None:
    """Those of the admin are put together from its verbs."""
    text = "\n".join(_sources())

    assert [
        action for action in ACTIONS if f'"{action}"' not in text and not action.startswith("admin.")
    ] == []


def _sources() -> list[str]:
    apps = ("accounts", "common", "costs", "infrazen", "inventory", "providers", "recommendations", "syncs")
    return [
        path.read_text(encoding="utf-8")
        for app in apps
        for path in (ROOT / app).rglob("*.py")
        if "tests" not in path.parts and path.name != "actions.py"
    ]


def _recorded(text: str):
    for node in ast.walk(ast.parse(text)):
        is_call = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record" and node.args
        if is_call and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value


def test_the_request_of_this_thread_says_who_and_where() -> None:
    user = UserFactory()
    token = current_request.set(_request("/admin/accounts/user/", user, REMOTE_ADDR="192.0.2.7"))
    try:
        entry = record("user.profile_changed")
    finally:
        current_request.reset(token)

    assert (entry.actor_email, entry.door, entry.ip) == (user.email, Door.ADMIN, "192.0.2.7")


@pytest.mark.parametrize(
    ("path", "door"), [("/", Door.PAGE), ("/admin/", Door.ADMIN), ("/api/v1/resources/", Door.API)]
)
def test_the_door_follows_from_the_address(path, door) -> None:
    assert record("user.profile_changed", request=_request(path)).door == door


def test_the_impersonator_stands_beside_the_actor() -> None:
    anna, boss = UserFactory(), UserFactory(super_admin=True)
    request = _request(user=anna)
    request.impersonator = boss

    entry = record("tag.set", request=request)

    assert (entry.actor_email, entry.impersonator_email) == (anna.email, boss.email)
    assert (entry.actor_id, entry.impersonator_id) == (anna.pk, boss.pk)


def test_the_organization_is_the_objects_own_where_none_is_given() -> None:
    membership = MembershipFactory()
    other = OrganizationFactory()

    assert record("membership.removed", obj=membership).organization_id == membership.organization_id
    assert record("organization.renamed", obj=other).organization_id == other.pk
    through = SimpleNamespace(
        connection=SimpleNamespace(organization=other), pk=1, _meta=SimpleNamespace(label_lower="x.y")
    )
    assert record("tag.set", obj=through).organization_id == other.pk
    assert record("membership.removed", obj=membership, organization=other).organization_id == other.pk


def test_a_forged_header_is_not_the_address() -> None:
    request = _request(HTTP_X_FORWARDED_FOR="198.51.100.1", REMOTE_ADDR="192.0.2.7")

    assert record("user.signed_in", request=request).ip == "192.0.2.7"


def test_behind_a_trusted_proxy_the_address_is_the_one_that_the_proxy_saw(settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    forged = _request(HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.1", REMOTE_ADDR="10.0.0.1")
    absent = _request(REMOTE_ADDR="10.0.0.1")

    assert record("user.signed_in", request=forged).ip == "198.51.100.1"
    assert record("user.signed_in", request=absent).ip == "10.0.0.1"


@pytest.mark.parametrize("header", ["not an address", "", "198.51.100.1"])
def test_a_proxy_that_is_not_as_the_settings_say_does_not_stop_the_deed(settings, header) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2

    entry = record("user.signed_in", request=_request(HTTP_X_FORWARDED_FOR=header, REMOTE_ADDR="10.0.0.1"))

    assert entry.ip in {None, "10.0.0.1"}


def test_secrets_are_masked_by_name() -> None:
    entry = record(
        "connection.changed",
        changes={
            "password": ["old one", "new one"],
            "credentials": [None, {"api_key": "abc"}],
            "connection_name": ["A", "B"],
        },
        details={"form": {"api_key": "abc", "name": "B"}, "text": "token=abcdef rest"},
    )

    assert entry.changes == {
        "password": [MASK, MASK],
        "credentials": [None, MASK],
        "connection_name": ["A", "B"],
    }
    assert entry.details == {"form": {"api_key": MASK, "name": "B"}, "text": f"token={MASK} rest"}


def test_secrets_are_masked_by_value() -> None:
    remember_secrets(["wonderfully secret"])

    entry = record(
        "note.added", details={"text": "it is wonderfully secret"}, changes={"a": ["wonderfully secret", 1]}
    )

    assert "wonderfully" not in str(entry.details) + str(entry.changes)


def test_what_no_database_stores_is_stored_otherwise() -> None:
    entry = record(
        "user.sign_in_failed",
        actor=SimpleNamespace(pk=None, email="x\x00" + "y" * 500),
        details={"a": "\x00\ud800", "long": "z" * 5000, "many": list(range(500)), "nan": float("nan")},
    )
    entry.refresh_from_db()

    assert len(entry.actor_email) == 254
    assert entry.actor_email.startswith("x�y")
    assert entry.details["a"] == "�?"
    assert (len(entry.details["long"]), len(entry.details["many"])) == (1000, 101)
    assert entry.details["nan"] == "nan"


def test_values_become_plain() -> None:
    moscow = timezone(timedelta(hours=3))
    user = UserFactory.build(email="anna@example.com")

    assert plain(
        {
            "at": datetime(2026, 11, 21, 15, tzinfo=moscow),
            "day": datetime(2026, 11, 21, tzinfo=UTC).date(),
            "amount": Decimal("22.50"),
            "who": user,
            "flags": (True, None, 3, 1.5),
            7: {"deep": {"deeper": {"deepest": {"more": {"still": 1}}}}},
        }
    ) == {
        "at": "2026-11-21T12:00:00+00:00",
        "day": "2026-11-21",
        "amount": "22.50",
        "who": "anna@example.com",
        "flags": [True, None, 3, 1.5],
        "7": {"deep": {"deeper": {"deepest": {"more": "…"}}}},
    }


def test_an_entry_goes_with_what_it_tells_about() -> None:
    def fail() -> None:
        record("tag.set")
        raise RuntimeError

    with pytest.raises(RuntimeError), transaction.atomic():
        fail()

    assert not AuditEntry.objects.exists()


def test_one_entry_costs_one_query(django_assert_num_queries) -> None:
    membership = MembershipFactory()

    with django_assert_num_queries(1):
        record("membership.removed", obj=membership, actor=membership.user)
