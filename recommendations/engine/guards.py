"""What holds for every rule before it is asked: fresh data, age, exclusions, parts of something, twins. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from django.utils.translation import gettext_noop as _

from recommendations.engine.contract import (
    Age,
    Category,
    Cost,
    Metric,
    Options,
    Prices,
    Rule,
    Skip,
    SkipReason,
    Text,
    number,
    percent,
    series_name,
)
from recommendations.engine.facts import ResourceFacts

IGNORE_TAGS = ("finops:ignore", "finops-ignore", "finops_ignore")
STANDBY = re.compile(r"(^|[-_.\d])(standby|replica|slave|secondary|failover)([-_.\d]|$)", re.IGNORECASE)
STANDBY_TAGS = ("standby", "replica", "role")
STANDBY_WORDS = frozenset({"standby", "replica", "slave", "secondary", "failover", "true", "yes", "1", ""})
GROUP_KEYS = ("node_group_id", "nodegroup_id", "cluster_id", "autoscaling_group_id", "instance_group_id")
QUIET_CATEGORIES = (Category.CLEANUP, Category.RIGHTSIZING, Category.SCHEDULE)
"""What concludes something from little use."""


def ignored_by_tag(facts: ResourceFacts, rule_id: str) -> bool:
    """Tag `finops:ignore`, of everything or of the rules that its value names."""
    for key in IGNORE_TAGS:
        value = facts.tags.get(key)
        if value is not None:
            named = {each.strip() for each in re.split(r"[,;\s]+", value) if each.strip()}
            if not named or named & {"true", "yes", "1", "all", "*"} or rule_id in named:
                return True
    return False


def name_is_excluded(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(name.casefold(), pattern.strip().casefold()) for pattern in patterns)


def is_standby(facts: ResourceFacts) -> bool:
    """Quiet because another one works: by its name or its tag."""
    if facts.resource_type not in ("server", "dedicated_server", "database"):
        return False
    return bool(STANDBY.search(facts.name)) or any(
        facts.tags.get(key, "none").casefold() in STANDBY_WORDS for key in STANDBY_TAGS
    )


def is_part_of_something(facts: ResourceFacts) -> bool:
    """A member of a node group, a scaling group or a database cluster."""
    return any(facts.configuration.get(key) for key in GROUP_KEYS) or (
        facts.parent is not None
        and facts.parent.resource_type in ("kubernetes_node_group", "kubernetes_cluster", "database")
        and facts.resource_type == "server"
    )


def check(rule: type[Rule], facts: ResourceFacts, options: Options) -> Skip | None:
    """The first thing that keeps the rule from being asked about this resource; None lets it be asked.

    Exclusion by tag or name is not among it: what is excluded is evaluated and listed apart.
    """
    off = rule.guards_off
    if "scope" not in off and facts.is_stale:
        return Skip(SkipReason.SCOPE_INCOMPLETE)
    if "part" not in off and is_part_of_something(facts):
        return Skip(SkipReason.PART_OF_SOMETHING)
    if "change" not in off and facts.changed_at is not None:
        days = facts.days_since(facts.changed_at)
        if days < options["quiet_days_after_change"]:
            return Skip(
                SkipReason.CHANGED_LATELY,
                Text(
                    _("It changed %(days)d days ago; the rule waits %(wanted)d days."),
                    {"days": days, "wanted": int(options["quiet_days_after_change"])},
                ),
            )
    if "standby" not in off and rule.category in QUIET_CATEGORIES and is_standby(facts):
        return Skip(SkipReason.TWIN, Text(_("It stands by for another one.")))
    return None if "needs" in off else unmet_need(rule, facts, options)


def unmet_need(rule: type[Rule], facts: ResourceFacts, options: Options) -> Skip | None:
    """The first need that is not met. A rule that must see all of a group, the young ones too, asks for itself and has
    "needs" among its `guards_off`.
    """
    for need in rule.needs:
        skip = None
        if isinstance(need, Age):
            skip = _too_young(facts, _value(need.days, options))
        elif isinstance(need, Cost):
            skip = _no_cost(facts, _value(need.days, options))
        elif isinstance(need, Metric):
            skip = None if need.is_optional else _no_metric(facts, need, options)
        elif isinstance(need, Prices) and not facts.connection.prices.has_prices_of(
            facts.connection.provider_type
        ):
            skip = Skip(
                SkipReason.NO_PRICE,
                Text(
                    _("No price list of %(provider)s is known."), {"provider": facts.connection.provider_name}
                ),
            )
        if skip is not None:
            return skip
    return None


def _too_young(facts: ResourceFacts, days: int) -> Skip | None:
    if facts.age_days >= days:
        return None
    return Skip(
        SkipReason.TOO_YOUNG,
        Text(
            _("It is %(age)d days old; the rule looks at %(wanted)d."),
            {"age": facts.age_days, "wanted": int(days)},
        ),
    )


def _no_cost(facts: ResourceFacts, days: int) -> Skip | None:
    cost = facts.cost(max(days, 1))
    known = 0 if cost is None else cost.full_days
    if known >= days:
        return None
    return Skip(
        SkipReason.NO_COST,
        Text(
            _("Its cost is known for %(known)d full days; %(wanted)d are needed."),
            {"known": known, "wanted": int(days)},
        ),
    )


def _no_metric(facts: ResourceFacts, need: Metric, options: Options) -> Skip | None:
    days = _value(need.days, options)
    wanted = need.coverage if not isinstance(need.coverage, str) else options[need.coverage]
    summary = facts.usage(need.name, days)
    if summary is None:
        return Skip(
            SkipReason.NO_METRICS,
            Text(_("There is no series “%(metric)s”."), {"metric": series_name(need.name)}),
        )
    if summary.coverage < float(wanted):
        return Skip(
            SkipReason.TOO_FEW_SAMPLES,
            Text(
                _("Of “%(metric)s” %(share)s of %(days)s days is there; %(wanted)s is needed."),
                {
                    "metric": series_name(need.name),
                    "share": percent(summary.coverage * 100),
                    "days": number(days),
                    "wanted": percent(float(wanted) * 100),
                },
            ),
        )
    return None


def _value(value: int | str, options: Options) -> int:
    return int(options[value]) if isinstance(value, str) else value
