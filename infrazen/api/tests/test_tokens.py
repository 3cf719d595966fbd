"""What a program's token opens, what it does not, and that nobody can read it again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts import services as people
from accounts.audit.models import AuditEntry
from accounts.models import Role
from accounts.tests.factories import MembershipFactory, OrganizationFactory, UserFactory, member_of
from accounts.tokens import services, throttling
from accounts.tokens.models import ApiToken, Scope
from accounts.tokens.tests.factories import token_of
from providers.tests.conftest import fake_provider as fake_provider
from providers.tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db

CONNECTIONS = "/api/v1/connections/"


@pytest.fixture
def owner():
    return MembershipFactory()


def test_a_token_reads_its_organization_and_no_other(client, owner) -> None:
    here = ConnectionFactory(organization=owner.organization)
    elsewhere = MembershipFactory(user=owner.user).organization
    ConnectionFactory(organization=elsewhere)
    _token, header = token_of(owner)

    found = client.get(CONNECTIONS, **header)
    other = client.get(CONNECTIONS, HTTP_X_ORGANIZATION=str(elsewhere.pk), **header)

    assert [row["id"] for row in found.json()["results"]] == [here.pk]
    assert other.status_code == 404


@pytest.mark.parametrize(
    ("scope", "syncs", "writes"),
    [(Scope.READ, 403, 403), (Scope.SYNC, 202, 403), (Scope.WRITE, 202, 204)],
)
def test_a_scope_reaches_as_far_as_it_says(client, owner, fake_provider, scope, syncs, writes) -> None:
    connection = ConnectionFactory(organization=owner.organization)
    _token, header = token_of(owner, scope)

    synced = client.post(f"{CONNECTIONS}{connection.pk}/sync/", **header)
    other = ConnectionFactory(organization=owner.organization)
    written = client.delete(f"{CONNECTIONS}{other.pk}/", **header)

    assert (synced.status_code, written.status_code) == (syncs, writes)
    if writes == 403:
        assert "Authorization" not in written.content.decode()
        assert "scope" in written.json()["detail"]


def test_a_token_never_reaches_further_than_its_owners_role_now(client, owner) -> None:
    connection = ConnectionFactory(organization=owner.organization)
    _token, header = token_of(owner, Scope.WRITE)
    owner.role = Role.VIEWER
    owner.save()

    assert client.delete(f"{CONNECTIONS}{connection.pk}/", **header).status_code == 403
    assert client.get(CONNECTIONS, **header).status_code == 200


def test_a_viewers_token_may_only_read() -> None:
    viewer = MembershipFactory(viewer=True)

    with pytest.raises(services.ScopeNotYours):
        services.create_token(membership=viewer, name="script", scope=Scope.WRITE)


def _revoked(token) -> None:
    services.revoke_token(token=token)


def _expired(token) -> None:
    ApiToken.objects.filter(pk=token.pk).update(expires_at=datetime(2020, 1, 1, tzinfo=UTC))


def _left(token) -> None:
    token.user.memberships.all().delete()


def _deactivated(token) -> None:
    token.user.is_active = False
    people.update_user(user=token.user)


@pytest.mark.parametrize("end", [_revoked, _expired, _left, _deactivated])
def test_a_token_that_ended_is_refused_with_the_way_out(client, owner, end) -> None:
    token, header = token_of(owner)
    end(token)

    answer = client.get(CONNECTIONS, **header)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "Make a new one in the settings" in answer.json()["detail"]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer iz_wrong", "bearer \x00", "Bearer " + "x" * 9000]
)
def test_nonsense_is_refused(client, owner, header) -> None:
    assert client.get(CONNECTIONS, HTTP_AUTHORIZATION=header).status_code == 401


def test_a_token_needs_no_csrf_token_and_a_session_still_does(owner) -> None:
    strict = Client(enforce_csrf_checks=True)
    connection = ConnectionFactory(organization=owner.organization)
    _token, header = token_of(owner, Scope.WRITE)
    address = f"{CONNECTIONS}{connection.pk}/"

    strict.force_login(owner.user)
    refused = strict.delete(address)
    done = Client(enforce_csrf_checks=True).delete(address, **header)

    assert (refused.status_code, done.status_code) == (403, 204)


def test_only_a_digest_is_kept(owner) -> None:
    token, header = token_of(owner)
    secret = header["HTTP_AUTHORIZATION"].removeprefix("Bearer ")

    kept = [str(value) for value in ApiToken.objects.filter(pk=token.pk).values().get().values()]

    assert secret.startswith("iz_")
    assert not any(secret in value for value in kept)
    assert token.beginning == secret[:8]
    told = [str(row) for row in AuditEntry.objects.values()]
    assert any("token.created" in row for row in told)
    assert not any(secret in row for row in told)


def test_use_is_noted_once_a_minute(client, owner, django_assert_num_queries) -> None:
    token, header = token_of(owner)

    client.get("/api/v1/providers/", **header)
    token.refresh_from_db()
    assert token.last_used_at is not None

    with django_assert_num_queries(3):  # token, memberships, types that are off: nothing is written again
        client.get("/api/v1/providers/", **header)


def test_the_token_counts_as_the_actor_in_the_audit_trail(client, owner, fake_provider) -> None:
    _token, header = token_of(owner, Scope.WRITE)
    connection = ConnectionFactory(organization=owner.organization)

    client.delete(f"{CONNECTIONS}{connection.pk}/", **header)

    assert {entry.actor_email for entry in AuditEntry.objects.filter(door="api")} <= {owner.user.email}


def test_every_answer_says_how_many_calls_are_left(client, owner, settings, monkeypatch) -> None:
    settings.API_CALLS_PER_MINUTE = 2
    monkeypatch.setattr(throttling.time, "time", lambda: 600.0 + 15)
    _token, header = token_of(owner)
    _other, other_header = token_of(owner)

    answers = [client.get(CONNECTIONS, **header) for _call in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert (answers[0]["RateLimit-Limit"], answers[0]["RateLimit-Reset"]) == ("2", "45")
    assert answers[2]["Retry-After"] == "45"
    assert client.get(CONNECTIONS, **other_header).status_code == 200

    monkeypatch.setattr(throttling.time, "time", lambda: 600.0 + 61)
    assert client.get(CONNECTIONS, **header).status_code == 200


def test_a_person_makes_a_token_sees_it_once_and_revokes_it(client, owner) -> None:
    client.force_login(owner.user)
    page = reverse("tokens:token_list")

    made = client.post(page, {"name": "export", "scope": "read", "lifetime": "30"})
    secret = made.context["secret"]
    again = client.get(page)

    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert secret not in again.content.decode()
    token = ApiToken.objects.get()
    assert token.expires_at - token.created_at > timedelta(days=29)
    assert client.get(CONNECTIONS, HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 200

    client.post(reverse("tokens:token_revoke", args=[token.pk]))
    assert Client().get(CONNECTIONS, HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 401


@pytest.mark.parametrize("wrong", [{"name": ""}, {"scope": "admin"}, {"lifetime": "3"}])
def test_a_wrong_field_is_named_and_nothing_is_made(client, owner, wrong) -> None:
    client.force_login(owner.user)

    answer = client.post(
        reverse("tokens:token_list"), {"name": "a", "scope": "read", "lifetime": "30", **wrong}
    )

    assert next(iter(wrong)) in answer.context["form"].errors
    assert not ApiToken.objects.exists()


def test_too_many_tokens_are_refused(client, owner, monkeypatch) -> None:
    monkeypatch.setattr(services, "TOKENS_AT_MOST", 1)
    token_of(owner)
    client.force_login(owner.user)

    answer = client.post(reverse("tokens:token_list"), {"name": "a", "scope": "read", "lifetime": ""})

    assert "Revoke one" in answer.content.decode()
    assert ApiToken.objects.count() == 1


def test_members_manage_their_own_tokens_and_owners_everybodys(client, owner) -> None:
    viewer = MembershipFactory(organization=owner.organization, viewer=True)
    of_owner, _header = token_of(owner)
    of_viewer, _header = token_of(viewer)

    client.force_login(viewer.user)
    assert list(client.get(reverse("tokens:token_list")).context["tokens"]) == [of_viewer]
    assert client.post(reverse("tokens:token_revoke", args=[of_owner.pk])).status_code == 404

    client.force_login(owner.user)
    assert client.post(reverse("tokens:token_revoke", args=[of_viewer.pk])).status_code == 302
    of_viewer.refresh_from_db()
    assert of_viewer.revoked_at


def test_the_page_costs_the_same_with_many_tokens(client, owner, django_assert_max_num_queries) -> None:
    client.force_login(owner.user)
    page = reverse("tokens:token_list")
    client.get(page)
    for count in (1, 20):
        for _token in range(count):
            token_of(MembershipFactory(organization=owner.organization))
        with django_assert_max_num_queries(5):
            client.get(page)


def test_administrators_see_and_revoke_tokens_and_no_digest(client, owner) -> None:
    token, _header = token_of(owner)
    client.force_login(UserFactory(super_admin=True))
    listed = reverse("admin:tokens_apitoken_changelist")

    shown = client.get(listed).content.decode()
    one = client.get(reverse("admin:tokens_apitoken_change", args=[token.pk])).content.decode()
    client.post(listed, {"action": "revoke", "_selected_action": [token.pk]})

    assert token.digest not in shown + one
    token.refresh_from_db()
    assert token.revoked_at


def test_the_schema_names_the_token(tmp_path) -> None:
    call_command("spectacular", file=str(tmp_path / "schema.yml"))

    schema = (tmp_path / "schema.yml").read_text()
    assert "tokenAuth" in schema


def test_strangers_have_no_tokens_page(client) -> None:
    member_of(OrganizationFactory())
    assert client.get(reverse("tokens:token_list")).status_code == 302
