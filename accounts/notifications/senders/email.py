"""E-mail to the address that the person signs in with."""

from __future__ import annotations

from smtplib import SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.notifications.errors import Problem, SendError
from accounts.notifications.models import Channel
from accounts.notifications.wording import Message, as_reader


def send(channel: Channel, message: Message) -> None:
    """Text and HTML; the message's id is its Message-ID, so that mailboxes fold a repeated attempt into one."""
    host = settings.SITE_URL.partition("://")[2].partition("/")[0].partition(":")[0] or "infrazen"
    with as_reader(channel.user):
        body = render_to_string("notifications/email.txt", {"message": message})
        html = render_to_string("notifications/email.html", {"message": message})
    letter = EmailMultiAlternatives(
        subject=f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{message.title}",
        body=body,
        to=[channel.user.email],
        headers={"Message-ID": f"<{message.id}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    letter.attach_alternative(html, "text/html")
    for file in message.attachments:
        letter.attach(file.name, file.content, file.content_type)
    try:
        letter.send()
    except SMTPRecipientsRefused as error:
        raise SendError(Problem.REFUSED, is_final=True) from error
    except (SMTPException, OSError) as error:
        raise SendError(Problem.UNREACHABLE) from error
