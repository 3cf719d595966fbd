"""All rules over some resources: what matched, what did not, what was skipped and why. Pure.

One failing rule never hides the others: its answer is an error, and its earlier findings stay as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils.translation import gettext_noop as _

from recommendations.engine import guards
from recommendations.engine.calculations import PRODUCTION, kopecks
from recommendations.engine.contract import (
    Answer,
    Category,
    Finding,
    Options,
    Rule,
    Skip,
    SkipReason,
    Text,
    money,
    percent,
)
from recommendations.engine.facts import ResourceFacts

logger = logging.getLogger(__name__)

PERCENT = Decimal(100)

OptionsFor = Callable[[type[Rule], ResourceFacts], Options | None]
"""The options of a rule for a resource; None where the rule is off for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one rule says of one subject. `subject` is "" for the resource itself, else the rule's own key.

    `is_excluded`: somebody wants it left alone; the finding is listed apart and never summed.
    """

    rule: type[Rule]
    resource_pk: int
    answer: Answer
    subject: str = ""
    is_excluded: bool = False

    @property
    def finding(self) -> Finding | None:
        return self.answer if isinstance(self.answer, Finding) else None


def evaluate_resources(
    rules: Iterable[type[Rule]],
    resources: Iterable[ResourceFacts],
    options_for: OptionsFor,
    is_excluded: Callable[[type[Rule], ResourceFacts], bool],
) -> Iterator[Outcome]:
    """Every rule about each resource that it applies to."""
    about_one = [rule() for rule in rules if rule.subject == "resource"]
    for facts in resources:
        for rule in about_one:
            if facts.resource_type not in rule.applies_to:
                continue
            options = options_for(type(rule), facts)
            if options is None:
                continue
            answer = _asked(rule, facts, options)
            excluded = isinstance(answer, Finding) and _is_left_alone(type(rule), facts, options, is_excluded)
            yield Outcome(rule=type(rule), resource_pk=facts.pk, answer=answer, is_excluded=excluded)


def evaluate_connection(
    rules: Iterable[type[Rule]],
    resources: Sequence[ResourceFacts],
    options_for: OptionsFor,
    is_excluded: Callable[[type[Rule], ResourceFacts], bool],
) -> Iterator[Outcome]:
    """The rules that look at many resources of one connection together.

    Of each only those are shown to them that no guard keeps and nobody excluded.
    """
    for rule in rules:
        if rule.subject != "connection":
            continue
        shown: list[tuple[ResourceFacts, Options]] = []
        for facts in resources:
            options = options_for(rule, facts) if facts.resource_type in rule.applies_to else None
            if options is None:
                continue
            skip = guards.check(rule, facts, options)
            if skip is None and _is_left_alone(rule, facts, options, is_excluded):
                skip = Skip(SkipReason.EXCLUDED_BY_USER)
            if skip is None:
                shown.append((facts, options))
            else:
                yield Outcome(rule=rule, resource_pk=facts.pk, answer=skip)
        if shown:
            yield from _together(rule, shown)


def _together(rule: type[Rule], shown: Sequence[tuple[ResourceFacts, Options]]) -> Iterator[Outcome]:
    """What the rule says of them; it is given the options of the first."""
    resources, options = [facts for facts, _options in shown], shown[0][1]
    by_pk = {facts.pk: facts for facts in resources}
    try:
        answers = list(rule().evaluate_connection(resources, options))
    except Exception:
        logger.exception("rule %s failed on connection %s", rule.id, resources[0].connection.pk)
        yield Outcome(rule=rule, resource_pk=resources[0].pk, answer=Skip(SkipReason.RULE_FAILED))
        return
    for subject, answer in answers:
        lead = answer.resource_pks[0] if isinstance(answer, Finding) else _lead(subject, resources)
        checked = _checked(rule, answer, by_pk[lead], options)
        yield Outcome(rule=rule, resource_pk=lead, answer=checked, subject=subject)


def _lead(subject: str, shown: Sequence[ResourceFacts]) -> int:
    """Whom an answer about no finding is shown at: the resource that the subject names, else the first."""
    named = subject.removeprefix("resource:")
    return int(named) if named.isdigit() else shown[0].pk


def _asked(rule: Rule, facts: ResourceFacts, options: Options) -> Answer:
    skip = guards.check(type(rule), facts, options)
    if skip is not None:
        return skip
    try:
        answer = rule.evaluate(facts, options)
    except Exception:
        logger.exception("rule %s failed on resource %s", rule.id, facts.pk)
        return Skip(SkipReason.RULE_FAILED)
    return _checked(type(rule), answer, facts, options)


def _checked(rule: type[Rule], answer: Answer, facts: ResourceFacts, options: Options) -> Answer:
    """The finding as it is told: rounded, careful in production, and not at all where it is too little or too thin."""
    if not isinstance(answer, Finding):
        return answer
    finding = answer
    if facts.is_production:
        finding = replace(
            finding,
            confidence=(finding.confidence * PRODUCTION).quantize(Decimal("0.01")),
            risk=(finding.risk or rule.risk).one_step_higher(),
        )
    finding = replace(
        finding,
        effort=finding.effort or rule.effort,
        risk=finding.risk or rule.risk,
        category=finding.category or rule.category,
        current_monthly=_rounded(finding.current_monthly),
        target_monthly=_rounded(finding.target_monthly),
        saving_monthly=_rounded(finding.saving_monthly),
    )
    if finding.confidence < options["minimum_confidence"]:
        return Skip(
            SkipReason.LOW_CONFIDENCE,
            Text(
                _("Confidence would be %(confidence)s."),
                {"confidence": percent(finding.confidence * PERCENT)},
            ),
        )
    return _too_small(rule, finding, options) or finding


def _too_small(rule: type[Rule], finding: Finding, options: Options) -> Skip | None:
    """Savings of another currency than roubles are held to the share alone; what helps performance need save nothing."""
    saving = finding.saving_monthly
    if not rule.saves or saving is None or finding.category is Category.PERFORMANCE:
        return None
    smallest = options["minimum_saving"] if finding.currency == "RUB" else Decimal(0)
    if finding.current_monthly:
        smallest = max(smallest, finding.current_monthly * options["minimum_saving_percent"] / PERCENT)
    if saving >= smallest and saving > 0:
        return None
    return Skip(
        SkipReason.SAVING_TOO_SMALL,
        Text(
            _("It would save %(saving)s a month; at least %(smallest)s is asked for."),
            {
                "saving": money(saving, finding.currency),
                "smallest": money(kopecks(smallest), finding.currency),
            },
        ),
    )


def _is_left_alone(
    rule: type[Rule],
    facts: ResourceFacts,
    options: Options,
    is_excluded: Callable[[type[Rule], ResourceFacts], bool],
) -> bool:
    return (
        guards.ignored_by_tag(facts, rule.id)
        or guards.name_is_excluded(facts.name, options["excluded_names"])
        or is_excluded(rule, facts)
    )


def _rounded(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else kopecks(amount)


def reasons(outcomes: Iterable[Outcome]) -> Mapping[str, Mapping[str, int]]:
    """{rule: {"matched" | "not_matched" | skip reason: how many}}."""
    found: dict[str, dict[str, int]] = {}
    for outcome in outcomes:
        counts = found.setdefault(outcome.rule.id, {})
        word = outcome_word(outcome.answer)
        counts[word] = counts.get(word, 0) + 1
    return found


def outcome_word(answer: Answer) -> str:
    if isinstance(answer, Finding):
        return "matched"
    return answer.reason.value if isinstance(answer, Skip) else "not_matched"
