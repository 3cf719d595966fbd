"""Saved views and chart notes: whose they are, who may change them, what is told of them."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from accounts.audit.models import AuditEntry
from accounts.models import Membership, Organization
from accounts.tests.factories import OrganizationFactory, member_of
from costs.explorer import services
from costs.explorer.filters import parse_filters
from costs.explorer.models import ChartNote, SavedView
from costs.explorer.periods import Span
from costs.explorer.saved import chart_notes, may_change, visible_views
from costs.explorer.tests.estate import estate
from costs.explorer.view import View

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

TODAY = date(2026, 4, 1)


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


def membership(organization: Organization, role: str = "manager") -> Membership:
    return Membership.objects.get(user=member_of(organization, role), organization=organization)


def saved(member: Membership, name: str = "Servers", *, is_shared: bool = False) -> SavedView:
    return services.save_view(
        membership=member, name=name, query="step=day&type=server", is_shared=is_shared, today=TODAY
    )


def test_views_are_seen_by_those_they_are_for(organization: Organization) -> None:
    writer, other, boss = (membership(organization, role) for role in ("manager", "manager", "owner"))
    own, shared = saved(writer), saved(writer, "Shared", is_shared=True)
    stranger = membership(OrganizationFactory(), "owner")

    assert own.query == "type=server"
    assert list(visible_views(writer)) == [own, shared]
    assert list(visible_views(other)) == [shared]
    assert list(visible_views(stranger)) == []
    assert [may_change(one, shared) for one in (writer, other, boss)] == [True, False, True]
    assert not may_change(boss, own)
    with pytest.raises(services.NotYours):
        services.delete_view(membership=other, view=shared)
    with pytest.raises(services.NameTaken):
        saved(writer)
    assert saved(other).pk != own.pk


def test_pages_save_rename_share_and_delete(organization: Organization, client: Client) -> None:
    client.force_login(member_of(organization, "manager"))

    response = client.post(reverse("explorer:view_save"), {"name": "Mine", "query": "group=region&step=day"})
    assert response["Location"] == "/analytics/?group=region"
    view = SavedView.objects.get()
    assert client.post(reverse("explorer:view_save"), {"name": "Mine", "query": ""}).status_code == 422
    client.post(reverse("explorer:view_change", args=[view.pk]), {"name": "Ours", "is_shared": "on"})
    view.refresh_from_db()
    assert (view.name, view.is_shared, view.query) == ("Ours", True, "group=region")
    page = client.get(reverse("explorer:explorer"), {"group": "region"}).content.decode()
    assert "Ours" in page
    assert b"Ours" in client.get(reverse("explorer:view_list")).content
    client.post(reverse("explorer:view_delete", args=[view.pk]))
    assert not SavedView.objects.exists()
    told = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert [action for action in told if action.startswith("view.")] == [
        "view.saved",
        "view.changed",
        "view.deleted",
    ]


def test_viewers_and_strangers_change_nothing(organization: Organization, client: Client) -> None:
    view = saved(membership(organization), is_shared=True)
    for person, status in ((member_of(organization, "viewer"), 403), (member_of(OrganizationFactory()), 404)):
        client.force_login(person)
        for name in ("view_change", "view_delete"):
            address = reverse(f"explorer:{name}", args=[view.pk])
            assert client.post(address, {"name": "x"}).status_code == status
    assert SavedView.objects.get().name == "Servers"


def test_notes_show_where_they_belong(client: Client) -> None:
    land = estate(days=3)
    client.force_login(member_of(land.organization, "manager"))
    given = {
        "date": "2026-02-02",
        "text": "Moved to Prod",
        "query": "type=server&period=2026-02&group=region",
    }

    response = client.post(reverse("explorer:note_add"), given)
    client.post(reverse("explorer:note_add"), {**given, "date": "soon"})

    assert response["Location"].startswith("/analytics/?type=server")
    note = ChartNote.objects.get()
    assert note.filters == "type=server"
    span = Span(date(2026, 2, 1), date(2026, 2, 28))
    for query, is_shown in (
        ("type=server", True),
        ("type=server&connection=1", True),
        ("", False),
        ("type=volume", False),
    ):
        view = View(
            filters=parse_filters(
                {key: [value] for key, value in [pair.split("=") for pair in query.split("&") if pair]}
            )[0]
        )
        assert bool(chart_notes(land.organization, view, span, TODAY)) is is_shown, query
    page = client.get(reverse("explorer:explorer"), {"period": "2026-02", "type": "server"})
    assert b"Moved to Prod" in page.content
    assert [event["text"] for event in page.context["chart"]["events"]] == ["Moved to Prod"]
    client.post(reverse("explorer:note_delete", args=[note.pk]), {"query": ""})
    assert not ChartNote.objects.exists()
