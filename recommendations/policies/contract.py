"""What a kind of policy declares, what it is asked about, and what it answers. Pure.

A kind is one small class in a module of its own under `recommendations.policies.kinds`. Its parameters are declared once,
as options of rules are: the form, the API and the check follow from them. A kind that cannot know answers `Unknown`, which
neither finds a violation nor ends one.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from recommendations.engine.calendar import Calendar
from recommendations.engine.contract import Option, Options, Text
from recommendations.rulebook import parse_option

DAYS_IN_MONTH = 30


class InvalidParameters(ValueError):
    """Parameters that no resource could be held against; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Kept:
    """All that is needed is known, and the resource is as the policy wants it."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The policy is broken, as `why` tells."""

    why: Text


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be told: not read lately, or something is not known."""


Answer = Kept | Broken | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One resource as the last sync saw it.

    `is_certain` is false where its scope could not be read or it may be gone. `daily_rub` is its own run rate a day
    without components, None where no cost or no rate of exchange is known. `tags` have keys in lower case, a person's
    before the provider's. `orphan_since` is not before our history begins. `looked_at` are the instants of the last days
    at which syncs read it, `seen_running` those of them at which it ran.
    """

    pk: int
    name: str
    resource_type: str
    region_id: str = ""
    is_certain: bool = True
    is_gone: bool = False
    daily_rub: Decimal | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    is_orphan: bool = False
    orphan_since: datetime | None = None
    looked_at: Sequence[datetime] = ()
    seen_running: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A whole scope: roubles a day over what is known, and how many of its resources' costs are not."""

    daily_rub: Decimal
    count: int
    uncertain_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When the question is asked; `calendar` is the policy's power schedule, None where it has none."""

    now: datetime
    today: date
    zone: ZoneInfo
    calendar: Calendar | None = None
    rests_on_holidays: bool = True


class Kind(abc.ABC):
    """One kind of policy. `applies_to` None is every type; `needs` names what is read beside the open states.

    `asks_gone`: it looks at what was deleted and is still billed, too. `choices` are values to offer of an option.
    """

    id: ClassVar[str]
    title: ClassVar[Any]
    description: ClassVar[Any]
    options: ClassVar[tuple[Option, ...]]
    applies_to: ClassVar[frozenset[str] | None] = None
    needs: ClassVar[frozenset[str]] = frozenset()
    asks_gone: ClassVar[bool] = False
    has_calendar: ClassVar[bool] = False

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Options:
        """Parameters as people, the API or the database give them; raises InvalidOption and InvalidParameters."""
        unknown = set(given) - {option.name for option in cls.options}
        if unknown:
            raise InvalidParameters(f"{cls.id} has no parameter {sorted(unknown)[0][:60]}")
        values = {
            option.name: parse_option(option, given[option.name])
            for option in cls.options
            if option.name in given
        }
        options = Options(cls.options, values)
        cls.refuse(options)
        return options

    @classmethod
    def refuse(cls, options: Options) -> None:
        """Raises InvalidParameters where values do not fit together; most kinds refuse nothing besides."""
        return

    @classmethod
    def is_whole(cls, options: Options) -> bool:
        """Whether it is about its whole scope as one subject."""
        return False

    @classmethod
    def asks(cls, subject: Subject) -> bool:
        if subject.is_gone and not cls.asks_gone:
            return False
        return cls.applies_to is None or subject.resource_type in cls.applies_to

    @classmethod
    def choices(cls) -> Mapping[str, Iterable[tuple[str, Any]]]:
        return {}

    def answer(self, subject: Subject, options: Options, moment: Moment) -> Answer:
        """About one resource; what is not certain proves nothing."""
        return self.check(subject, options, moment) if subject.is_certain else Unknown()

    @abc.abstractmethod
    def check(self, subject: Subject, options: Options, moment: Moment) -> Answer:
        """About one resource that was read."""

    def check_sum(self, found: Sum, options: Options, moment: Moment) -> Answer:
        """About the whole scope; of kinds that can be."""
        raise NotImplementedError
