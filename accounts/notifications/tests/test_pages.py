"""The settings page of notifications: channels made, tested, switched, removed; a chat linked by its code."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from accounts.notifications import services
from accounts.notifications.models import Channel, ChatCode
from accounts.tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

PAGE = "/settings/notifications/"


@pytest.fixture
def person(client):
    membership = MembershipFactory()
    client.force_login(membership.user)
    return membership.user


def test_everybody_begins_with_their_e_mail(client, person) -> None:
    page = client.get(PAGE).content.decode()

    assert person.email in page
    assert Channel.objects.get(user=person).kind == "email"


def test_a_test_message_goes_at_once(client, person) -> None:
    client.get(PAGE)

    client.post(reverse("notifications:channel_test", args=[Channel.objects.get().pk]))

    assert [letter.to for letter in mail.outbox] == [[person.email]]


def test_a_webhooks_secret_and_address_are_shown_once_and_never_again(client, person) -> None:
    made = client.post(
        reverse("notifications:webhook_add"), {"name": "hook", "url": "https://example.com/in?key=hidden"}
    )
    secret = made.context["secret"]
    again = client.get(PAGE).content.decode()

    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert secret not in again
    assert "key=hidden" not in again
    assert "example.com" in again
    row = Channel.objects.filter(kind="webhook").values_list("configuration", flat=True).query
    assert secret not in str(row)


@pytest.mark.parametrize(
    "url", ["", "ftp://example.com", "https://", "example.com", "https://a:b@example.com", "https://e:99999"]
)
def test_what_is_no_web_address_is_refused_by_name(client, person, url) -> None:
    answer = client.post(reverse("notifications:webhook_add"), {"name": "hook", "url": url})

    assert "url" in answer.context["form"].errors
    assert not Channel.objects.filter(kind="webhook").exists()


def test_too_many_channels_are_refused(client, person, monkeypatch) -> None:
    monkeypatch.setattr(services, "CHANNELS_AT_MOST", 1)
    client.get(PAGE)

    answer = client.post(
        reverse("notifications:webhook_add"), {"name": "hook", "url": "https://example.com/in"}
    )

    assert "Remove one" in answer.content.decode()


def test_a_chat_is_linked_by_its_code(client, person, bot) -> None:
    bot.answers = [(200, {"ok": True, "result": {"username": "infrazen_bot"}})]
    begun = client.post(reverse("notifications:chat_begin"))
    code = begun.context["chat_code"]
    assert f"https://t.me/infrazen_bot?start={code}" in begun.content.decode()
    assert ChatCode.objects.get().digest != code

    message = {"text": f"/start {code}", "chat": {"id": 42, "first_name": "Anna"}}
    bot.answers = [(200, {"ok": True, "result": [{"update_id": 7, "message": message}]})]
    client.post(reverse("notifications:chat_finish"))

    channel = Channel.objects.get(kind="telegram")
    assert (channel.user, channel.address, channel.configuration) == (person, "Anna", {"chat_id": 42})
    assert bot.bodies("getUpdates")[-1]["offset"] == 8


def test_a_code_works_once_and_not_for_long(person) -> None:
    now = timezone.now()
    code = services.make_chat_code(user=person, now=now)

    late = services.link_chat(code=code, chat_id=1, title="a", now=now + services.CODE_LIFETIME)
    first = services.link_chat(code=code, chat_id=1, title="a", now=now)
    second = services.link_chat(code=code, chat_id=2, title="b", now=now)

    assert (late, second) == (None, None)
    assert first is not None


def test_anothers_code_links_their_chat_not_mine(client, person, bot) -> None:
    other = UserFactory()
    code = services.make_chat_code(user=other, now=timezone.now())
    message = {"text": f"/link@infrazen_bot {code}", "chat": {"id": -5, "title": "Team"}}
    bot.answers = [(200, {"ok": True, "result": [{"update_id": 7, "message": message}]})]

    client.post(reverse("notifications:chat_finish"))

    assert Channel.objects.get(kind="telegram").user == other


def test_a_bot_that_refuses_is_told(client, person, bot) -> None:
    bot.answers = [(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})]

    page = client.post(reverse("notifications:chat_begin"), follow=True)

    assert "not set this channel up" in page.content.decode()


def test_preferences_are_saved(client, person) -> None:
    client.get(PAGE)
    channel = Channel.objects.get()
    name = f"mode:{channel.pk}:unrecognized.found"

    client.post(
        reverse("notifications:preferences_save"),
        {name: "daily", "mode:x:y": "daily", f"mode:{channel.pk}:none": "off", "mode:": "off"},
    )

    assert channel.preferences.get().mode == "daily"


def test_channels_are_switched_and_removed(client, person) -> None:
    channel, _secret = services.add_webhook(user=person, name="hook", url="https://example.com/in")
    switch = reverse("notifications:channel_switch", args=[channel.pk])

    client.post(switch)
    channel.refresh_from_db()
    assert not channel.is_active
    client.post(switch, {"is_active": "on"})
    channel.refresh_from_db()
    assert channel.is_active
    client.post(reverse("notifications:channel_remove", args=[channel.pk]))
    assert not Channel.objects.filter(pk=channel.pk).exists()


@pytest.mark.parametrize("door", ["channel_test", "channel_switch", "channel_remove"])
def test_anothers_channel_is_not_found(client, person, door) -> None:
    channel, _secret = services.add_webhook(user=UserFactory(), name="x", url="https://example.com/in")

    assert client.post(reverse(f"notifications:{door}", args=[channel.pk])).status_code == 404


def test_the_page_costs_the_same_with_many(client, person, django_assert_max_num_queries) -> None:
    client.get(PAGE)
    organization = person.memberships.get().organization
    for count in (1, 15):
        for number in range(count):
            services.add_webhook(user=person, name=f"{count}-{number}", url="https://example.com/in")
            services.notify(
                "unrecognized.found", organization=organization, key=f"{count}-{number}", data={"type": "x"}
            )
        with django_assert_max_num_queries(9):
            client.get(PAGE)


def test_administrators_see_the_log_without_secrets_and_send_again(client) -> None:
    membership = MembershipFactory()
    channel, secret = services.add_webhook(
        user=membership.user, name="hook", url="https://example.com/in?key=hidden"
    )
    services.notify("unrecognized.found", organization=membership.organization, key="1", data={"type": "x"})
    failed = channel.deliveries.get()
    failed.status = "failed"
    failed.attempts = 5
    failed.save()
    client.force_login(UserFactory(super_admin=True))

    shown = "".join(
        client.get(address).content.decode()
        for address in (
            reverse("admin:notifications_delivery_changelist"),
            reverse("admin:notifications_delivery_change", args=[failed.pk]),
            reverse("admin:notifications_channel_changelist"),
            reverse("admin:notifications_channel_change", args=[channel.pk]),
        )
    )
    client.post(
        reverse("admin:notifications_delivery_changelist"),
        {"action": "send_again", "_selected_action": [failed.pk]},
    )

    assert secret not in shown
    assert "key=hidden" not in shown
    failed.refresh_from_db()
    assert failed.status == "pending"
    assert failed.due_at <= timezone.now() + timedelta(seconds=1)
