"""A volume that hangs on no server and is paid for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, sizes, steps
from recommendations.engine.calculations import confidence, kopecks
from recommendations.engine.contract import (
    Answer,
    Category,
    Cost,
    Effort,
    NotMatched,
    Option,
    Options,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    Value,
    day,
    money,
    number,
)
from recommendations.engine.facts import ResourceFacts

CLAIM_TAGS = ("kubernetes.io/created-for/pvc/name", "csi.storage.k8s.io/pvc/name")


class VolumeOrphan(Rule):
    """Names that speak of copies or claims wait longer and weigh less: they are often parked, and as often forgotten."""

    id = "volume.orphan"
    title = gettext_lazy("Volume attached to nothing")
    description = gettext_lazy(
        "A volume that has been attached to no server for at least %(days)d days, or for %(days_if_named)d days if its "
        "name says that it may be kept on purpose. After a snapshot it waits %(waiting_days)d days and is deleted."
    )
    category = Category.CLEANUP
    applies_to: ClassVar[frozenset[str]] = frozenset({"volume"})
    needs = (Cost(),)
    options = (
        Option(
            name="days", label=gettext_lazy("Unattached for"), default=7, unit=gettext_lazy("days"), minimum=1
        ),
        Option(
            name="keep_words",
            label=gettext_lazy("Words in names of what may be kept on purpose"),
            default=("keep", "backup", "pvc"),
        ),
        Option(
            name="days_if_named",
            label=gettext_lazy("Such names wait for"),
            default=30,
            unit=gettext_lazy("days"),
            minimum=1,
        ),
        Option(
            name="named_factor",
            label=gettext_lazy("Such names weigh"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        Option(
            name="short_history_factor",
            label=gettext_lazy("Weight where it was never seen attached"),
            default=Decimal("0.7"),
            minimum=Decimal(0),
            maximum=Decimal(1),
        ),
        cleanup.keep_tags("keep", "retain", "hold"),
        cleanup.WAITING_DAYS,
        Option(
            name="keeps_snapshot",
            label=gettext_lazy("The snapshot stays for good"),
            default=False,
            help_text=gettext_lazy("Then its price is taken off the saving."),
        ),
    )
    base_confidence = Decimal("0.9")
    effort = Effort.MINUTES
    risk = Risk.MEDIUM
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if facts.parent is not None:
            return NotMatched(Text(_("It is attached to “%(server)s”."), {"server": facts.parent.name}))
        if (
            refused := cleanup.not_there(facts) or cleanup.kept_by_tag(facts, options["keep_tags"])
        ) is not None:
            return refused
        since = cleanup.unused_since(facts)
        if since is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Nobody could tell what it is attached to.")))
        word = cleanup.word_in(facts.name, options["keep_words"])
        wanted = options["days_if_named" if word else "days"]
        if since.days < wanted:
            return cleanup.too_short(since.days, wanted)
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        copy = _snapshot_monthly(facts)
        kept = copy if options["keeps_snapshot"] else Decimal(0)
        if kept is None:
            return Skip(SkipReason.NO_PRICE, Text(_("No price of its snapshot is known.")))
        factor = options["named_factor"] if word else Decimal(1)
        if since.is_cut:
            factor *= options["short_history_factor"]
        shown: dict[str, Value] = {
            _("Attached to nothing since"): day(since.moment.date()),
            _("Days"): since.days,
        }
        if facts.storage_gib is not None:
            shown[_("Size")] = number(facts.storage_gib, _("GiB"))
        finding = cleanup.removal(
            facts,
            cost,
            summary=Text(_("Delete the volume “%(name)s”, which hangs on nothing."), {"name": facts.name}),
            shown=shown,
            steps=_steps(facts, options),
            matters={"size": facts.storage_gib, "class": facts.configuration.get("volume_type")},
            confidence=confidence(self.base_confidence, factor=factor, cost_days=cost.full_days),
            notes=tuple(_notes(facts, word, copy, is_cut=since.is_cut)),
        )
        if not kept:
            return finding
        return replace(
            finding,
            target_monthly=kept,
            saving_monthly=cost.monthly - kept,
            formula=Text(
                _("%(cost)s − %(copy)s for its snapshot = %(saving)s"),
                {
                    "cost": money(kopecks(cost.monthly), cost.currency),
                    "copy": money(kopecks(kept), cost.currency),
                    "saving": money(kopecks(cost.monthly - kept), cost.currency),
                },
            ),
        )


def _snapshot_monthly(facts: ResourceFacts) -> Decimal | None:
    """What a snapshot of all of it costs by list."""
    offer = facts.connection.prices.snapshot_price(
        facts.connection.provider_type,
        family=sizes.disk_family_of(facts),
        region_id=facts.region_id or None,
        zone_id=sizes.zone_of(facts),
    )
    if offer is None or facts.storage_gib is None or offer.currency != facts.currency:
        return None
    return offer.monthly * facts.storage_gib


def _steps(facts: ResourceFacts, options: Options) -> tuple[Text, ...]:
    claim = _claim(facts)
    first = (
        Text(
            _("It belongs to the Kubernetes volume claim “%(claim)s”: delete the claim, not the disk."),
            {"claim": claim},
        )
        if claim
        else Text(_("Find the server that it was last attached to, in its history here or at the provider."))
    )
    return (
        first,
        steps.ask_owner(facts),
        steps.snapshot_volume(facts),
        *steps.after_a_copy(facts, options["waiting_days"]),
    )


def _notes(facts: ResourceFacts, word: str, copy: Decimal | None, *, is_cut: bool) -> list[Text]:
    notes = []
    if word:
        notes.append(
            Text(
                _("Its name says “%(word)s”: it may be kept on purpose, so look inside first."),
                {"word": word},
            )
        )
    if is_cut:
        notes.append(Text(_("It was attached to nothing when it was first seen; for how long is not known.")))
    if copy is not None:
        notes.append(
            Text(
                _("While its snapshot is kept, that costs up to %(cost)s a month."),
                {"cost": money(kopecks(copy), facts.currency)},
            )
        )
    return notes


def _claim(facts: ResourceFacts) -> str:
    tagged = next((facts.tags[key] for key in CLAIM_TAGS if facts.tags.get(key)), "")
    return tagged or (facts.name if facts.name.casefold().startswith("pvc-") else "")
