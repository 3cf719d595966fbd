"""Signing up and in, switching organizations, the look of pages, and what each costs."""

import pytest
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path, reverse
from django.utils import timezone, translation

from accounts import services
from accounts.access import organization_required, writer_required
from accounts.models import Membership, Role, User
from accounts.tests.factories import PASSWORD, MembershipFactory, OrganizationFactory, UserFactory
from infrazen import context
from infrazen.urls import urlpatterns as site

pytestmark = pytest.mark.django_db


@organization_required
def _look(request) -> HttpResponse:
    return HttpResponse(
        f"{request.organization.name}|{timezone.get_current_timezone_name()}|{translation.get_language()}"
    )


@writer_required
def _write(request) -> HttpResponse:
    return HttpResponse("written")


def _frame(request) -> HttpResponse:
    shown = context.page(request)
    counts = [item["count"] for item in shown["navigation"]]
    organizations = [own.organization.name for own in shown.get("memberships", [])]
    return HttpResponse(f"{counts}|{organizations}|{shown['theme']}|{shown['admin_url']}")


urlpatterns = [
    path("look/", _look),
    path("write/", _write),
    path("frame/", _frame),
    path("connections/", _look, name="connections"),
    *site,
]

here = pytest.mark.urls(__name__)


def test_sign_up_gives_an_organization_and_signs_in(client) -> None:
    response = client.post(
        reverse("account_signup"),
        {
            "email": "New@Example.com",
            "password1": "a long passphrase",
            "password2": "a long passphrase",
        },
    )

    assert response.status_code == 302
    user = User.objects.get(email="new@example.com")
    assert user.memberships.get().organization.is_personal


def test_sign_up_can_be_closed(client, settings) -> None:
    settings.SIGNUP_OPEN = False

    client.post(
        reverse("account_signup"),
        {"email": "new@example.com", "password1": "a long passphrase", "password2": "a long passphrase"},
    )

    assert not User.objects.exists()


def test_the_e_mail_in_any_case_and_the_password_sign_in(client) -> None:
    user = MembershipFactory(user__email="anna@example.com").user

    response = client.post(reverse("account_login"), {"login": "Anna@Example.com", "password": PASSWORD})

    assert response.status_code == 302
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_google_profile_becomes_a_person_without_a_token() -> None:
    profile = {
        "name": "Анна",
        "picture": "https://example.com/a.png",
        "locale": "ru-RU",
        "email": "Anna@example.com",
    }
    login = SocialLogin(user=User(), account=SocialAccount(provider="google", uid="1", extra_data=profile))
    request = RequestFactory().get("/")
    request.user, request.session = AnonymousUser(), {}
    adapter = get_adapter()

    adapter.populate_user(request, login, {"email": "Anna@example.com", "first_name": "Анна"})
    user = adapter.save_user(request, login)

    assert (user.email, user.full_name, user.language) == ("anna@example.com", "Анна", "ru")
    assert (user.picture_url, user.has_usable_password()) == ("https://example.com/a.png", False)
    assert user.memberships.get().organization.is_personal


@here
def test_the_oldest_organization_comes_first_and_the_switch_is_remembered(client) -> None:
    first = MembershipFactory(organization__name="First")
    MembershipFactory(user=first.user, organization__name="Second")
    client.force_login(first.user)
    assert client.get("/look/").content.startswith(b"First|")

    response = client.post(
        "/accounts/organization/",
        {"organization": first.user.memberships.last().organization_id, "next": "/look/"},
    )

    assert response["Location"] == "/look/"
    assert client.get("/look/").content.startswith(b"Second|")


@here
def test_the_switch_to_a_strangers_organization_is_not_found(client) -> None:
    mine = MembershipFactory(organization__name="Mine")
    client.force_login(mine.user)

    for organization in (OrganizationFactory().pk, 999999, "x", ""):
        response = client.post("/accounts/organization/", {"organization": organization})
        assert response.status_code == 404
    assert client.get("/look/").content.startswith(b"Mine|")


@here
def test_an_organization_that_one_has_left_is_forgotten(client) -> None:
    first = MembershipFactory(organization__name="First")
    second = MembershipFactory(user=first.user, organization__name="Second")
    client.force_login(first.user)
    client.post("/accounts/organization/", {"organization": second.organization_id})

    second.delete()

    assert client.get("/look/").content.startswith(b"First|")


def test_the_switch_does_not_lead_to_foreign_sites(client) -> None:
    mine = MembershipFactory()
    client.force_login(mine.user)

    response = client.post(
        "/accounts/organization/", {"organization": mine.organization_id, "next": "https://evil.example/"}
    )

    assert response["Location"] == "/"


@here
@pytest.mark.parametrize(("role", "status"), [(Role.OWNER, 200), (Role.MANAGER, 200), (Role.VIEWER, 403)])
def test_writing_is_for_owners_and_managers(client, role, status) -> None:
    client.force_login(MembershipFactory(role=role).user)

    response = client.post("/write/")

    assert response.status_code == status
    assert (b"You may only look at this organization." in response.content) is (status == 403)


@here
def test_a_person_without_an_organization_is_told_so(client) -> None:
    client.force_login(UserFactory())

    response = client.get("/look/")

    assert response.status_code == 403
    assert b"You belong to no organization yet." in response.content


@here
def test_the_readers_time_zone_and_language_apply(client) -> None:
    client.force_login(MembershipFactory(user__time_zone="Asia/Omsk", user__language="ru").user)

    assert client.get("/look/").content.endswith(b"|Asia/Omsk|ru")
    client.cookies["django_language"] = "en"
    assert client.get("/look/").content.endswith(b"|Asia/Omsk|en")


@here
def test_a_time_zone_of_nowhere_falls_back_to_ours(client) -> None:
    client.force_login(MembershipFactory(user__time_zone="Mars/Olympus").user)

    assert b"|Europe/Moscow|" in client.get("/look/").content


def test_theme_and_language_are_remembered(client) -> None:
    user = MembershipFactory().user
    client.force_login(user)

    client.post("/accounts/theme/", {"theme": "dark"})
    client.post("/accounts/language/", {"language": "ru"})
    refused = client.post("/accounts/theme/", {"theme": "pink"})

    user.refresh_from_db()
    assert (user.theme, user.language, refused.status_code) == ("dark", "ru", 400)
    assert client.cookies["django_language"].value == "ru"


def test_there_is_no_demo_door_outside_the_demo(client, settings) -> None:
    services.ensure_demo(organization_name="Demo")

    assert client.post("/accounts/demo/").status_code == 404
    settings.DEMO_MODE = True
    assert client.get("/accounts/demo/").status_code == 405
    assert client.post("/accounts/demo/")["Location"] == "/"
    assert User.objects.get(pk=client.session["_auth_user_id"]).email == services.DEMO_EMAIL


def test_the_demo_door_without_a_demo_is_not_found(client, settings) -> None:
    settings.DEMO_MODE = True

    assert client.post("/accounts/demo/").status_code == 404


@here
@pytest.mark.parametrize("organizations", [1, 11])
def test_the_frame_costs_four_queries(client, organizations, django_assert_num_queries) -> None:
    user = UserFactory(theme="dark", administrator=True)
    for _ in range(organizations):
        MembershipFactory(user=user)
    client.force_login(user)

    with django_assert_num_queries(4):  # session, user, memberships, counts
        response = client.get("/frame/")

    counts, names, theme, admin_url = response.content.decode().split("|")
    assert "0" in counts
    assert names.count("Organization") == organizations
    assert (theme, admin_url) == ("dark", "/admin/")


@here
def test_the_frame_costs_the_anonymous_nothing(client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        response = client.get("/frame/")

    assert response.content == b"[]|[]||"


def test_counts_are_of_ones_own_organization() -> None:
    from providers.tests.factories import ConnectionFactory

    mine = ConnectionFactory()
    ConnectionFactory()

    assert context.sidebar_counts(mine.organization) == {
        "connection_count": 1,
        "resource_count": 0,
        "recommendation_count": 0,
    }


def test_membership_needs_a_known_role() -> None:
    from django.db import IntegrityError

    with pytest.raises(IntegrityError):
        Membership.objects.create(user=UserFactory(), organization=OrganizationFactory(), role="emperor")


def test_request_without_a_session_is_anonymous(rf: RequestFactory) -> None:
    from accounts.middleware import OrganizationMiddleware

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"{bool(request.organization)}")

    request = rf.get("/")
    request.user = AnonymousUser()

    assert OrganizationMiddleware(view)(request).content == b"False"
