"""What business context a resource has, and where each value comes from. Pure: resource in, values out.

A person's word beats a rule, a rule beats the provider's tag, a tag beats a guess from the name. Of the rules the first
that gives a dimension a value decides it; conditions on a dimension see what is known when their rule's turn comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from costs.models import CostDimensions
from inventory.models import Provenance

from .conditions import TAG, Condition, parse
from .models import Dimension, Match, Method, RuleVersion

BUSINESS_FIELDS = CostDimensions.BUSINESS_FIELDS

TAG_KEYS: dict[str, tuple[str, ...]] = {
    Dimension.BUSINESS_UNIT: ("business-unit", "business_unit", "bu", "unit", "department"),
    Dimension.PROJECT: ("project", "app", "application"),
    Dimension.FEATURE: ("feature", "component", "service"),
    Dimension.COST_CENTER: ("cost-center", "cost_center", "costcenter", "cc"),
    Dimension.ENVIRONMENT: ("environment", "env", "stage"),
    Dimension.OWNER: ("owner", "team"),
}
"""The tags that feed a dimension where the organization did not choose others; the first that is there."""

ENVIRONMENTS = {
    "prod": "production",
    "prd": "production",
    "production": "production",
    "stage": "staging",
    "staging": "staging",
    "stg": "staging",
    "preprod": "staging",
    "dev": "development",
    "develop": "development",
    "development": "development",
    "test": "testing",
    "testing": "testing",
    "qa": "testing",
}
"""What people write for an environment, in tags and in names, and the one word that it stands under."""

WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A resource as rules see it; `fields` has the keys of `conditions.FIELDS`, `tags` also those of people."""

    fields: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        return self.tags.get(name.removeprefix(TAG)) if name.startswith(TAG) else self.fields.get(name)


@dataclass(frozen=True, slots=True)
class Given:
    """A value, where it comes from, and the rule's pk where a rule gave it."""

    value: str
    provenance: str
    rule_pk: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as it holds on a day; `targets` are (name, weight), `metric_pks` the unit metric of each, if by those."""

    pk: int
    match: str
    conditions: tuple[Condition, ...]
    method: str
    values: Mapping[str, str]
    dimension: str
    targets: tuple[tuple[str, Decimal], ...]
    measure: str
    metric_pks: tuple[int, ...] = ()

    @classmethod
    def of(cls, version: RuleVersion) -> Rule:
        return cls(
            pk=version.rule_id,
            match=version.match,
            conditions=parse(version.conditions),
            method=version.method,
            values=version.values,
            dimension=version.dimension,
            targets=tuple((each["name"], Decimal(each.get("weight") or 0)) for each in version.targets),
            measure=version.measure,
            metric_pks=tuple(each["metric"] for each in version.targets if "metric" in each),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The values by dimension; where `split` is a rule, its dimension has no value and the cost is shared out."""

    values: Mapping[str, Given]
    split: Rule | None = None


def evaluate(
    subject: Subject,
    *,
    persons: Mapping[str, str],
    rules: Iterable[Rule],
    feeds: Mapping[str, Sequence[str]],
) -> Context:
    """`persons` {dimension: value}, `rules` in their order, `feeds` {dimension: tags that feed it}."""
    given = {**_guesses(subject), **_from_tags(subject, feeds)}
    given.update({name: Given(value, Provenance.PERSON) for name, value in persons.items()})
    decided = set(persons)
    split: Rule | None = None
    for rule in rules:
        if rule.method == Method.DIRECT:
            open_fields = rule.values.keys() - decided
        else:
            open_fields = {rule.dimension} - decided if split is None else set()
        if not open_fields or not _applies(rule, subject, given):
            continue
        decided |= open_fields
        if rule.method == Method.DIRECT:
            for name in open_fields:
                given[name] = Given(rule.values[name], Provenance.RULE, rule.pk)
        else:
            split = rule
            given.pop(rule.dimension, None)
    return Context(values=given, split=split)


def _applies(rule: Rule, subject: Subject, given: Mapping[str, Given]) -> bool:
    answers = (
        condition.holds(
            (given[condition.field].value if condition.field in given else "")
            if condition.field in BUSINESS_FIELDS
            else subject.text(condition.field)
        )
        for condition in rule.conditions
    )
    return all(answers) if rule.match == Match.ALL else any(answers)


def _from_tags(subject: Subject, feeds: Mapping[str, Sequence[str]]) -> dict[str, Given]:
    if not subject.tags:
        return {}
    tags = {key.casefold(): value for key, value in subject.tags.items()}
    found = {}
    for dimension in BUSINESS_FIELDS:
        value = next((tags[key] for key in feeds.get(dimension, ()) if tags.get(key)), "").strip()[:100]
        if value and dimension == Dimension.ENVIRONMENT:
            value = ENVIRONMENTS.get(value.casefold(), value)
        if value:
            found[dimension] = Given(value, Provenance.PROVIDER)
    return found


def _guesses(subject: Subject) -> dict[str, Given]:
    """The environment, where the name has one word of it; a name with two says nothing."""
    words = {
        ENVIRONMENTS[word] for word in WORD.findall(subject.fields["name"].casefold()) if word in ENVIRONMENTS
    }
    return {Dimension.ENVIRONMENT: Given(words.pop(), Provenance.GUESS)} if len(words) == 1 else {}
