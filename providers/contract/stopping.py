"""What a provider stops charging for something that is switched off for a while."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal


class StopBy(enum.StrEnum):
    """How it is switched off so that it is not charged, and comes back as it was.

    `stop`: stopping is enough. `shelve`: it must be taken from its host, which keeps its disks and addresses.
    `recreate`: only what does not exist is free: an image is kept, and a new one is made from it.
    """

    STOP = "stop"
    SHELVE = "shelve"
    RECREATE = "recreate"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSaves:
    """`share` (0 to 1) of its own price is not charged meanwhile: its disks and addresses are resources of their own.

    `least_hours` is what is charged at least: with 24 only whole calendar days are free.
    """

    by: StopBy
    share: Decimal = Decimal(1)
    least_hours: int = 1
