"""What rules about unused things share: how long it is unused, what keeps it, and the saving of its whole cost. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine.calculations import kopecks
from recommendations.engine.contract import Finding, NotMatched, Option, Skip, SkipReason, Text, Value, money
from recommendations.engine.facts import CostSummary, ResourceFacts

COST_DAYS = 14
"""Over how many full days the cost of what stays as it is is averaged."""

WAITING_DAYS = Option(
    name="waiting_days",
    label=gettext_lazy("Wait before deleting"),
    default=14,
    unit=gettext_lazy("days"),
    minimum=7,
    maximum=30,
)
"""An option of rules whose advice ends with a deletion."""

NO_WORDS = frozenset({"false", "no", "0", "off"})
GONE = frozenset({"deleted", "deleted_billed"})


@dataclass(frozen=True, slots=True)
class Since:
    """Since when something is so. `is_cut`: nothing is known from before, it may be so for longer."""

    moment: datetime
    days: int
    is_cut: bool


def unused_since(facts: ResourceFacts) -> Since | None:
    """Since when nothing uses it; None where something does, or nobody could look."""
    if not facts.is_orphan:
        return None
    moment = facts.orphan_since or facts.first_seen_at
    return Since(moment, facts.days_since(moment), moment <= facts.first_seen_at)


def kept_by_tag(facts: ResourceFacts, tags: Iterable[str]) -> Skip | None:
    for tag in tags:
        value = facts.tags.get(tag.casefold())
        if value is not None and value.casefold() not in NO_WORDS:
            return Skip(
                SkipReason.GUARDED, Text(_("Its tag “%(tag)s” says that it is to stay."), {"tag": tag})
            )
    return None


def word_in(name: str, words: Iterable[str]) -> str:
    """The first of the words that a part of the name begins with ("pg-backups-1": backup), "" without one."""
    parts = [part for part in re.split(r"[\W_\d]+", name.casefold()) if part]
    return next((word for word in words if any(part.startswith(word.casefold()) for part in parts)), "")


def kept_by_name(facts: ResourceFacts, words: Iterable[str]) -> Skip | None:
    word = word_in(facts.name, words)
    if not word:
        return None
    return Skip(
        SkipReason.GUARDED,
        Text(_("Its name says “%(word)s”: such things are quiet on purpose."), {"word": word}),
    )


def not_there(facts: ResourceFacts) -> NotMatched | None:
    """What is billed and gone is another rule's; what is being made is nobody's yet."""
    if facts.status in GONE:
        return NotMatched(Text(_("It is not listed any more.")))
    if facts.status == "pending":
        return NotMatched(Text(_("It is being made or changed just now.")))
    return None


def too_short(days: int, wanted: int) -> NotMatched:
    return NotMatched(
        Text(
            _("It has been so for %(days)d days; the rule waits for %(wanted)d."),
            {"days": days, "wanted": wanted},
        )
    )


def whole_cost_formula(cost: CostSummary) -> Text:
    return Text(
        _("%(day)s a day × 30 = %(month)s"),
        {
            "day": money(kopecks(cost.day_cost), cost.currency),
            "month": money(kopecks(cost.monthly), cost.currency),
        },
    )


def removal(
    facts: ResourceFacts,
    cost: CostSummary,
    *,
    summary: Text,
    shown: Mapping[str, Value],
    steps: tuple[Text, ...],
    matters: Mapping[str, Any],
    confidence: Decimal,
    notes: tuple[Text, ...] = (),
    metrics: tuple[str, ...] = (),
) -> Finding:
    """A finding that saves all that the resource costs."""
    return Finding(
        resource_pks=(facts.pk,),
        facts=shown,
        current_monthly=cost.monthly,
        target_monthly=Decimal(0),
        saving_monthly=cost.monthly,
        currency=cost.currency,
        formula=whole_cost_formula(cost),
        steps=steps,
        matters=matters,
        confidence=confidence,
        summary=summary,
        notes=notes,
        metrics=metrics,
    )


def keep_tags(*names: str) -> Option:
    """An option of rules that leave alone what bears one of these tags."""
    return Option(name="keep_tags", label=gettext_lazy("Tags of what is kept"), default=names)
