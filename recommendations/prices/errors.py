"""What can go wrong with prices.

PriceError
├── NothingToRead          no connection of the provider that is active and has been read lately
├── ReadingRuns            another reading of the same lists is under way
└── InvalidPriceFile       a file that is refused as a whole; `problems` name row and column
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class PriceError(Exception):
    """Base of this app's errors."""


class NothingToRead(PriceError):
    """No connection through which the list could be read."""


class ReadingRuns(PriceError):
    """Somebody reads the same lists at this moment."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`row` counts from 1, the heading; `column` is "" where the whole row or file is meant. The message is lazy."""

    row: int
    column: str
    message: Any


class InvalidPriceFile(PriceError):
    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = list(problems)
