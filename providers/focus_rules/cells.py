"""Cells of a file as values: text of CSV or typed values of Parquet. Strict, where the importer's reading is lenient."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE]-?[0-9]{1,3})?")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z", re.ASCII)


def number(value: Any) -> Decimal | None:
    """A number as FOCUS writes it; None for everything else."""
    if isinstance(value, str):
        return _number_of_text(value)
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _number_of_text(repr(value).replace("e+", "e"))


@lru_cache(maxsize=1 << 16)
def _number_of_text(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def instant(value: Any) -> datetime | None:
    """`2026-10-01T00:00:00Z`, or a typed instant in UTC; None for everything else."""
    if isinstance(value, str):
        return _instant_of_text(value)
    if isinstance(value, datetime) and value.utcoffset() == timedelta(0):
        return value
    return None


@lru_cache(maxsize=1 << 14)
def _instant_of_text(text: str) -> datetime | None:
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        return None


NESTED = ("AllocatedMethodDetails", "CommitmentProgramEligibilityDetails", "ContractApplied")
"""Columns whose JSON objects hold lists of objects. Source: FOCUS_Spec 1.3, attribute “JSON Object Format”."""


def is_object(value: Any) -> bool:
    """Whether it is the text of a JSON object."""
    try:
        return isinstance(value, str) and isinstance(json.loads(value, parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        return False


def is_flat_object(value: Any) -> bool:
    """Whether it is the text of a JSON object with unique keys whose values are neither objects nor lists."""
    return isinstance(value, str) and _is_flat_object(value)


@lru_cache(maxsize=1 << 14)
def _is_flat_object(text: str) -> bool:
    try:
        pairs = json.loads(text, object_pairs_hook=list, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    if not text.lstrip().startswith("{") or not isinstance(pairs, list):
        return False
    keys = [key for key, _content in pairs]
    # An inner object is a list here as well: the hook made it one
    return len(keys) == len(set(keys)) and not any(isinstance(content, list) for _key, content in pairs)


def _refuse(name: str) -> None:
    raise ValueError(name)
