"""Secrets are replaced on the way in, so that no plugin, log, record or page can pass them on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

REDACTED = "[redacted]"

SECRET_NAMES = frozenset(
    {
        "access_key",
        "access_token",
        "api_key",
        "apikey",
        "authorization",
        "client_secret",
        "id_token",
        "jwt",
        "pass",
        "passwd",
        "password",
        "private_key",
        "refresh_token",
        "secret",
        "secret_access_key",
        "secret_key",
        "token",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """What is secret in a provider's payloads, beyond the names that are secret everywhere.

    `names` are keys; `nested` are keys that are secret only inside an object of that name, (outer, inner);
    `value_types` are the types whose `value` is secret in objects like {"type": "PASSWORD", "value": …}.
    Names are compared without regard to case. Empty values stay, so that "not set" can be told from "set".
    """

    names: frozenset[str] = frozenset()
    nested: frozenset[tuple[str, str]] = frozenset()
    value_types: frozenset[str] = frozenset()

    def clean(self, payload: Any, *, keep: Collection[str] = ()) -> Any:
        """`payload` with its secrets replaced, changed in place; `keep` names what this one call is made for.

        NUL characters are taken out as well: no database of ours stores them.
        """
        secret_names = (SECRET_NAMES | self.names) - frozenset(keep)
        return self._clean(payload, outer="", secret_names=secret_names)

    def _clean(self, value: Any, *, outer: str, secret_names: frozenset[str]) -> Any:
        if isinstance(value, str):
            return value.replace("\x00", "") if "\x00" in value else value
        if isinstance(value, list):
            for position, item in enumerate(value):
                if isinstance(item, dict | list | str):
                    value[position] = self._clean(item, outer=outer, secret_names=secret_names)
            return value
        if not isinstance(value, dict):
            return value
        has_secret_value = value.get("type") in self.value_types if self.value_types else False
        for key, item in value.items():
            name = key.lower()
            is_secret = (
                name in secret_names or (outer, name) in self.nested or (has_secret_value and name == "value")
            )
            if is_secret and item not in (None, "", [], {}):
                value[key] = REDACTED
            elif isinstance(item, dict | list | str):
                value[key] = self._clean(item, outer=name, secret_names=secret_names)
        return value
