"""Facts of an event as plain JSON: short, without any secret, and storable in every database."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Model

from common.logs import MASK, is_secret_name, without_secrets

LONGEST = 1000
"""Characters of one text; an entry tells that something changed, and does not archive it."""

MOST = 100
"""Items of one list or mapping."""

DEPTH = 5


def changes_as_json(changes: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """{field: [before, after]}; of a secret only whether there was one."""
    return {
        name: [_masked(value) for value in pair] if is_secret_name(name) else _clean(pair)
        for name, pair in changes.items()
    }


def details_as_json(details: Mapping[str, Any]) -> dict[str, Any]:
    cleaned: dict[str, Any] = without_secrets(plain(details))
    return cleaned


def text(value: Any, longest: int = LONGEST) -> str:
    """What every database can store: no NUL, no half of a character pair, not longer than its column."""
    clean = str(value).replace("\x00", "�").encode("utf-8", "replace").decode()
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


def plain(value: Any, depth: int = 0) -> Any:
    """JSON of whatever a caller gave; instants as ISO 8601 in UTC, amounts as text, objects by their names."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str | bytes | Model) or not isinstance(value, Iterable):
        return text(value)
    if depth >= DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {text(key): plain(item, depth + 1) for key, item in list(value.items())[:MOST]}
    items = list(value)
    return [*(plain(item, depth + 1) for item in items[:MOST]), *(["…"] if len(items) > MOST else [])]


def _masked(value: Any) -> str | None:
    return MASK if value else None


def _clean(pair: Sequence[Any]) -> list[Any]:
    values: list[Any] = without_secrets({"pair": plain(list(pair))})["pair"]
    return values
