"""An event reaches who should hear, once, through what they chose, and what failed says why."""

from __future__ import annotations

import dataclasses
import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone, translation

from accounts.models import Role
from accounts.notifications import delivery, kinds, senders, services
from accounts.notifications.errors import Problem, SendError
from accounts.notifications.models import Channel, Delivery, Mode, Notification
from accounts.notifications.senders import webhook
from accounts.tests.factories import OrganizationFactory, member_of

pytestmark = pytest.mark.django_db

DATA = {"connection": "Beget Prod", "type": "gpu_slice_a100"}


@pytest.fixture
def organization():
    return OrganizationFactory(name="Acme")


@pytest.fixture
def owner(organization):
    return member_of(organization)


def told(organization, key="1", **options) -> Notification | None:
    return services.notify("unrecognized.found", organization=organization, key=key, data=DATA, **options)


def sent(now=None) -> int:
    return delivery.deliver_due(now=now or timezone.now())


def hook(user, receiver) -> Channel:
    channel, _secret = services.add_webhook(user=user, name="hook", url=f"{receiver.url}/hook?key=hidden")
    services.set_active(channel=mail_of(user), is_active=False)
    return channel


def mail_of(user) -> Channel:
    services.ensure_email_channels([user])
    return Channel.objects.get(user=user, kind="email")


def test_members_are_mailed_in_their_own_language_and_zone(organization, owner, monkeypatch) -> None:
    reader = member_of(organization, Role.VIEWER)
    reader.language, reader.time_zone = "ru", "Asia/Vladivostok"
    reader.save()
    read_as = []

    def enrich(data):
        read_as.append((translation.get_language(), timezone.get_current_timezone_name()))
        return {}

    news = dataclasses.replace(kinds.find("unrecognized.found"), enrich=enrich)
    monkeypatch.setattr(kinds, "_kinds", {news.code: news})
    member_of(OrganizationFactory())

    told(organization, path="/syncs/7/")
    sent()

    assert {letter.to[0] for letter in mail.outbox} == {owner.email, reader.email}
    by_reader = {letter.to[0]: letter for letter in mail.outbox}
    assert by_reader[owner.email].subject == "InfraZen: Acme: Something billed was not recognised"
    assert "gpu_slice_a100" in by_reader[owner.email].body
    assert "/syncs/7/" in by_reader[owner.email].body
    assert by_reader[owner.email].alternatives
    assert sorted(read_as) == [("en", "Europe/Moscow"), ("ru", "Asia/Vladivostok")]


def test_an_event_is_told_once(organization, owner) -> None:
    first, second = told(organization), told(organization)
    sent()
    sent()

    assert second is None
    assert first.deliveries.get().status == Delivery.Status.SENT
    assert len(mail.outbox) == 1


def test_the_same_event_in_two_organizations_is_two(organization, owner) -> None:
    told(organization)
    told(OrganizationFactory())

    assert Notification.objects.count() == 2


def test_an_old_event_is_kept_and_not_told(organization, owner) -> None:
    assert told(organization, now=timezone.now() - timedelta(days=3)) is None
    assert Notification.objects.count() == 1
    assert sent() == 0


def test_a_claimed_delivery_is_not_sent_by_another_worker(organization, owner, monkeypatch) -> None:
    told(organization)
    inner = []

    def send(channel, message) -> None:
        inner.append(sent())

    monkeypatch.setattr(senders, "send", send)

    assert (sent(), inner) == (1, [0])


def test_what_a_dead_worker_held_goes_again_under_the_same_id(organization, owner, monkeypatch) -> None:
    told(organization)
    seen = []

    def die(channel, message) -> None:
        seen.append(message.id)
        raise KeyboardInterrupt

    monkeypatch.setattr(senders, "send", die)
    with pytest.raises(KeyboardInterrupt):
        sent()
    monkeypatch.undo()

    assert sent() == 0
    assert sent(timezone.now() + delivery.CLAIM + timedelta(seconds=1)) == 1


def test_who_left_meanwhile_is_not_told(organization, owner) -> None:
    told(organization)
    owner.memberships.all().delete()

    assert sent() == 0
    assert Delivery.objects.get().status == Delivery.Status.SKIPPED


def test_preferences_choose(organization, owner) -> None:
    channel = mail_of(owner)
    services.set_preferences(user=owner, modes={(channel.pk, "unrecognized.found"): Mode.OFF})

    told(organization)

    assert not Delivery.objects.exists()


def test_nobody_sets_anothers_preferences(organization, owner) -> None:
    other = member_of(organization)
    channel = mail_of(other)

    services.set_preferences(user=owner, modes={(channel.pk, "unrecognized.found"): Mode.OFF})

    assert not channel.preferences.exists()


def test_a_daily_digest_is_one_message_on_the_readers_morning(organization, owner) -> None:
    owner.time_zone = "Asia/Vladivostok"
    owner.save()
    channel = mail_of(owner)
    services.set_preferences(user=owner, modes={(channel.pk, "unrecognized.found"): Mode.DAILY})
    now = timezone.now()
    for key in ("1", "2", "3"):
        told(organization, key)

    due = services.next_digest(owner, now)
    assert (due.hour, due - now <= timedelta(days=1)) == (9, True)
    assert sent(due - timedelta(minutes=1)) == 0
    assert sent(due) == 1
    assert len(mail.outbox) == 1
    assert "3 events" in mail.outbox[0].subject
    assert mail.outbox[0].body.count("gpu_slice_a100") == 3
    assert sent(due + timedelta(days=1)) == 0


def test_next_digest_is_today_before_nine_and_tomorrow_after(owner) -> None:
    owner.time_zone = "Europe/Moscow"

    early = services.next_digest(owner, datetime(2026, 11, 21, 5, 59, tzinfo=UTC))
    late = services.next_digest(owner, datetime(2026, 11, 21, 6, 0, tzinfo=UTC))

    assert (early.day, late.day) == (21, 22)


def test_a_webhook_is_signed_json(organization, owner, receiver, loopback) -> None:
    channel = hook(owner, receiver)
    told(organization)

    assert sent() == 1
    path, headers, body = receiver.requests[0]
    assert path == "/hook?key=hidden"
    stamp, _comma, given = headers["InfraZen-Signature"].removeprefix("t=").partition(",v1=")
    assert given == webhook.signature(channel.configuration["secret"], stamp, body)
    item = receiver.bodies()[0]["items"][0]
    assert (item["kind"], item["organization"]["name"], item["data"]) == ("unrecognized.found", "Acme", DATA)


@pytest.mark.parametrize(
    ("status", "problem", "is_tried_again"),
    [
        (500, Problem.BUSY, True),
        (429, Problem.BUSY, True),
        (410, Problem.REFUSED, False),
        (302, Problem.REDIRECTED, False),
    ],
)
def test_a_webhook_that_fails_says_why(
    organization, owner, receiver, loopback, status, problem, is_tried_again
) -> None:
    channel = hook(owner, receiver)
    receiver.answers = [(status, None), (200, None)]
    receiver.headers = {"Location": f"{receiver.url}/elsewhere"}
    told(organization)
    now = timezone.now()

    assert sent(now) == 0
    channel.refresh_from_db()
    assert channel.last_error == problem
    waiting = Delivery.objects.get()
    assert (waiting.status == Delivery.Status.PENDING) is is_tried_again
    assert sent(now + delivery.WAITS[0]) == int(is_tried_again)
    assert len(receiver.requests) == 1 + int(is_tried_again)
    if is_tried_again:
        ids = [body["id"] for body in receiver.bodies()]
        assert ids[0] == ids[1]
        channel.refresh_from_db()
        assert channel.last_error == ""


def test_after_enough_attempts_a_delivery_has_failed(organization, owner, receiver, loopback) -> None:
    hook(owner, receiver)
    receiver.answers = [(503, None)]
    told(organization)
    now = timezone.now()

    for wait in (timedelta(), *delivery.WAITS, timedelta(days=1)):
        now += wait
        sent(now)

    assert len(receiver.requests) == len(delivery.WAITS) + 1
    assert Delivery.objects.get().status == Delivery.Status.FAILED


def test_a_webhook_into_the_private_network_is_refused(organization, owner, receiver) -> None:
    hook(owner, receiver)  # without the setting, loopback is as private as the rest
    told(organization)

    assert sent() == 0
    assert Delivery.objects.get().error == Problem.FORBIDDEN_ADDRESS
    assert receiver.requests == []


def test_telegram_gets_text(organization, owner, bot) -> None:
    bot.answers = [(200, {"ok": True, "result": {}})]
    code = services.make_chat_code(user=owner, now=timezone.now())
    services.link_chat(code=code, chat_id=42, title="Team", now=timezone.now())
    services.set_active(channel=mail_of(owner), is_active=False)
    told(organization)

    assert sent() == 1
    path, _headers, _body = bot.requests[0]
    assert path == "/bot123:secret-of-the-bot/sendMessage"
    assert bot.bodies()[0]["chat_id"] == 42
    assert "gpu_slice_a100" in bot.bodies()[0]["text"]


@pytest.mark.parametrize(
    ("answer", "problem", "wait"),
    [
        ({"ok": False, "error_code": 403, "description": "bot was blocked"}, Problem.CHAT_CLOSED, None),
        ({"ok": False, "error_code": 401, "description": "Unauthorized"}, Problem.NOT_CONFIGURED, None),
        ({"ok": False, "error_code": 429, "parameters": {"retry_after": 600}}, Problem.BUSY, 600),
        ({"ok": False, "error_code": 502}, Problem.BUSY, 60),
    ],
)
def test_telegrams_refusals_are_told_apart(organization, owner, bot, answer, problem, wait, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    code = services.make_chat_code(user=owner, now=timezone.now())
    channel = services.link_chat(code=code, chat_id=42, title="Team", now=timezone.now())
    services.set_active(channel=mail_of(owner), is_active=False)
    bot.answers = [(answer["error_code"], answer)]
    told(organization)
    now = timezone.now()

    sent(now)

    waiting = Delivery.objects.get()
    assert waiting.error == problem
    assert waiting.status == (Delivery.Status.FAILED if wait is None else Delivery.Status.PENDING)
    if wait:
        assert waiting.due_at == now + timedelta(seconds=wait)
    channel.refresh_from_db()
    assert channel.is_active is (problem != Problem.CHAT_CLOSED)


def test_a_silent_telegram_leaves_no_token_in_the_error(settings, owner) -> None:
    settings.TELEGRAM_BOT_TOKEN = "123:secret-of-the-bot"
    settings.TELEGRAM_API_URL = "http://127.0.0.1:1"

    with pytest.raises(SendError) as caught:
        senders.telegram.bot_name()

    shown = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__suppress_context__}"
    assert "secret-of-the-bot" not in shown
    assert caught.value.__suppress_context__


def test_one_that_cannot_be_worded_does_not_hold_up_the_others(organization, owner, monkeypatch) -> None:
    told(organization, "1")
    told(organization, "2")
    Notification.objects.filter(key="1").update(kind="gone.kind")

    assert sent() == 1
    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["failed", "sent"]


def test_what_is_old_goes_and_what_waits_stays(organization, owner, settings) -> None:
    settings.NOTIFICATION_RETENTION_DAYS = 30
    told(organization, "sent")
    sent()
    told(organization, "waits")
    later = timezone.now() + timedelta(days=31)

    assert services.remove_old(now=later) == 1 + 1  # the notification and its delivery
    assert Notification.objects.get().key == "waits"
