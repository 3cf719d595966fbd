"""Power schedules: what they would save, on pages, in the API, and for those who switch."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from providers.contract.stopping import StopBy, StopSaves
from recommendations.engine.calendar import Calendar
from recommendations.schedules import exports, queries
from recommendations.schedules.models import PowerSchedule
from recommendations.schedules.tests.factories import OFFICE, PowerScheduleFactory
from recommendations.tests.facts import NOW

STOP = StopSaves(by=StopBy.STOP, share=Decimal("0.5"))


@pytest.fixture
def stoppable(monkeypatch):
    """Half of a server's price stops when it does."""
    monkeypatch.setattr(queries, "stop_of", lambda facts: STOP if facts.resource_type == "server" else None)
    monkeypatch.setattr(queries, "share_off", lambda facts, stop: stop.share)


@pytest.fixture
def manager(client, people):
    client.force_login(people.manager)
    return client


def at(name, *args):
    return reverse(f"schedules:{name}", args=args)


def week(**changes):
    given = {"name": "Office", "name_contains": "dev", "rests_on_holidays": "on", "note": "Ask Olga."}
    for day in range(5):
        given |= {f"from_{day}": "9", f"to_{day}": "18"}
    return given | changes


def test_plan_is_the_price_of_the_hours_that_are_off(estate, stoppable):
    estate.server(name="dev-1", day_cost="24")
    schedule = PowerScheduleFactory(organization=estate.organization, rests_on_holidays=False)

    plan = queries.plan(schedule, NOW)

    # 24 a day is 1 an hour; 365 days from a Thursday hold 261 working days of 9 hours
    off = Decimal(365 * 24 - 261 * 9) * 30 / 365
    assert plan.rows[0].saving == (off / 2).quantize(Decimal("0.01"))
    assert plan.saving == plan.rows[0].saving


def test_what_cannot_be_switched_off_says_why(estate, stoppable):
    estate.server(name="dev-disk", kind="volume")
    estate.server(name="dev-db", kind="database")
    estate.server(name="dev-new", days=0)
    schedule = PowerScheduleFactory(organization=estate.organization)

    reasons = {row.name: row.reason for row in queries.plan(schedule, NOW).rows}

    assert reasons["dev-disk"] == "It is nothing that could be switched off."
    assert reasons["dev-db"] == "Its provider charges on whatever is done to it."


def test_other_tenants_resources_are_not_in_the_plan(estate, stoppable):
    estate.server(name="dev-1")

    assert queries.plan(PowerScheduleFactory(), NOW).rows == ()


def test_cron_names_what_saves_and_quotes_it(estate, stoppable):
    estate.server(name="dev-1's 50%")
    schedule = PowerScheduleFactory(organization=estate.organization, name="Office\nhours")

    text = exports.crontab(schedule, queries.plan(schedule, NOW))

    assert "# Office hours\n" in text
    assert "CRON_TZ=Europe/Moscow\n" in text
    assert "0 9 * * 1,2,3,4,5 start.sh 'dev-1'\\''s 50\\%'\n" in text
    assert "0 18 * * 1,2,3,4,5 stop.sh" in text


def test_team_is_told_hours_savings_and_holidays(estate, stoppable):
    estate.server(name="dev-1")
    schedule = PowerScheduleFactory(organization=estate.organization, note="Ask Olga.")

    text = exports.team_text(schedule, queries.plan(schedule, NOW), NOW)

    assert "- dev-1: ₽" in text
    assert "День народного единства" in text
    assert text.endswith("Ask Olga.\n")


def test_schedule_is_made_changed_and_deleted(manager, estate):
    manager.post(at("schedule_new"), week())
    row = PowerSchedule.objects.get()
    assert (row.windows, row.scope, row.rests_on_holidays) == (OFFICE, "name=dev", True)

    manager.post(at("schedule_edit", row.pk), week(to_4="16"))
    row.refresh_from_db()
    assert row.calendar == Calendar.of_data([*OFFICE[:4], [4, 9, 16]])

    manager.post(at("schedule_delete", row.pk))
    assert not PowerSchedule.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"to_0": "8"}, "Monday: the end comes after the beginning."),
        ({"from_0": ""}, "Monday: the end comes after the beginning."),
        ({"name_contains": ""}, "it cannot be for everything"),
        ({f"{end}_{day}": "" for end in ("from", "to") for day in range(5)}, "it would never run"),
        ({"name": ""}, "This field is required."),
        ({"name": "Taken"}, "choose another"),
    ],
)
def test_form_says_what_cannot_be(manager, estate, changes, sentence):
    PowerScheduleFactory(organization=estate.organization, name="Taken")

    answer = manager.post(at("schedule_new"), week(**changes))

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert PowerSchedule.objects.count() == 1


def test_page_shows_the_plan_and_hands_it_on(manager, estate, stoppable):
    estate.server(name="dev-1")
    row = PowerScheduleFactory(organization=estate.organization)

    page = manager.get(at("schedule_detail", row.pk)).content.decode()

    assert "dev-1" in page
    assert "CRON_TZ=Europe/Moscow" in page
    assert manager.get(at("schedule_detail", row.pk), {"format": "cron"})["Content-Type"].startswith(
        "text/plain"
    )
    assert manager.get(at("schedule_detail", row.pk), {"format": "exe"}).status_code == 404
    assert row.name in manager.get(at("schedule_list")).content.decode()


def test_queries_of_a_plan_do_not_grow(manager, estate, stoppable):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    estate.server(name="dev-1")
    row = PowerScheduleFactory(organization=estate.organization)
    manager.get(at("schedule_detail", row.pk))
    with CaptureQueriesContext(connection) as few:
        manager.get(at("schedule_detail", row.pk))
    for number in range(10):
        estate.server(name=f"dev-{chr(98 + number)}")
    with CaptureQueriesContext(connection) as many:
        manager.get(at("schedule_detail", row.pk))

    assert len(many) == len(few)


def test_stranger_finds_nothing_and_viewer_changes_nothing(client, estate, people):
    from accounts.tests.factories import MembershipFactory

    row = PowerScheduleFactory(organization=estate.organization)
    MembershipFactory(user=people.stranger, role="owner")
    client.force_login(people.stranger)
    assert client.get(at("schedule_detail", row.pk)).status_code == 404
    assert client.post(at("schedule_delete", row.pk)).status_code == 404

    client.force_login(people.viewer)
    assert client.get(at("schedule_detail", row.pk)).status_code == 200
    assert client.post(at("schedule_new"), week()).status_code == 403


def test_api_makes_plans_and_refuses(manager, estate, stoppable):
    estate.server(name="dev-1")
    given = {"name": "Office", "windows": OFFICE, "scope": "name=dev"}

    def send(address, data, method="post"):
        return getattr(manager, method)(address, data, content_type="application/json")

    made = send(reverse("api:power_schedule-list"), given)
    assert made.status_code == 201
    address = reverse("api:power_schedule-detail", args=[made.json()["id"]])
    plan = manager.get(reverse("api:power_schedule-plan", args=[made.json()["id"]])).json()
    assert plan["resources"][0]["name"] == "dev-1"
    assert plan["cron"].startswith("# Office\n")
    assert send(address, {"windows": [[0, 18, 9]]}, "patch").json()["errors"].keys() == {"windows"}
    assert send(reverse("api:power_schedule-list"), given).json()["errors"].keys() == {"name"}
    assert send(address, {"scope": "x=y"}, "patch").json()["errors"].keys() == {"scope"}
    assert manager.delete(address).status_code == 204
