"""JSON web tokens as Beget's cloud API issues them: HS256, expiring by the emulator's clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


class Tokens:
    """Issues and checks tokens with a key that lives as long as the server."""

    def __init__(self, lifetime: timedelta) -> None:
        self._lifetime = lifetime
        self._key = secrets.token_bytes(32)
        self._revoked: set[str] = set()

    def issue(self, login: str, customer_id: int, *, remote: str, at: datetime) -> str:
        """A three-part token for an account, valid for the lifetime from `at`."""
        payload = {
            "customerId": str(customer_id),
            "customerLogin": login,
            "env": "web",
            "ip": remote,
            "exp": int((at + self._lifetime).timestamp()),
            "jti": secrets.token_hex(8),
        }
        signed = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(payload)}"
        return f"{signed}.{self._signature(signed)}"

    def login(self, token: str, *, at: datetime) -> str | None:
        """The account of a valid token; None for a forged, expired or revoked one."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            return None
        payload = claims(token)
        if token in self._revoked or payload is None or payload["exp"] <= at.timestamp():
            return None
        return str(payload["customerLogin"])

    def revoke(self, token: str) -> None:
        self._revoked.add(token)

    def _signature(self, signed: str) -> str:
        return _base64(hmac.new(self._key, signed.encode(), hashlib.sha256).digest())


def claims(token: str) -> dict[str, Any] | None:
    """What a token says, unverified; None where it is not a token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _encode(values: Mapping[str, Any]) -> str:
    return _base64(json.dumps(values, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
