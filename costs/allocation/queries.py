"""What pages and endpoints say of business context: coverage, trees, rules, and what a rule would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Organization
from common.formatting import money
from costs.facts import QUANTUM
from costs.models import DailyCost, DailyTotal
from costs.services import rate_table
from costs.stamping import subject_of
from inventory.models import Provenance, Resource
from syncs.models import ResourceState

from . import rulebook
from .evaluation import BUSINESS_FIELDS, Context, Rule, evaluate
from .models import AllocationRule, ContextAssignment, ContextNode, Dimension, Method, RuleVersion

MONTH_DAYS = 30
MOVES_SHOWN = 200
BOARD_CARDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of a period's cost has a value in one dimension; roubles, billed.

    `by_provenance` is {`inventory.Provenance`: roubles}; `share` a percentage with one decimal, None without cost.
    """

    dimension: str
    label: str
    whole: Decimal
    covered: Decimal
    by_provenance: Mapping[str, Decimal]

    @property
    def left(self) -> Decimal:
        return self.whole - self.covered

    @property
    def share(self) -> Decimal | None:
        return percent(self.covered, self.whole)

    @property
    def parts(self) -> list[tuple[str, Decimal, Decimal | None]]:
        """(provenance in words, roubles, share), from the surest to the least."""
        return [
            (str(each.label), self.by_provenance[each], percent(self.by_provenance[each], self.whole))
            for each in Provenance
            if self.by_provenance.get(each)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRow:
    """A node in its tree, `depth` below the root; `cost` in roubles of its own, `cost_with_children` all below it too."""

    node: ContextNode
    depth: int
    cost: Decimal
    cost_with_children: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A dimension's nodes, parents before children; `outside` are values that costs bear and the tree does not know."""

    dimension: str
    label: str
    rows: tuple[TreeRow, ...]
    outside: tuple[tuple[str, Decimal], ...]
    nothing: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A resource that a rule would give another value; `before` and `after` in words, "" for none."""

    resource_pk: int
    name: str
    dimension: str
    before: str
    after: str
    monthly_cost_rub: Decimal | None
    spend_rub: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a rule would move: resources counted once; roubles a month at the run rate, and of the last 30 days.

    `matched_count` counts what its conditions hold for, also where another rule or a person decides.
    """

    matched_count: int
    resource_count: int
    monthly_cost_rub: Decimal
    spend_rub: Decimal
    moves: tuple[Move, ...]
    more_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A resource on the board; roubles a month at the run rate, None where that is not known."""

    resource_pk: int
    name: str
    connection: str
    provenance: str
    monthly_cost_rub: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The resources with one value, the dearest first; `value` "" are those without one."""

    value: str
    monthly_cost_rub: Decimal
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """`left_out` resources are cheaper than those shown."""

    columns: tuple[Column, ...]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a resource is in one dimension, "" for nothing, and who or what says so: `source` in words.

    `rule` is the rule that decides it, None where none does.
    """

    dimension: str
    label: str
    value: str
    source: str
    rule: AllocationRule | None


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part * 100 / whole).quantize(Decimal("0.1")) if whole else None


def coverage(organization: Organization, *, first: date, last: date) -> list[Coverage]:
    """Of every dimension, over the days `first` to `last`. One query."""
    rows = _booked(organization, first, last, "dimensions__provenance")
    whole = sum((row["cost"] for row in rows), Decimal(0))
    found = []
    for dimension in Dimension:
        sums: dict[str, Decimal] = {}
        for row in rows:
            if row[f"dimensions__{dimension}"]:
                source = row["dimensions__provenance"].get(dimension, "")
                sums[source] = sums.get(source, Decimal(0)) + row["cost"]
        found.append(
            Coverage(
                dimension=str(dimension),
                label=str(dimension.label),
                whole=whole,
                covered=sum(sums.values(), Decimal(0)),
                by_provenance=sums,
            )
        )
    return found


def trees(organization: Organization, *, first: date, last: date) -> list[Tree]:
    """Every dimension's tree with the cost of the days. Two queries."""
    rows = _booked(organization, first, last)
    nodes = list(ContextNode.objects.of(organization).order_by("name", "pk"))
    return [_tree(dimension, nodes, rows) for dimension in Dimension]


def node_choices(organization: Organization) -> dict[str, list[str]]:
    """Names by dimension, for forms. One query."""
    found: dict[str, list[str]] = {str(dimension): [] for dimension in Dimension}
    for dimension, name in (
        ContextNode.objects.of(organization).order_by("name").values_list("dimension", "name")
    ):
        found[dimension].append(name)
    return found


def board(organization: Organization, dimension: str) -> Board:
    """The dearest resources that are there, in columns by their value; every node has one. Four queries."""
    rates = rate_table()
    today = timezone.localdate()
    states = ResourceState.objects.of(organization).filter(opened_at__isnull=False, closed_at__isnull=True)
    value, provenance = f"resource__{dimension}", "resource__context_provenance"
    rows = states.order_by(F("daily_cost").desc(nulls_last=True), "name", "pk").values(
        "resource", "name", "connection__connection_name", "daily_cost", "currency", value, provenance
    )
    words = {str(each.value): str(each.label) for each in Provenance}
    columns: dict[str, list[Card]] = {"": []}
    for name in ContextNode.objects.of(organization).filter(dimension=dimension).order_by("name"):
        columns[name.name] = []
    for row in rows[:BOARD_CARDS]:
        rate = rates.on(row["currency"], today) if row["currency"] else None
        daily = row["daily_cost"]
        columns.setdefault(row[value], []).append(
            Card(
                resource_pk=row["resource"],
                name=row["name"],
                connection=row["connection__connection_name"],
                provenance=words.get(row[provenance].get(dimension, ""), ""),
                monthly_cost_rub=None if daily is None or rate is None else daily * MONTH_DAYS * rate,
            )
        )
    return Board(
        columns=tuple(
            Column(
                value=name,
                monthly_cost_rub=sum((card.monthly_cost_rub or Decimal(0) for card in cards), Decimal(0)),
                cards=tuple(cards),
            )
            for name, cards in columns.items()
        ),
        left_out=max(0, states.count() - BOARD_CARDS),
    )


def context_of(resource: Resource, state: ResourceState | None, *, today: date) -> list[Fact]:
    """Every dimension of a resource, whose form `state` is, None where it has none. Six queries at most.

    What changed today and was not booked yet is as it was, without a name to it.
    """
    evaluated, tags = Context(values={}), {}
    book = None
    if state is not None:
        book = rulebook.Rulebook(resource.organization_id, first=today, last=today)
        own = rulebook.peoples_tags([resource.pk]).get(resource.pk, {})
        subject = _subject(state, own)
        tags = {key.casefold(): (key, value) for key, value in subject.tags.items()}
        said = rulebook.assignments_of([resource.pk], today, today).get(resource.pk, [])
        persons = rulebook.persons_on(said, today)
        evaluated = evaluate(subject, persons=persons, rules=book.rules(0), feeds=book.feeds)
    pks = {given.rule_pk for given in evaluated.values.values() if given.rule_pk is not None}
    pks |= {evaluated.split.pk} if evaluated.split else set()
    rules = AllocationRule.objects.filter(organization=resource.organization_id).in_bulk(pks) if pks else {}
    people = _who_said(resource, today)
    found = []
    for dimension in Dimension:
        value = getattr(resource, dimension)
        provenance = resource.context_provenance.get(dimension, "")
        given = evaluated.values.get(dimension)
        rule = None
        who = ""
        if evaluated.split and evaluated.split.dimension == dimension and not value:
            value, rule = _in_words(evaluated, dimension), rules.get(evaluated.split.pk)
            who = _("shared out by the rule")
        elif given and (given.value, given.provenance) == (value, provenance):
            rule = rules.get(given.rule_pk or 0)
            if provenance == Provenance.PERSON and people.get(dimension):
                who = _("set by %(person)s") % {"person": people[dimension]}
            elif provenance == Provenance.PROVIDER and book:
                keys = (tags[key][0] for key in book.feeds[dimension] if tags.get(key, ("", ""))[1])
                who = _("from the tag %(key)s") % {"key": next(keys)}
        words = str(Provenance(provenance).label) if provenance in Provenance.values else ""
        found.append(
            Fact(
                dimension=str(dimension),
                label=str(dimension.label),
                value=value,
                source=who or words if value else "",
                rule=rule,
            )
        )
    return found


def _who_said(resource: Resource, day: date) -> dict[str, str]:
    """{dimension: person} of what people said of the resource on the day."""
    rows = ContextAssignment.objects.filter(resource=resource, assigned_by__isnull=False)
    return {
        row.dimension: row.assigned_by.display_name
        for row in rulebook.valid_between(rows, day, day).select_related("assigned_by")
        if row.assigned_by
    }


def history_of(rule: AllocationRule) -> list[RuleVersion]:
    """The newest first."""
    versions = RuleVersion.objects.filter(rule=rule).select_related("changed_by")
    return list(versions.order_by("-valid_from", "-pk"))


def preview(
    organization: Organization,
    version: RuleVersion,
    *,
    today: date,
    in_place_of: AllocationRule | None = None,
) -> Preview:
    """What the version would move if it held today, among the resources that are there. Eight queries at most.

    At its position, before a rule that still holds it.
    """
    book = rulebook.Rulebook(organization.pk, first=today, last=today)
    now = book.rules(0)
    draft = Rule.of(version)
    positions = {each.rule_id: each.position for each in _versions_on(organization, today)}
    then = [rule for rule in now if in_place_of is None or rule.pk != in_place_of.pk]
    place = sum(1 for rule in then if positions[rule.pk] < version.position)
    then.insert(place, draft)
    alone = replace(draft, method=Method.DIRECT, values=dict.fromkeys(BUSINESS_FIELDS, "x"))
    states = list(_open_states(organization))
    people = rulebook.assignments_of([state.resource_id for state in states], today, today)
    tags = rulebook.peoples_tags([state.resource_id for state in states])
    matched, moved = 0, []
    for state in states:
        subject = _subject(state, tags.get(state.resource_id, {}))
        persons = rulebook.persons_on(people.get(state.resource_id, []), today)
        before = evaluate(subject, persons=persons, rules=now, feeds=book.feeds)
        after = evaluate(subject, persons=persons, rules=then, feeds=book.feeds)
        own = evaluate(subject, persons={}, rules=[alone], feeds={})
        matched += any(given.rule_pk is not None for given in own.values.values())
        moved += [
            (state, dimension, was, becomes)
            for dimension in BUSINESS_FIELDS
            if (was := _in_words(before, dimension)) != (becomes := _in_words(after, dimension))
        ]
    return _as_preview(organization, matched, moved, today)


def _as_preview(
    organization: Organization,
    matched: int,
    moved: list[tuple[ResourceState, str, str, str]],
    today: date,
) -> Preview:
    rates = rate_table()
    pks = {state.resource_id for state, *_rest in moved}
    facts = DailyCost.objects.of(organization).filter(
        date__gt=today - timedelta(days=MONTH_DAYS), date__lte=today, resource__in=pks
    )
    spend = {
        pk: _money(cost)
        for pk, cost in facts.order_by().values_list("resource").annotate(cost=Sum("billed_cost_rub"))
    }
    monthly: dict[int, Decimal | None] = {}
    moves = []
    for state, dimension, before, after in moved:
        rate = rates.on(state.currency, today) if state.currency else None
        daily = state.daily_cost
        monthly[state.resource_id] = (
            None if daily is None or rate is None else (daily * MONTH_DAYS * rate).quantize(QUANTUM)
        )
        moves.append(
            Move(
                resource_pk=state.resource_id,
                name=state.name,
                dimension=str(Dimension(dimension).label),
                before=before,
                after=after,
                monthly_cost_rub=monthly[state.resource_id],
                spend_rub=spend.get(state.resource_id, Decimal(0)),
            )
        )
    moves.sort(key=lambda move: (-(move.monthly_cost_rub or Decimal(0)), move.name, move.dimension))
    return Preview(
        matched_count=matched,
        resource_count=len(pks),
        monthly_cost_rub=sum((cost for cost in monthly.values() if cost is not None), Decimal(0)),
        spend_rub=sum(spend.values(), Decimal(0)),
        moves=tuple(moves[:MOVES_SHOWN]),
        more_count=max(0, len(moves) - MOVES_SHOWN),
    )


def preview_sentence(found: Preview) -> str:
    return ngettext(
        "Would move %(count)d resource: %(monthly)s a month at the run rate, %(spend)s in the last 30 days.",
        "Would move %(count)d resources: %(monthly)s a month at the run rate, %(spend)s in the last 30 days.",
        found.resource_count,
    ) % {
        "count": found.resource_count,
        "monthly": money(found.monthly_cost_rub, "RUB"),
        "spend": money(found.spend_rub, "RUB"),
    }


def _versions_on(organization: Organization, day: date) -> list[RuleVersion]:
    return list(rulebook.valid_between(RuleVersion.objects.of(organization), day, day))


def _open_states(organization: Organization) -> Any:
    states = ResourceState.objects.of(organization).filter(opened_at__isnull=False, closed_at__isnull=True)
    columns = (
        "service_name",
        "region_id",
        "sub_account_id",
        "sub_account_name",
        "name",
        "status",
        "tags",
        "daily_cost",
        "currency",
        "resource__resource_type",
        "resource__native_type",
        "connection__provider_type",
        "connection__connection_name",
    )
    return states.select_related("connection", "resource").only(*columns).order_by("pk")


def _subject(state: ResourceState, tags: Mapping[str, str]) -> Any:
    return subject_of(
        state.connection,
        resource_type=state.resource.resource_type,
        native_type=state.resource.native_type,
        name=state.name,
        status=state.status,
        service_name=state.service_name,
        region_id=state.region_id,
        sub_account=state.sub_account_name or state.sub_account_id,
        tags={**state.tags, **tags},
    )


def _in_words(context: Context, dimension: str) -> str:
    if context.split is not None and context.split.dimension == dimension:
        return " / ".join(name for name, _weight in context.split.targets)
    given = context.values.get(dimension)
    return given.value if given else ""


def _booked(organization: Organization, first: date, last: date, *more: str) -> list[dict[str, Any]]:
    columns = [f"dimensions__{name}" for name in BUSINESS_FIELDS]
    rows = (
        DailyTotal.objects.of(organization)
        .filter(date__gte=first, date__lte=last)
        .order_by()
        .values("dimensions", *columns, *more)
        .annotate(cost=Sum("billed_cost_rub"))
    )
    return [{**row, "cost": _money(row["cost"])} for row in rows]


def _tree(dimension: Dimension, nodes: list[ContextNode], rows: list[dict[str, Any]]) -> Tree:
    costs: dict[str, Decimal] = {}
    for row in rows:
        value = row[f"dimensions__{dimension}"]
        costs[value] = costs.get(value, Decimal(0)) + row["cost"]
    mine = [node for node in nodes if node.dimension == dimension]
    below: dict[int | None, list[ContextNode]] = {}
    for node in mine:
        below.setdefault(node.parent_id, []).append(node)

    def walk(parent: int | None, depth: int) -> list[TreeRow]:
        found: list[TreeRow] = []
        for node in below.get(parent, []):
            children = walk(node.pk, depth + 1)
            own = costs.get(node.name, Decimal(0))
            direct = sum((row.cost_with_children for row in children if row.depth == depth + 1), Decimal(0))
            found.append(TreeRow(node=node, depth=depth, cost=own, cost_with_children=own + direct))
            found += children
        return found

    names = {node.name for node in mine}
    outside = [(value, cost) for value, cost in costs.items() if value and value not in names]
    return Tree(
        dimension=str(dimension),
        label=str(dimension.label),
        rows=tuple(walk(None, 0)),
        outside=tuple(sorted(outside, key=lambda each: (-each[1], each[0]))),
        nothing=costs.get("", Decimal(0)),
    )


def _money(value: Any) -> Decimal:
    """SQLite adds decimals as floats; six places are those of a fact."""
    return Decimal(str(value or 0)).quantize(QUANTUM)
