"""Telegram by its Bot HTTP API (https://core.telegram.org/bots/api): `sendMessage`, `sendDocument`,
`sendMediaGroup`, `getUpdates`, `getMe`.

The bot's token is a part of every address, so no address and no error of the HTTP library is logged or kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings

from accounts.notifications.errors import Problem, SendError
from accounts.notifications.models import Channel
from accounts.notifications.wording import Message

TIMEOUT = (5, 15)
"""Seconds to connect and to read."""

TEXT_AT_MOST = 4096
"""Characters of one message."""

CAPTION_AT_MOST = 1024
"""Characters of a text that goes with files."""

FILES_AT_MOST = 10
"""Files of one message."""

FILES_TIMEOUT = (5, 120)
SENDING = ("sendMessage", "sendDocument", "sendMediaGroup")

_CODE = re.compile(r"^/(?:start|link)(?:@\w+)?\s+([\w-]{16,64})\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """A one-time code, and the chat that it came from."""

    code: str
    chat_id: int
    title: str


def is_configured() -> bool:
    return bool(settings.TELEGRAM_BOT_TOKEN)


def send(channel: Channel, message: Message) -> None:
    """One call, with all files in it: a second attempt repeats nothing that had arrived."""
    chat, files = channel.configuration["chat_id"], message.attachments[:FILES_AT_MOST]
    text = f"{message.title}\n\n{message.text}".strip()
    if not files:
        preview = {"is_disabled": True}
        _call("sendMessage", chat_id=chat, text=_cut(text, TEXT_AT_MOST), link_preview_options=preview)
        return
    caption = _cut(text, CAPTION_AT_MOST)
    parts = {f"file{place}": (file.name, file.content, file.content_type) for place, file in enumerate(files)}
    if len(files) == 1:
        _call_with_files("sendDocument", {"document": parts["file0"]}, chat_id=chat, caption=caption)
        return
    media = [{"type": "document", "media": f"attach://{name}"} for name in parts]
    media[-1]["caption"] = caption  # below the last file it stands below all of them
    _call_with_files("sendMediaGroup", parts, chat_id=chat, media=json.dumps(media))


def bot_name() -> str:
    """For the link `https://t.me/<name>?start=<code>`."""
    return str(_call("getMe")["username"])


def take_codes() -> list[ChatMessage]:
    """The codes that people sent to the bot since the last time; what is read once is not given again."""
    updates = _call("getUpdates", timeout=0, allowed_updates=["message", "channel_post"])
    if updates:
        _call("getUpdates", timeout=0, offset=updates[-1]["update_id"] + 1, limit=1)
    found = []
    for update in updates:
        said = update.get("message") or update.get("channel_post") or {}
        match = _CODE.match(said.get("text") or "")
        if match:
            chat = said["chat"]
            title = chat.get("title") or chat.get("username") or chat.get("first_name") or str(chat["id"])
            found.append(ChatMessage(code=match[1], chat_id=chat["id"], title=title))
    return found


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _call(method: str, **parameters: Any) -> Any:
    """The answer's `result`; raises SendError."""
    return _post(method, json=parameters, timeout=TIMEOUT)


def _call_with_files(method: str, files: Mapping[str, tuple[str, bytes, str]], **parameters: Any) -> Any:
    return _post(method, data=parameters, files=files, timeout=FILES_TIMEOUT)


def _post(method: str, timeout: tuple[int, int], **request: Any) -> Any:
    if not is_configured():
        raise SendError(Problem.NOT_CONFIGURED, is_final=True)
    url = f"{settings.TELEGRAM_API_URL.rstrip('/')}/bot{settings.TELEGRAM_BOT_TOKEN}/{method}"
    try:
        response = requests.post(url, timeout=timeout, allow_redirects=False, **request)
        answer = response.json()
    except requests.RequestException:
        raise SendError(Problem.UNREACHABLE) from None  # its text has the address, and that the token
    if answer.get("ok"):
        return answer["result"]
    code = answer.get("error_code", response.status_code)
    if code == 429:
        raise SendError(Problem.BUSY, retry_after=answer.get("parameters", {}).get("retry_after"))
    if (code == 403 and method in SENDING) or (code == 400 and method == "sendMessage"):
        raise SendError(Problem.CHAT_CLOSED, is_final=True)
    if code in (401, 404):
        raise SendError(Problem.NOT_CONFIGURED, is_final=True)
    raise SendError(Problem.BUSY if code >= 500 else Problem.REFUSED, is_final=code < 500)
