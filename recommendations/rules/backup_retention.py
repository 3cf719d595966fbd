"""More backups of one source than the policy asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, copies, guards, steps
from recommendations.engine.calculations import confidence, kopecks
from recommendations.engine.contract import (
    Answer,
    Category,
    Cost,
    Effort,
    Finding,
    NotMatched,
    Option,
    Options,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    money,
    number,
)
from recommendations.engine.facts import ResourceFacts

STEPS_SHOWN = 20
"""Of so many copies each has its own command; the names of all are told."""


class BackupRetention(Rule):
    """Of each day and of each month the newest copy stays; what a copy builds on stays with it."""

    id = "backup.retention"
    title = gettext_lazy("More backups than the policy")
    description = gettext_lazy(
        "Backups of one source beyond one for each of the last %(daily)d days and one for each of the last %(monthly)d "
        "months. What a tag keeps by law or contract does not count."
    )
    category = Category.STORAGE
    applies_to: ClassVar[frozenset[str]] = frozenset({"backup"})
    needs = (Cost(),)
    subject = "connection"
    options = (
        Option(name="daily", label=gettext_lazy("Daily copies"), default=30, minimum=1),
        Option(name="monthly", label=gettext_lazy("Monthly copies"), default=12, minimum=0),
        cleanup.keep_tags("legal-hold", "compliance", "immutable", "retain", "keep", "hold"),
        Option(
            name="keep_words",
            label=gettext_lazy("Words in names of what is kept for long"),
            default=("yearly", "annual", "legal", "accounting"),
        ),
        Option(
            name="incremental_factor",
            label=gettext_lazy("Weight where copies hold only what changed"),
            default=Decimal("0.6"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        cleanup.WAITING_DAYS,
    )
    base_confidence = Decimal("0.6")
    effort = Effort.HOURS
    risk = Risk.MEDIUM
    is_destructive = True
    guards_off = frozenset({"needs"})
    """What is too young to have a known cost is a copy all the same."""

    def evaluate_connection(
        self, facts: Sequence[ResourceFacts], options: Options
    ) -> Iterable[tuple[str, Answer]]:
        unmet = {each.pk: guards.unmet_need(type(self), each, options) for each in facts}
        yield from ((f"resource:{pk}", skip) for pk, skip in unmet.items() if skip is not None)
        for source, group in copies.by_source(facts).items():
            if all(unmet[each.pk] for each in group):
                continue
            if source:
                yield f"source:{source}", self._answer(group, options)
            else:
                unknown = Skip(SkipReason.NO_EVIDENCE, Text(_("What these backups are of is not known.")))
                yield "source:", unknown

    def _answer(self, group: Sequence[ResourceFacts], options: Options) -> Answer:
        excess = [
            each
            for each in _beyond(group, options)
            if guards.unmet_need(type(self), each, options) is None
            and cleanup.not_there(each) is None
            and cleanup.kept_by_tag(each, options["keep_tags"]) is None
            and cleanup.kept_by_name(each, options["keep_words"]) is None
            and _may_go(each)
            and not copies.chain_of(each, group)
        ]
        costs = [cost for each in excess if (cost := each.cost(cleanup.COST_DAYS)) is not None]
        if not excess or len(costs) != len(excess):
            return NotMatched(
                Text(_("%(count)d copies are there; the policy keeps each of them."), {"count": len(group)})
            )
        saving = sum((cost.monthly for cost in costs), Decimal(0))
        partial = any(copies.is_incremental(each) for each in excess)
        services = sorted({each.service_name or each.native_type for each in group})
        newest = excess[0]
        return Finding(
            resource_pks=tuple(each.pk for each in excess),
            facts={
                _("Copies of"): copies.source_name(newest),
                _("Copies"): len(group),
                _("Beyond the policy"): len(excess),
                _("Together"): number(copies.gib(excess), _("GiB")),
                _("Made by"): ", ".join(services),
            },
            current_monthly=saving,
            target_monthly=Decimal(0),
            saving_monthly=saving,
            currency=costs[0].currency,
            formula=Text(
                _("%(count)d copies, %(size)s GiB: %(cost)s a month"),
                {
                    "count": len(excess),
                    "size": number(copies.gib(excess)),
                    "cost": money(kopecks(saving), costs[0].currency),
                },
            ),
            steps=(
                Text(_("Check how long the law or a contract asks to keep them.")),
                Text(_("Restore one of the copies that stay, to see that it is whole.")),
                Text(
                    _("Set the policy to %(daily)d daily and %(monthly)d monthly copies."),
                    {"daily": options["daily"], "monthly": options["monthly"]},
                ),
                steps.wait(options["waiting_days"]),
                Text(
                    _("What will disappear: %(names)s."), {"names": ", ".join(each.name for each in excess)}
                ),
                *(steps.delete(each) for each in excess[:STEPS_SHOWN]),
            ),
            matters={"copies": sorted(each.resource_id for each in excess)},
            confidence=confidence(
                self.base_confidence,
                factor=options["incremental_factor"] if partial else Decimal(1),
                cost_days=min(cost.full_days for cost in costs),
            ),
            summary=Text(
                _("Delete %(count)d backups of “%(source)s” that the policy does not ask for."),
                {"count": len(excess), "source": copies.source_name(newest)},
            ),
            notes=(Text(_("Several services back it up: one may be enough.")),) if len(services) > 1 else (),
        )


def _may_go(facts: ResourceFacts) -> bool:
    """Whether it may be deleted at all: a lock holds until its day."""
    return facts.configuration.get("is_immutable") is not True


def _beyond(group: Sequence[ResourceFacts], options: Options) -> list[ResourceFacts]:
    """What is kept neither as the newest of a day nor as the newest of a month.

    Today's copy may not be made yet: then the day before the first of the last days still has its own.
    """
    today = group[0].connection.today
    first_day = today - timedelta(days=options["daily"])
    days: set[date] = set()
    months = {_month(today, back) for back in range(options["monthly"])}
    seen: set[object] = set()
    found = []
    for each in group:  # the newest first
        made = each.created_at.astimezone(each.connection.zone).date()
        if made >= first_day and len(days) < options["daily"]:
            days.add(made)
        places: list[object] = [made] if made in days else []
        if (made.year, made.month) in months:
            places.append((made.year, made.month))
        if set(places) - seen:
            seen.update(places)
        else:
            found.append(each)
    return found


def _month(today: date, back: int) -> tuple[int, int]:
    index = today.year * 12 + today.month - 1 - back
    return index // 12, index % 12 + 1
