"""What a recommendation rule declares, and what it answers.

A rule is one small class in a module of its own under `recommendations.rules`. It is given facts and options and answers
with a `Finding`, a `NotMatched` or a `Skip`. Every threshold stands in its `options` and nowhere else: its description,
its settings form and its evaluation read it from there.
"""

from __future__ import annotations

import abc
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from recommendations.engine.calendar import Calendar
    from recommendations.engine.facts import ResourceFacts


class Category(TextChoices):
    CLEANUP = "cleanup", _("Clean up")
    SCHEDULE = "schedule", _("Switch off by schedule")
    RIGHTSIZING = "rightsizing", _("Right size")
    STORAGE = "storage", _("Storage class")
    RATE = "rate", _("Rate")
    ARCHITECTURE = "architecture", _("Architecture")
    HYGIENE = "hygiene", _("Order")
    PERFORMANCE = "performance", _("Performance")


class Effort(TextChoices):
    MINUTES = "minutes", pgettext_lazy("effort", "minutes")
    HOURS = "hours", pgettext_lazy("effort", "hours")
    DAYS = "days", pgettext_lazy("effort", "days")


class Risk(TextChoices):
    NONE = "none", _("none")
    LOW = "low", _("low")
    MEDIUM = "medium", _("medium")
    HIGH = "high", _("high")

    def one_step_higher(self) -> Risk:
        steps = list(Risk)
        return steps[min(steps.index(self) + 1, len(steps) - 1)]


class SkipReason(TextChoices):
    """Why a rule could not say anything about a resource; the answer to "why is there nothing here?"."""

    NO_COST = "no_cost", _("its cost is not known for enough days")
    NO_METRICS = "no_metrics", _("it is not measured")
    TOO_FEW_SAMPLES = "too_few_samples", _("it was measured too rarely")
    TOO_YOUNG = "too_young", _("it is younger than the days to look at")
    NO_PRICE = "no_price", _("no price to compare with is known")
    NO_TARGET = "no_target", _("nothing that fits is sold")
    NO_EVIDENCE = "no_evidence", _("the provider does not tell what the rule must know")
    ALREADY_OPTIMAL = "already_optimal", _("nothing better is sold")
    SAVING_TOO_SMALL = "saving_too_small", _("the saving would be too small")
    EXCLUDED_BY_USER = "excluded_by_user", _("it was excluded")
    SCOPE_INCOMPLETE = "scope_incomplete", _("what it belongs to was not read completely")
    STALE = "stale", _("it was not read lately")
    UNSUPPORTED_BY_PROVIDER = "unsupported_by_provider", _("the provider does not sell that")
    PART_OF_SOMETHING = "part_of_something", _("it is a part of something that is looked at as a whole")
    CHANGED_LATELY = "changed_lately", _("somebody changed it in the last days")
    TWIN = "twin", _("a twin of it is busy")
    GUARDED = "guarded", _("a guard of the rule keeps it")
    LOW_CONFIDENCE = "low_confidence", _("the facts are too thin to advise")
    RULE_FAILED = "rule_failed", _("the rule failed")


@dataclass(frozen=True, slots=True)
class Text:
    """A text for people, put into words when it is shown: an English message marked with `gettext_noop` and its values.

    Values are text, int, or what `money`, `percent`, `number`, `day` make; a plain Decimal is refused, because it does
    not say what it is.
    """

    message: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.params.items():
            if not isinstance(value, str | int | dict) or isinstance(value, bool):
                raise TypeError(f"{name}={value!r} has no unit: use money(), percent() or number()")

    def as_json(self) -> dict[str, Any]:
        return {"message": self.message, "params": dict(self.params)}


Value = str | int | dict[str, str]
"""A value that can be shown: text, a count, or a number with what it measures."""


def money(amount: Decimal, currency: str = "RUB") -> dict[str, str]:
    """An amount; whether it is a month's or a day's, the words around it say."""
    return {"kind": "money", "value": str(amount), "currency": currency}


def percent(value: Decimal | float) -> dict[str, str]:
    """0 to 100."""
    return {"kind": "percent", "value": str(round(Decimal(str(value)), 1))}


def number(value: Decimal | float, unit: str = "") -> dict[str, str]:
    """`unit` is an English word marked for translation (vCPU, GiB), "" where the words around it say it."""
    return {"kind": "number", "value": str(round(Decimal(str(value)), 3).normalize()), "unit": unit}


def day(value: Any) -> dict[str, str]:
    """A date."""
    return {"kind": "day", "value": value.isoformat()}


def weekly(calendar: Calendar) -> dict[str, str]:
    """When something runs in a week; `Calendar.of_text` reads the value."""
    return {"kind": "weekly", "value": calendar.as_text()}


def series_name(metric: str) -> dict[str, str]:
    """The name of a series, put into words."""
    return {"kind": "series", "value": metric}


def term(message: str) -> dict[str, str]:
    """An English text marked for translation that stands inside another one."""
    return {"kind": "term", "value": message}


# ---- what a rule declares -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One setting of a rule: the only place where a threshold is written.

    Its kind is its default's: Decimal (a share, an amount), int (a count), bool, or a tuple of texts. `label` and
    `help_text` are lazy translations; `unit` is shown behind the value.
    """

    name: str
    label: Any
    default: Decimal | int | bool | tuple[str, ...]
    unit: Any = ""
    minimum: Decimal | int | None = None
    maximum: Decimal | int | None = None
    help_text: Any = ""


class Options(Mapping[str, Any]):
    """The values of a rule's options for one resource: defaults, with what people set before them."""

    def __init__(self, declared: Iterable[Option], given: Mapping[str, Any] | None = None) -> None:
        self._values = {option.name: option.default for option in declared}
        self._values.update(given or {})

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The effective cost of at least `days` full days must be known; a number, or the name of an option."""

    days: int | str = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A series must be there over the last `days` with at least `coverage` of its points.

    Both are numbers or names of options. `is_optional`: the rule does without it, and says so.
    """

    name: str
    days: int | str
    coverage: Decimal | str = Decimal("0.7")
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """The resource must have been there for so many days; a number, or the name of an option."""

    days: int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The catalogue must have a price of the resource's provider."""


Need = Cost | Metric | Age | Prices

SMALL_SAVINGS = (
    Option(
        name="minimum_saving",
        label=_("Smallest saving worth telling"),
        default=Decimal(50),
        unit=_("₽ a month"),
        minimum=0,
    ),
    Option(
        name="minimum_saving_percent",
        label=_("… and smallest part of the cost"),
        default=Decimal(5),
        unit="%",
        minimum=0,
        maximum=100,
    ),
)
COMMON_OPTIONS = (
    Option(
        name="minimum_confidence",
        label=_("Least confidence"),
        default=Decimal("0.3"),
        minimum=Decimal(0),
        maximum=Decimal(1),
    ),
    Option(
        name="quiet_days_after_change",
        label=_("Wait after a change by a person"),
        default=3,
        unit=_("days"),
        minimum=0,
    ),
    Option(
        name="excluded_names",
        label=_("Names that the rule leaves alone"),
        default=(),
        help_text=_("Patterns such as *-keep or vpn-*, separated by commas."),
    ),
)
"""What every rule has beside its own."""


class Rule(abc.ABC):
    """One rule. Class attributes describe it; `evaluate` is pure.

    `subject` says what it is asked about: each resource of `applies_to` ("resource"), or the whole list of those of one
    connection ("connection"), for what only shows in many together. `is_destructive`: its advice deletes something.
    `saves`: whether it promises money at all (an insight does not). `guards` names the common guards that do not hold
    for it (see `guards.py`).
    """

    id: ClassVar[str]
    title: ClassVar[Any]
    description: ClassVar[Any]
    """Lazy translation with `%(option)s` where the value of an option stands."""
    category: ClassVar[Category]
    applies_to: ClassVar[frozenset[str]]
    needs: ClassVar[tuple[Need, ...]] = ()
    options: ClassVar[tuple[Option, ...]] = ()
    base_confidence: ClassVar[Decimal]
    effort: ClassVar[Effort]
    risk: ClassVar[Risk]
    subject: ClassVar[str] = "resource"
    is_destructive: ClassVar[bool] = False
    saves: ClassVar[bool] = True
    guards_off: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def declared(cls) -> tuple[Option, ...]:
        """All its options: its own first; one of the same name replaces a common one."""
        own = {option.name for option in cls.options}
        common = (*(SMALL_SAVINGS if cls.saves else ()), *COMMON_OPTIONS)
        return (*cls.options, *(option for option in common if option.name not in own))

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        """About one resource; of rules whose subject is one."""
        raise NotImplementedError

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        """About resources of one connection together: (key of the subject, answer); of rules whose subject they are."""
        raise NotImplementedError


# ---- what a rule answers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The rule holds. Amounts are a month's in `currency`; a saving of None is one whose price is not known, never 0.

    `resource_pks`: whom it is about, the first one leads. `facts` are shown, in their order, {label: value} with labels
    marked by `gettext_noop`. `formula` is the saving with its numbers in it. `matters` are the facts that make it
    another finding when they change, bucketed by the rule where they waver (`bucket`). `confidence` is the base times
    the factors of `calculations`.
    `covers`: resources whose own findings this one contains (a server's disks). `variant` parts several findings of
    one rule on one resource (targets at several providers).
    """

    resource_pks: tuple[int, ...]
    facts: Mapping[str, Value]
    current_monthly: Decimal | None
    target_monthly: Decimal | None
    saving_monthly: Decimal | None
    currency: str
    formula: Text
    steps: tuple[Text, ...]
    matters: Mapping[str, Any]
    confidence: Decimal
    summary: Text
    """What to do, in one sentence."""
    effort: Effort | None = None
    risk: Risk | None = None
    notes: tuple[Text, ...] = ()
    """What to know beside: what was not seen, what may be wrong."""
    alternatives: tuple[Text, ...] = ()
    metrics: tuple[str, ...] = ()
    """Series whose charts are the evidence."""
    covers: tuple[int, ...] = ()
    variant: str = ""
    category: Category | None = None
    one_off_cost: Decimal | None = None

    def fingerprint(self, rule_id: str) -> str:
        """Stands for what the finding says; a dismissed one returns only when this changes."""
        said = {
            "rule": rule_id,
            "resources": sorted(self.resource_pks),
            "variant": self.variant,
            "matters": dict(self.matters),
            "saving": bucket(self.saving_monthly),
        }
        text = json.dumps(said, sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class NotMatched:
    """All that is needed is known, and the rule does not hold; says by which fact."""

    why: Text


@dataclass(frozen=True, slots=True)
class Skip:
    """The rule cannot say anything; missing data is never a zero."""

    reason: SkipReason
    why: Text | None = None


Answer = Finding | NotMatched | Skip


def bucket(amount: Decimal | None, *, percent_steps: int = 10) -> str:
    """An amount so coarse that noise does not move it: steps of ten per cent of itself."""
    if amount is None:
        return "unknown"
    if amount <= 0:
        return "0"
    exponent = amount.adjusted()
    mantissa = amount.scaleb(-exponent)  # 1 <= mantissa < 10
    return f"{mantissa.ln() / (1 + Decimal(percent_steps) / 100).ln():.0f}e{exponent}"


def points_bucket(value: float | Decimal | None, *, points: int = 5) -> str:
    """A percentage in steps of five points."""
    return "unknown" if value is None else str(round(float(value) / points) * points)
