"""What the admin tells of changes: as the database has them before and after, nothing secret, nothing left out."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.models import Membership, Organization, User
from accounts.tests.factories import MembershipFactory, OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db

TOLD: list[dict] = []


def tell(**event) -> None:
    obj = event["obj"]
    TOLD.append({**event, "label": obj._meta.label_lower if obj else None, "pk": obj.pk if obj else None})


@pytest.fixture(autouse=True)
def told(settings) -> list[dict]:
    settings.AFTER_ADMIN_CHANGE = [f"{__name__}.tell"]
    TOLD.clear()
    return TOLD


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(UserFactory(super_admin=True))
    return client


def _user_form(user: User, **changes) -> dict:
    return {
        "email": user.email,
        "full_name": user.full_name,
        "is_active": "on",
        "currency": "RUB",
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
        **changes,
    }


def _brief(told: list[dict]) -> list[tuple]:
    return [(event["verb"], event["label"], event["pk"], event["changes"]) for event in told]


def test_fields_and_relations_before_and_after(boss, told) -> None:
    user, group = UserFactory(full_name="Old"), Group.objects.create(name="Helpers")
    permission = Permission.objects.get(codename="manage_users")

    boss.post(
        f"/admin/accounts/user/{user.pk}/change/",
        _user_form(user, full_name="New", is_staff="on", groups=[group.pk], user_permissions=[permission.pk]),
    )

    assert _brief(told) == [
        (
            "changed",
            "accounts.user",
            user.pk,
            {
                "full_name": ["Old", "New"],
                "is_staff": [False, True],
                "groups": [[], ["Helpers"]],
                "user_permissions": [[], [str(permission)]],
            },
        )
    ]


def test_a_form_that_changes_nothing_is_not_told(boss, told) -> None:
    user = UserFactory()

    boss.post(f"/admin/accounts/user/{user.pk}/change/", _user_form(user))

    assert told == []


def test_a_refused_form_is_not_told(boss, told) -> None:
    user = UserFactory()

    boss.post(f"/admin/accounts/user/{user.pk}/change/", _user_form(user, email="nonsense"))

    assert told == []


def test_foreign_keys_are_named(boss, told) -> None:
    membership, other = MembershipFactory(role="viewer"), OrganizationFactory(name="Other")

    boss.post(
        f"/admin/accounts/membership/{membership.pk}/change/",
        {"user": membership.user_id, "organization": other.pk, "role": "manager"},
    )

    assert _brief(told) == [
        (
            "changed",
            "accounts.membership",
            membership.pk,
            {
                "organization": [membership.organization.name, "Other"],
                "role": ["viewer", "manager"],
            },
        )
    ]


def test_a_new_object_is_told_with_its_values(boss, told) -> None:
    boss.post("/admin/auth/group/add/", {"name": "Helpers"})

    group = Group.objects.get(name="Helpers")
    assert _brief(told) == [
        ("added", "auth.group", group.pk, {"id": [None, group.pk], "name": [None, "Helpers"]})
    ]


def test_a_deleted_object_is_told_with_its_values(boss, told) -> None:
    group = Group.objects.create(name="Helpers")

    boss.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})

    (event,) = told
    assert (event["verb"], event["label"]) == ("deleted", "auth.group")
    assert event["changes"]["name"] == ["Helpers", None]


def test_many_deleted_objects_are_told_one_by_one(boss, told) -> None:
    groups = [Group.objects.create(name=f"Group {number}") for number in range(3)]

    boss.post(
        "/admin/auth/group/",
        {"action": "delete_selected", "_selected_action": [group.pk for group in groups], "post": "yes"},
    )

    assert sorted(event["changes"]["name"][0] for event in told) == ["Group 0", "Group 1", "Group 2"]
    assert {event["verb"] for event in told} == {"deleted"}


def test_deleting_many_is_one_transaction(boss, told, monkeypatch) -> None:
    from django.contrib.admin.models import LogEntry

    groups = [Group.objects.create(name=f"Group {number}") for number in range(2)]
    monkeypatch.setattr("accounts.admin.groups.GroupAdmin.delete_queryset", lambda *args: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        boss.post(
            "/admin/auth/group/",
            {"action": "delete_selected", "_selected_action": [group.pk for group in groups], "post": "yes"},
        )

    assert Group.objects.filter(name__startswith="Group ").count() == 2
    assert not LogEntry.objects.exists()


def test_asking_for_confirmation_is_no_deletion(boss, told) -> None:
    group = Group.objects.create(name="Helpers")

    boss.post("/admin/auth/group/", {"action": "delete_selected", "_selected_action": [group.pk]})

    assert told == []


def test_rows_of_inlines_are_told_by_themselves(boss, told) -> None:
    organization = OrganizationFactory()
    stays, goes = (MembershipFactory(organization=organization, role="viewer") for _ in range(2))
    comes = UserFactory()
    owner = MembershipFactory(organization=organization)

    response = boss.post(
        f"/admin/accounts/organization/{organization.pk}/change/",
        {
            "name": organization.name,
            "time_zone": organization.time_zone,
            "memberships-TOTAL_FORMS": "4",
            "memberships-INITIAL_FORMS": "3",
            **_row(0, stays, role="manager"),
            **_row(1, goes, DELETE="on"),
            **_row(2, owner),
            "memberships-3-user": comes.pk,
            "memberships-3-organization": organization.pk,
            "memberships-3-role": "viewer",
        },
    )

    made = Membership.objects.get(user=comes)
    assert response.status_code == 302
    assert [(event["verb"], event["pk"]) for event in told] == [
        ("added", made.pk),
        ("changed", stays.pk),
        ("deleted", goes.pk),
    ]
    assert told[1]["changes"] == {"role": ["viewer", "manager"]}
    assert told[2]["changes"]["role"] == ["viewer", None]


def _row(number: int, membership: Membership, **changes) -> dict:
    values = {
        "id": membership.pk,
        "user": membership.user_id,
        "organization": membership.organization_id,
        "role": membership.role,
        **changes,
    }
    return {f"memberships-{number}-{name}": value for name, value in values.items()}


def test_a_password_is_only_said_to_be_another(boss, told) -> None:
    user = UserFactory()

    boss.post(
        f"/admin/accounts/user/{user.pk}/password/",
        {"password1": "a long passphrase", "password2": "a long passphrase", "usable_password": "true"},
    )

    assert _brief(told) == [("changed", "accounts.user", user.pk, {"password": ["•••", "•••"]})]


def test_credentials_are_only_said_to_be_others(told) -> None:
    from common.admin_changes import tell_changed, values_of
    from providers.tests.factories import ConnectionFactory

    connection = ConnectionFactory(credentials={"password": "before"})
    before = values_of(connection)
    connection.credentials = {"password": "after"}
    connection.save()

    tell_changed(None, connection, before)

    (event,) = told
    assert event["changes"]["credentials"] == ["•••", "•••"]
    assert "after" not in str(event["changes"])


def test_an_action_is_told(boss, told) -> None:
    from providers.tests.factories import ConnectionFactory

    connections = [ConnectionFactory(provider_type="beget") for _ in range(2)]
    selected = [str(connection.pk) for connection in connections]

    boss.post("/admin/providers/providerconnection/", {"action": "disable", "_selected_action": selected})

    event = told[-1]
    assert (event["verb"], event["obj"]) == ("action_run", None)
    assert event["details"] == {
        "action": "disable",
        "model": "providers.providerconnection",
        "selected": selected,
    }


@pytest.mark.parametrize(
    "data", [{"action": "nothing"}, {"action": "disable"}, {"action": "", "_selected_action": ["1"]}]
)
def test_what_is_no_action_is_not_told(boss, told, data) -> None:
    boss.post("/admin/providers/providerconnection/", data)

    assert told == []


def test_every_admin_of_ours_tells() -> None:
    """Whatever is registered derives from the base, or changes nothing."""
    from django.contrib import admin

    from common.admin_changes import RecordedChanges

    silent = [
        str(model_admin)
        for model_admin in admin.site._registry.values()
        if not isinstance(model_admin, RecordedChanges)
    ]

    assert silent == []


def test_a_change_costs_few_queries_more(boss, told, django_assert_max_num_queries) -> None:
    organization = OrganizationFactory()
    form = {
        "name": "New",
        "time_zone": organization.time_zone,
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
    }

    with django_assert_max_num_queries(14):
        boss.post(f"/admin/accounts/organization/{organization.pk}/change/", form)

    assert Organization.objects.get().name == "New"
    assert len(told) == 1
