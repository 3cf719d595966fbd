"""Sending what is due: each delivery claimed by one worker, tried again where that can help, and never lost.

A claim is one guarded UPDATE, so two workers never send the same. A worker that dies while it sends leaves a claim that
runs out; the message then goes once more under the same id: told twice is better than not told.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import F
from django.utils import timezone

from accounts.models import Membership
from accounts.notifications import senders, wording
from accounts.notifications.errors import Problem, SendError
from accounts.notifications.models import Channel, Delivery

logger = logging.getLogger(__name__)

CLAIM = timedelta(minutes=10)
"""Longer than any sending takes."""

WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3))
"""Before the second, third … attempt; after the last one the delivery has failed."""

AT_ONCE = 200
"""Deliveries of one call: what is left comes in the next minute."""

FAILURES_UNTIL_OFF = {Problem.CHAT_CLOSED}
"""After these the channel is switched off and says why."""


def deliver_due(*, now: datetime) -> int:
    """Sends what is due; returns how many messages left."""
    waiting = Delivery.objects.filter(
        status__in=[Delivery.Status.PENDING, Delivery.Status.SENDING], due_at__lte=now
    ).order_by("due_at", "pk")
    singles = list(waiting.filter(is_digest=False).values_list("pk", flat=True)[:AT_ONCE])
    digests: defaultdict[int, list[int]] = defaultdict(list)
    for pk, channel in waiting.filter(is_digest=True).values_list("pk", "channel_id")[:AT_ONCE]:
        digests[channel].append(pk)
    return sum(_deliver(numbers, now) for numbers in [*([pk] for pk in singles), *digests.values()])


def try_channel(channel: Channel) -> Problem | None:
    """Sends a test message at once; None where it left."""
    try:
        senders.send(channel, wording.trial_message(channel.user, uuid4()))
    except SendError as error:
        return error.problem
    Channel.objects.filter(pk=channel.pk).update(last_error="")
    return None


def _deliver(numbers: Sequence[int], now: datetime) -> int:
    claimed = _claim(numbers, now)
    going = [delivery for delivery in claimed if _is_still_theirs(delivery)]
    skipped = [delivery.pk for delivery in claimed if delivery not in going]
    Delivery.objects.filter(pk__in=skipped).update(status=Delivery.Status.SKIPPED)
    if not going:
        return 0
    channel = going[0].channel
    message_id = going[0].batch or uuid4()
    try:
        message = wording.message_for(channel.user, [one.notification for one in going], message_id)
        senders.send(channel, message)
    except SendError as error:
        _put_back(going, error, message_id, now)
        return 0
    except Exception:  # one notification that cannot be worded must not hold up all others
        logger.exception("notification cannot be sent", extra={"deliveries": [one.pk for one in going]})
        _put_back(going, SendError(Problem.REFUSED, is_final=True), message_id, now)
        return 0
    Delivery.objects.filter(pk__in=[one.pk for one in going]).update(
        status=Delivery.Status.SENT, sent_at=timezone.now(), batch=message_id, error=""
    )
    if channel.last_error:
        Channel.objects.filter(pk=channel.pk).update(last_error="")
    return 1


def _claim(numbers: Sequence[int], now: datetime) -> list[Delivery]:
    """Those of the given deliveries that are ours now; another worker's and those that left meanwhile are not."""
    mine = [
        pk
        for pk in numbers
        if Delivery.objects.filter(
            pk=pk, status__in=[Delivery.Status.PENDING, Delivery.Status.SENDING], due_at__lte=now
        ).update(status=Delivery.Status.SENDING, attempts=F("attempts") + 1, due_at=now + CLAIM)
    ]
    return list(
        Delivery.objects.filter(pk__in=mine)
        .select_related("notification__organization", "channel__user")
        .order_by("pk")
    )


def _is_still_theirs(delivery: Delivery) -> bool:
    """Whether the reader still belongs there and wants to hear: people leave between an event and its message."""
    user = delivery.channel.user
    return (
        delivery.channel.is_active
        and user.is_active
        and Membership.objects.filter(user=user, organization=delivery.notification.organization_id).exists()
    )


def _put_back(deliveries: Sequence[Delivery], error: SendError, message_id: UUID, now: datetime) -> None:
    attempts = max(one.attempts for one in deliveries)
    rows = Delivery.objects.filter(pk__in=[one.pk for one in deliveries])
    channels = Channel.objects.filter(pk=deliveries[0].channel_id)
    channels.update(last_error=error.problem.value)
    if error.problem in FAILURES_UNTIL_OFF:
        channels.update(is_active=False)
    if error.is_final or attempts > len(WAITS):
        rows.update(status=Delivery.Status.FAILED, error=error.problem.value, batch=message_id)
        return
    wait = max(WAITS[attempts - 1], timedelta(seconds=error.retry_after or 0))
    rows.update(
        status=Delivery.Status.PENDING, due_at=now + wait, error=error.problem.value, batch=message_id
    )
