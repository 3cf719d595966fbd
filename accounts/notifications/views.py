"""The settings page of notifications: channels, when to hear of what, and what was sent."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import UserRequest, organization_required
from accounts.notifications import delivery, queries, services
from accounts.notifications.errors import Problem, SendError
from accounts.notifications.forms import WebhookForm
from accounts.notifications.models import Channel, Mode
from accounts.notifications.senders import telegram
from accounts.settings_tabs import settings_tabs

SHOWN_DELIVERIES = 30


@never_cache
@organization_required
def settings_page(request: UserRequest) -> HttpResponse:
    return _page(request, WebhookForm())


@require_POST
@organization_required
def preferences_save(request: UserRequest) -> HttpResponse:
    services.set_preferences(user=request.user, modes=queries.chosen_modes(request.POST))
    messages.success(request, _("Saved."))
    return redirect("notifications:settings")


@never_cache
@require_POST
@organization_required
def webhook_add(request: UserRequest) -> HttpResponse:
    """Answers with the page that shows the signing secret, the only one that ever does."""
    form = WebhookForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    try:
        channel, secret = services.add_webhook(user=request.user, **form.cleaned_data)
    except services.TooManyChannels:
        form.add_error(None, _("You have enough channels. Remove one that is not used any more."))
        return _page(request, form)
    return _page(request, WebhookForm(), made=channel, secret=secret)


@never_cache
@require_POST
@organization_required
def chat_begin(request: UserRequest) -> HttpResponse:
    """Shows a one-time code, as a link where the bot tells its name."""
    try:
        name = telegram.bot_name()
    except SendError as error:
        messages.error(request, _("Telegram: %(why)s") % {"why": error.problem.label})
        return redirect("notifications:settings")
    code = services.make_chat_code(user=request.user, now=timezone.now())
    return _page(request, WebhookForm(), chat_code=code, bot_name=name)


@require_POST
@organization_required
def chat_finish(request: UserRequest) -> HttpResponse:
    """Reads what came to the bot; codes of other people that came meanwhile link their chats too."""
    try:
        sent = telegram.take_codes()
    except SendError as error:
        messages.error(request, _("Telegram: %(why)s") % {"why": error.problem.label})
        return redirect("notifications:settings")
    linked = []
    for one in sent:
        try:
            channel = services.link_chat(
                code=one.code, chat_id=one.chat_id, title=one.title, now=timezone.now()
            )
        except services.TooManyChannels:
            continue
        if channel:
            linked.append(channel.user_id)
    if request.user.pk in linked:
        messages.success(request, _("The chat is linked."))
    else:
        messages.warning(
            request, _("Your code has not come yet. Send it to the bot, or make a new one, and try again.")
        )
    return redirect("notifications:settings")


@require_POST
@organization_required
def channel_test(request: UserRequest, pk: int) -> HttpResponse:
    channel = _channel(request, pk)
    problem = delivery.try_channel(channel)
    if problem is None:
        messages.success(request, _("%(channel)s: the test message was sent.") % {"channel": channel})
    else:
        messages.error(request, f"{channel}: {problem.label}")
    return redirect("notifications:settings")


@require_POST
@organization_required
def channel_switch(request: UserRequest, pk: int) -> HttpResponse:
    """Field `is_active`: on or off."""
    services.set_active(channel=_channel(request, pk), is_active=request.POST.get("is_active") == "on")
    return redirect("notifications:settings")


@require_POST
@organization_required
def channel_remove(request: UserRequest, pk: int) -> HttpResponse:
    channel = _channel(request, pk)
    services.remove_channel(channel=channel)
    messages.success(request, _("%(channel)s is removed.") % {"channel": channel})
    return redirect("notifications:settings")


def _channel(request: UserRequest, pk: int) -> Channel:
    return get_object_or_404(queries.channels_of(request.user), pk=pk)


def _page(request: UserRequest, form: WebhookForm, **more: Any) -> HttpResponse:
    services.ensure_email_channels([request.user])
    channels = list(queries.channels_of(request.user))
    context = {
        "tabs": settings_tabs(request),
        "channels": channels,
        "problems": dict(Problem.choices),
        "rows": queries.preference_rows([channel for channel in channels if channel.is_active]),
        "modes": Mode.choices,
        "deliveries": queries.last_deliveries(request.user, SHOWN_DELIVERIES),
        "form": form,
        "has_telegram": telegram.is_configured(),
        **more,
    }
    return render(request, "accounts/settings/notifications.html", context)
