"""A signed POST to an address that a person gave.

Body: JSON `{"id", "title", "items": [{"id", "kind", "organization": {"id", "name"}, "created_at", "title", "text",
"url", "data"}]}`; a digest has many items. Header `InfraZen-Signature: t=<seconds>,v1=<hex>`, where v1 is the
HMAC-SHA256 of `<t>.<body>` under the channel's secret. The same `id` may come twice: a receiver that counts it once is
right.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import requests
from django.core.serializers.json import DjangoJSONEncoder

from accounts.notifications.errors import Problem, SendError
from accounts.notifications.models import Channel
from accounts.notifications.wording import Message
from common import outbound

BUSY = {408, 425, 429}


def send(channel: Channel, message: Message) -> None:
    body = json.dumps(_payload(message), cls=DjangoJSONEncoder, ensure_ascii=False).encode()
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "InfraZen",
        "InfraZen-Signature": f"t={stamp},v1={signature(channel.configuration['secret'], stamp, body)}",
    }
    try:
        status = outbound.post(channel.configuration["url"], body, headers)
    except outbound.AddressRefused as error:
        raise SendError(Problem.FORBIDDEN_ADDRESS, is_final=True) from error
    except requests.RequestException as error:
        raise SendError(Problem.UNREACHABLE) from error
    if 300 <= status < 400:
        raise SendError(Problem.REDIRECTED, is_final=True)
    if status >= 400:
        is_busy = status in BUSY or status >= 500
        raise SendError(Problem.BUSY if is_busy else Problem.REFUSED, is_final=not is_busy)


def signature(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _payload(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "title": message.title,
        "items": [
            {
                "id": item.id,
                "kind": item.kind,
                "organization": {"id": item.organization_id, "name": item.organization},
                "created_at": item.created_at,
                "title": item.title,
                "text": item.text,
                "url": item.url,
                "data": item.data,
            }
            for item in message.items
        ],
    }
