"""How a message leaves: one module a channel, each with `send(channel, message)` that returns or raises SendError."""

from __future__ import annotations

from collections.abc import Callable

from accounts.notifications.models import Channel
from accounts.notifications.senders import email, telegram, webhook
from accounts.notifications.wording import Message

SENDERS: dict[str, Callable[[Channel, Message], None]] = {
    Channel.Kind.EMAIL: email.send,
    Channel.Kind.TELEGRAM: telegram.send,
    Channel.Kind.WEBHOOK: webhook.send,
}


def send(channel: Channel, message: Message) -> None:
    """Raises SendError."""
    SENDERS[channel.kind](channel, message)
