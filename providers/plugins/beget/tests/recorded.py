"""Answers as Beget's documentation shows them, one file a call; each file names its call and source."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parent / "recorded"
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def recorded(name: str) -> Any:
    """The answer of one call, its numbers exact; a fresh copy each time."""
    return _DECODER.decode((FOLDER / f"{name}.json").read_bytes())["answer"]
