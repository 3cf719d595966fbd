"""The demo's page in the admin: for super admins where there is a demo, nothing without POST, the long work in a worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.audit.models import AuditEntry
from accounts.tests.factories import UserFactory
from common import clock
from infrazen import tasks
from infrazen.demo import operations, switches
from infrazen.demo.errors import DemoError
from infrazen.tests.demo_folder import Demo
from providers.tests.factories import ConnectionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PANEL = "/admin/demo/"
SWITCH = "/admin/demo/switch/?fault=cost-jump&connection=Beget+Prod"
CHOSEN = {"fault": "cost-jump", "connection": "Beget Prod"}
ADDRESSES = [PANEL, "/admin/demo/reset/", "/admin/demo/forward/", SWITCH]


@pytest.fixture
def super_admin(client: Client) -> Client:
    client.force_login(UserFactory(super_admin=True))
    return client


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the worker was asked to do."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(tasks.operations, "run_apart", lambda *arguments: asked.append(arguments))
    return asked


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_only_super_admins_come_in(bare_demo: Demo, client: Client, address: str, method: str) -> None:
    ask: Callable[[str], Any] = getattr(client, method)

    anonymous = ask(address)
    client.force_login(UserFactory())
    person = ask(address)
    client.force_login(UserFactory(administrator=True))
    administrator = ask(address)

    assert (anonymous.status_code, person.status_code) == (302, 302)
    assert "/login/" in anonymous["Location"]
    assert "/login/" in person["Location"]
    assert administrator.status_code == 403
    assert bare_demo.state.operation is None


@pytest.mark.parametrize("address", ADDRESSES)
def test_without_a_demo_there_is_no_such_page(demo_data: Path, super_admin: Client, address: str) -> None:
    assert super_admin.get(address).status_code == 404
    assert super_admin.post(address).status_code == 404


def test_without_a_demo_organization_there_is_no_such_page(bare_demo: Demo, super_admin: Client) -> None:
    bare_demo.organization.delete()

    assert super_admin.get(PANEL).status_code == 404


def test_the_sidebar_leads_super_admins_of_a_demo_there(
    bare_demo: Demo, client: Client, settings: Any
) -> None:
    def is_linked(user: Any) -> bool:
        client.force_login(user)
        return f'href="{PANEL}"' in client.get("/admin/").content.decode()

    person = UserFactory(super_admin=True)

    assert is_linked(person)
    assert not is_linked(UserFactory(administrator=True))
    settings.IS_PRODUCTION = True
    assert not is_linked(person)
    settings.IS_PRODUCTION = False
    (bare_demo.data / clock.FILE).unlink()
    assert not is_linked(person)


def test_panel_tells_the_time_and_offers_every_fault(bare_demo: Demo, super_admin: Client) -> None:
    switches.switch_on(key="timeout", now=timezone.now())

    page = super_admin.get(PANEL).content.decode()

    assert "For the demo it is" in page
    assert "Its clock was moved forward" not in page
    assert "A list does not answer in time" in page
    assert "on since" in page
    assert page.count("Switch off") == 1
    assert SWITCH.replace("&", "&amp;") in page
    assert 'hx-trigger="every' not in page


@pytest.mark.parametrize("address", ADDRESSES)
def test_looking_changes_nothing(bare_demo: Demo, super_admin: Client, address: str) -> None:
    before = bare_demo.state

    assert super_admin.get(address).status_code == 200
    assert bare_demo.state == before


def test_reset_runs_in_a_worker_and_is_told_until_it_is_done(
    bare_demo: Demo,
    super_admin: Client,
    ran: list[tuple[str, ...]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = super_admin.post("/admin/demo/reset/")

    fragment = super_admin.get(
        PANEL, headers={"HX-Request": "true", "HX-Target": "demo-work"}
    ).content.decode()
    assert answer["Location"] == PANEL
    assert ran == [("reset", "--yes")]
    assert "The demo begins anew" in fragment
    assert 'hx-trigger="every 2s"' in fragment
    assert "<html" not in fragment
    entry = AuditEntry.objects.get(action="admin.action_run")
    assert entry.details == {"action": "reset_demo"}
    assert entry.organization_id == bare_demo.organization.pk


def test_a_second_click_starts_nothing(
    bare_demo: Demo,
    super_admin: Client,
    ran: list[tuple[str, ...]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        super_admin.post("/admin/demo/forward/", {"days": "2"})
        super_admin.post("/admin/demo/reset/")
        page = super_admin.post("/admin/demo/forward/", {"days": "1"}, follow=True)

    assert ran == [("forward", "--days", "2")]
    assert "The demo is being worked on already" in page.content.decode()


@pytest.mark.parametrize("days", ["", "0", "61", "soon"])
def test_days_that_cannot_be_come_back_with_the_form(
    bare_demo: Demo, super_admin: Client, ran: list[tuple[str, ...]], days: str
) -> None:
    answer = super_admin.post("/admin/demo/forward/", {"days": days})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert bare_demo.state.operation is None


def test_a_fault_is_switched_on_and_off(bare_demo: Demo, super_admin: Client) -> None:
    asked = super_admin.get(SWITCH).content.decode()
    with bare_demo.served() as server:
        switched_on = super_admin.post(SWITCH, CHOSEN, follow=True).content.decode()
        assert len(server.events) == 1
        asked_again = super_admin.get(SWITCH).content.decode()
        switched_off = super_admin.post(SWITCH, CHOSEN, follow=True).content.decode()

    assert "Switch on: A price triples · Beget Prod" in asked
    assert "vps-app-01 costs three times as much" in asked
    assert "Switched on: A price triples · Beget Prod. Sync the connection to see it." in switched_on
    assert "Switch off: A price triples · Beget Prod" in asked_again
    assert "Switched off: A price triples · Beget Prod." in switched_off
    assert [each.until is None for each in bare_demo.state.switched] == [False]
    assert [
        entry.details for entry in AuditEntry.objects.filter(action="admin.action_run").order_by("pk")
    ] == [
        {"action": "switch_on", **CHOSEN},
        {"action": "switch_off", **CHOSEN},
    ]


@pytest.mark.parametrize(
    "wrong", [{"fault": "flood"}, {"connection": "Acme"}, {"fault": ""}, {"connection": ""}]
)
def test_a_fault_that_there_is_not_is_not_found(
    bare_demo: Demo, super_admin: Client, wrong: dict[str, str]
) -> None:
    given = {**CHOSEN, **wrong}

    assert super_admin.get(reverse("demo:switch", query=given)).status_code == 404
    assert super_admin.post(reverse("demo:switch"), given).status_code == 404
    assert bare_demo.state.switched == ()


def test_emulators_that_do_not_answer_are_told_and_nothing_is_switched(
    bare_demo: Demo, super_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**arguments: Any) -> None:
        raise DemoError("The emulated providers do not answer.")

    monkeypatch.setattr(switches, "_apply", lambda *arguments: refuse())

    page = super_admin.post(SWITCH, CHOSEN, follow=True).content.decode()

    assert "The emulated providers do not answer." in page
    assert not AuditEntry.objects.filter(action="admin.action_run").exists()


def test_what_ended_is_told_once_nothing_is_under_way(bare_demo: Demo, super_admin: Client) -> None:
    def told() -> str:
        return super_admin.get(PANEL, headers={"HX-Target": "demo-work"}).content.decode()

    with operations.operation("forward") as work:
        work.progress(1, 4)
        under_way = told()
        work.count("success")
        work.count("partial")
    ended = told()
    with pytest.raises(DemoError), operations.operation("reset"):
        raise DemoError("The emulated providers refused what they were told (%(reason)s).", reason="500")
    failed = told()
    with pytest.raises(RuntimeError), operations.operation("reset"):
        raise RuntimeError
    broken = told()

    assert "The clock goes forward · 25 %" in " ".join(under_way.split())
    assert "Syncs on the way: partial: 1, done: 1." in ended
    assert "The emulated providers refused what they were told (500)." in failed
    assert "The latest work on the demo was interrupted." in broken
    assert all('hx-trigger="every' not in each for each in (ended, failed, broken))


@pytest.mark.parametrize("more", [0, 10])
def test_panel_costs_the_same_whatever_the_number_of_connections(
    bare_demo: Demo, super_admin: Client, django_assert_num_queries: Any, more: int
) -> None:
    """Session, person, organization, connections."""
    ConnectionFactory.create_batch(more, organization=bare_demo.organization)

    with django_assert_num_queries(4):
        super_admin.get(PANEL)
