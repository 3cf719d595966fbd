"""Replicas of a database that is not production: high availability that nobody needs there."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import steps
from recommendations.engine.calculations import confidence
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
)
from recommendations.engine.databases import host_count
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.rates import shown

COST_DAYS = 14


class DatabaseNonprodHa(Rule):
    id = "database.nonprod_ha"
    title = gettext_lazy("Replicas outside production")
    description = gettext_lazy(
        "A database of development, test or staging runs on more than %(hosts_kept)s host; the others only matter where an "
        "outage costs money."
    )
    category = Category.RIGHTSIZING
    applies_to = frozenset({"database"})
    options = (
        Option(
            name="hosts_kept",
            label=gettext_lazy("Hosts that a database needs outside production"),
            default=1,
            minimum=1,
            maximum=5,
        ),
    )
    needs = (Cost(days=3),)
    base_confidence = Decimal("0.7")
    effort = Effort.MINUTES
    risk = Risk.LOW
    guards_off = frozenset({"standby"})
    """A replica is what the rule is about."""

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        if not facts.environment:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("Its environment is not known.")))
        if not facts.is_development:
            return NotMatched(
                Text(
                    _("Its environment is %(environment)s, not development, test or staging."),
                    {"environment": facts.environment},
                )
            )
        hosts = host_count(facts)
        if hosts is None:
            return Skip(
                SkipReason.NO_EVIDENCE, Text(_("The provider does not tell on how many hosts it runs."))
            )
        kept = int(options["hosts_kept"])
        if hosts <= kept:
            return NotMatched(
                Text(_("It runs on %(hosts)d hosts; %(kept)d are kept."), {"hosts": hosts, "kept": kept})
            )
        cost = facts.cost_with_components(COST_DAYS)
        if cost is None:
            return Skip(SkipReason.NO_COST)
        current = cost.monthly
        saving = current * (hosts - kept) / hosts
        return Finding(
            resource_pks=(facts.pk,),
            facts={
                _("Hosts now"): hosts,
                _("Hosts needed"): kept,
                _("Environment"): facts.environment,
                _("Engine"): " ".join(filter(None, (facts.engine, facts.engine_version))),
                _("Size of all hosts"): steps.size_in_words(facts.vcpus, facts.memory_mib, facts.storage_gib),
                _("Cost a month"): shown(current, cost.currency),
            },
            current_monthly=current,
            target_monthly=current - saving,
            saving_monthly=saving,
            currency=cost.currency,
            formula=Text(
                _("%(current)s × %(extra)d of %(hosts)d hosts = %(saving)s"),
                {
                    "current": shown(current, cost.currency),
                    "extra": hosts - kept,
                    "hosts": hosts,
                    "saving": shown(saving, cost.currency),
                },
            ),
            steps=(
                steps.ask_owner(facts),
                Text(_("Make a backup of “%(name)s”."), {"name": facts.name}),
                Text(
                    _("Check that no program reads from a replica of “%(name)s” by its own address."),
                    {"name": facts.name},
                ),
                Text(
                    _("Take %(extra)d hosts away from “%(name)s”; the main one stays."),
                    {"extra": hosts - kept, "name": facts.name},
                ),
            ),
            matters={"hosts": hosts, "kept": kept, "size": (facts.vcpus, facts.memory_mib)},
            confidence=confidence(self.base_confidence, cost_days=cost.full_days),
            summary=Text(
                _("Run “%(name)s” on %(kept)d host instead of %(hosts)d: it is not production."),
                {"name": facts.name, "kept": kept, "hosts": hosts},
            ),
        )
