"""Rules and people over time: what costs say of past days, how shared costs add up, what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.audit.models import AuditEntry
from accounts.tests.factories import OrganizationFactory, UserFactory
from costs import laws
from costs import services as cost_services
from costs.allocation import queries, services
from costs.allocation.models import ContextAssignment, ContextNode, RuleVersion
from costs.allocation.services import Draft, Place
from costs.exchange import Rate
from costs.explorer.queries import explore
from costs.explorer.view import parse_view
from costs.models import CostShare, DailyTotal, ExchangeRate
from costs.unit_costs import services as unit_costs
from costs.unit_costs.models import UnitMetric, UnitValue
from costs.unit_costs.tests.factories import UnitMetricFactory, UnitValueFactory
from inventory.models import Resource
from syncs.tests.world import LinesFile, World, connect, instant, line, sync

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

MARCH = [date(2026, 3, 1) + timedelta(days=day) for day in range(10)]
NOW = instant(4)
UNIT_OF_OURS = {"business_unit": "Ours"}
NAMED = {"field": "name", "operator": "starts", "value": "vps:"}


@pytest.fixture(autouse=True)
def _laws_hold() -> Any:
    yield
    for law in laws.LAWS:
        assert list(law.broken()) == [], law.name


@pytest.fixture
def acme():
    return OrganizationFactory(name="Acme")


def bought(acme, *ids: str, name: str = "acme", days: int = 4, amount: str = "10", currency: str = "RUB"):
    world = World()
    for resource_id in ids:
        for day in range(days):
            world.bill(line(resource_id, amount, start=instant(day), currency=currency))
    connection = connect(acme, world, plugin=LinesFile, name=name)
    sync(connection, instant(days))
    return connection


def by(dimension: str, day: date) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for value, cost in DailyTotal.objects.filter(date=day).values_list(
        f"dimensions__{dimension}", "billed_cost"
    ):
        sums[value] = sums.get(value, Decimal(0)) + cost
    return sums


def direct(name: str = "units", value: str = "Data", **fields: Any) -> Draft:
    return Draft(name=name, conditions=[NAMED], values={"business_unit": value}, **fields)


def save(acme, draft: Draft, since: date, rule=None):
    rule = services.save_rule(organization=acme, draft=draft, since=since, by=None, rule=rule)
    services.restate(organization=acme, since=since, now=NOW)
    return rule


def test_an_edit_holds_from_its_day_and_history_stays(acme) -> None:
    bought(acme, "vps:1")
    rule = save(acme, direct(value="Data"), MARCH[0])
    save(acme, direct(value="Product"), MARCH[2], rule)

    told = [by("business_unit", day) for day in MARCH[:4]]
    services.switch_rule(rule=rule, on=False, since=MARCH[3], by=None)
    services.restate(organization=acme, since=None, now=NOW)

    assert told == [{"Data": 10}, {"Data": 10}, {"Product": 10}, {"Product": 10}]
    assert [by("business_unit", day) for day in MARCH[2:4]] == [{"Product": 10}, {"": 10}]
    services.switch_rule(rule=rule, on=True, since=MARCH[3], by=None)
    services.restate(organization=acme, since=MARCH[3], now=NOW)
    assert by("business_unit", MARCH[3]) == {"Product": 10}
    resource = Resource.objects.get()
    assert (resource.business_unit, resource.context_provenance) == ("Product", {"business_unit": "rule"})
    assert set(ContextNode.objects.values_list("name", flat=True)) == {"Data", "Product"}
    assert len(queries.history_of(rule)) == 3  # switched off and on on one day is one
    # an edit from an earlier day takes the place of all that came after it
    save(acme, direct(value="Core"), MARCH[1], rule)
    assert [by("business_unit", day) for day in MARCH[:4]] == [{"Data": 10}] + [{"Core": 10}] * 3
    assert AuditEntry.objects.filter(action="rule.changed").count() == 2


def test_the_order_decides_from_its_day_on(acme) -> None:
    bought(acme, "vps:1")
    save(acme, direct("one", "Data"), MARCH[0])
    second = save(acme, direct("two", "Product"), MARCH[0])

    moved = services.move_rule(rule=second, up=True, since=MARCH[2], by=None)
    again = services.move_rule(rule=second, up=True, since=MARCH[2], by=None)
    services.restate(organization=acme, since=None, now=NOW)

    assert (moved, again) == (True, False)
    assert [by("business_unit", day) for day in MARCH[1:3]] == [{"Data": 10}, {"Product": 10}]
    assert [version.rule.name for version in services.present_versions(acme.pk)] == ["two", "one"]


def test_a_persons_word_beats_rules_for_its_days(acme) -> None:
    bought(acme, "vps:1")
    save(acme, direct(), MARCH[0])
    resource = Resource.objects.get()
    user = UserFactory()

    for value, since in (("Product", MARCH[1]), ("Core", MARCH[2]), ("", MARCH[3])):
        services.set_context(
            resources=[resource], dimension="business_unit", value=value, since=since, by=user
        )
    services.restate(organization=acme, since=None, now=NOW)

    told = [next(iter(by("business_unit", day))) for day in MARCH[:4]]
    assert told == ["Data", "Product", "Core", "Data"]
    assert AuditEntry.objects.filter(action="context.assigned", actor_id=user.pk).count() == 3
    assert ContextAssignment.objects.count() == 2


def test_shares_take_the_place_of_the_fact_and_add_up(acme) -> None:
    bought(acme, "vps:1", amount="10", currency="USD")
    draft = Draft(
        name="customers",
        conditions=[NAMED],
        method="fixed",
        dimension="project",
        targets=[
            {"name": "A", "weight": "60"},
            {"name": "B", "weight": "39,5"},
            {"name": "C", "weight": "0.5"},
        ],
    )

    rule = save(acme, draft, MARCH[1])
    cost_services.store_rates(
        rates=[Rate("USD", MARCH[0], Decimal("77.7"))], source=ExchangeRate.Source.MANUAL
    )

    assert by("project", MARCH[0]) == {"": 10}
    assert by("project", MARCH[1]) == {"A": 6, "B": Decimal("3.95"), "C": Decimal("0.05")}
    assert CostShare.objects.get(date=MARCH[1], dimensions__project="C").billed_cost_rub == Decimal("3.885")
    assert services.restate(organization=acme, since=None, now=NOW) == 0
    even = Draft(
        name="x",
        conditions=[NAMED],
        method="even",
        dimension="project",
        targets=[{"name": "A"}, {"name": "B"}],
    )
    save(acme, even, MARCH[2], rule)
    assert by("project", MARCH[1])["A"] == 6
    assert by("project", MARCH[2]) == {"A": 5, "B": 5}
    services.switch_rule(rule=rule, on=False, since=MARCH[0], by=None)
    services.restate(organization=acme, since=None, now=NOW)
    assert CostShare.objects.count() == 0


def test_costs_follow_what_the_targets_cost_also_in_other_connections(acme) -> None:
    proportional = Draft(
        name="shared",
        conditions=[{"field": "name", "operator": "equals", "value": "shared"}],
        method="proportional",
        dimension="business_unit",
        targets=[{"name": "A"}, {"name": "B"}],
        measure="cost",
    )
    services.save_rule(organization=acme, draft=proportional, since=MARCH[0], by=None)
    for name in ("A", "B"):
        draft = Draft(
            name=name,
            conditions=[{"field": "connection", "operator": "equals", "value": name}],
            values={"business_unit": name},
        )
        services.save_rule(organization=acme, draft=draft, since=MARCH[0], by=None)

    bought(acme, "shared", name="common", amount="9")
    alone = by("business_unit", MARCH[0])
    bought(acme, "vps:1", name="A", amount="10")
    bought(acme, "vps:2", "vps:3", name="B", amount="10")

    assert alone == {"": 9}
    assert by("business_unit", MARCH[0]) == {"A": 13, "B": 26}
    connection = Resource.objects.get(resource_id="shared").connection
    assert cost_services.rebuild_costs(connection=connection, at=NOW) == 0


def by_orders(*targets: dict[str, Any]) -> Draft:
    return Draft(
        name="customers",
        conditions=[NAMED],
        method="proportional",
        dimension="project",
        targets=targets,
        measure="units",
    )


def test_costs_follow_the_quantities_of_their_day(acme) -> None:
    bought(acme, "vps:1")
    ours, theirs = (UnitMetricFactory(organization=acme, name=name) for name in ("A's", "B's"))
    for metric, day, quantity in (
        (ours, MARCH[0], 30),
        (theirs, MARCH[0], 10),
        (theirs, MARCH[2], 30),
        (theirs, MARCH[3], 0),
    ):
        UnitValueFactory(metric=metric, date=day, quantity=Decimal(quantity))
    UnitValueFactory(date=MARCH[1], quantity=Decimal(1_000_000))

    save(acme, by_orders({"name": "A", "metric": ours.pk}, {"name": "B", "metric": theirs.pk}), MARCH[0])
    told = [by("project", day) for day in MARCH[:4]]
    UnitValueFactory(metric=ours, date=MARCH[3], quantity=Decimal(90))
    UnitValue.objects.filter(metric=theirs, date=MARCH[3]).update(quantity=Decimal(10))
    services.restate(organization=acme, since=None, now=NOW)

    quarters, halves = {"A": Decimal("7.5"), "B": Decimal("2.5")}, {"A": 5, "B": 5}
    assert told == [quarters, quarters, halves, {"A": 10}]
    assert [by("project", day) for day in MARCH[:4]] == [quarters, quarters, halves, {"A": 9, "B": 1}]


def test_nothing_is_shared_out_while_one_quantity_is_unknown(acme) -> None:
    bought(acme, "vps:1")
    flow = UnitMetricFactory(organization=acme)
    level = UnitMetricFactory(organization=acme, kind="level")
    UnitValueFactory(metric=level, date=date(2024, 1, 1), quantity=Decimal(10))
    UnitValueFactory(metric=flow, date=MARCH[2] - timedelta(days=31), quantity=Decimal(10))

    save(acme, by_orders({"name": "A", "metric": flow.pk}, {"name": "B", "metric": level.pk}), MARCH[0])

    # what adds up is known for a month from its day, a level until the next one
    assert [by("project", day) for day in MARCH[1:3]] == [{"A": 5, "B": 5}, {"": 10}]


def test_only_unit_metrics_of_the_organization_count(acme) -> None:
    mine, foreign = UnitMetricFactory(organization=acme), UnitMetricFactory()

    for targets in (
        [{"name": "A", "metric": mine.pk}, {"name": "B", "metric": foreign.pk}],
        [{"name": "A", "metric": mine.pk}, {"name": "B"}],
        [{"name": "A", "metric": mine.pk}, {"name": "B", "metric": "7"}],
    ):
        with pytest.raises(services.InvalidRule):
            save(acme, by_orders(*targets), MARCH[0])
        with pytest.raises(services.InvalidRule):
            services.unsaved_version(acme, by_orders(*targets), since=MARCH[0])
    assert not RuleVersion.objects.exists()


def test_a_metric_that_rules_count_by_or_did_stays(acme) -> None:
    metric, other = UnitMetricFactory(organization=acme), UnitMetricFactory(organization=acme)
    targets = [{"name": "A", "metric": metric.pk}, {"name": "B", "metric": metric.pk}]
    rule = save(acme, by_orders(*targets), MARCH[0])
    save(acme, direct(), MARCH[2], rule)

    with pytest.raises(ValidationError, match="“units”"):
        unit_costs.delete_metric(metric=metric)
    unit_costs.delete_metric(metric=other)

    assert list(UnitMetric.objects.all()) == [metric]


def test_a_preview_says_what_moves_and_changes_nothing(acme) -> None:
    bought(acme, "vps:1", "vps:2", "db:1")
    save(acme, direct(value="Data"), MARCH[0])
    services.set_context(
        resources=[Resource.objects.get(resource_id="vps:2")],
        dimension="business_unit",
        value="Mine",
        since=MARCH[0],
        by=None,
    )
    draft = Draft(
        name="all",
        conditions=[{"field": "name", "operator": "regex", "value": "^(vps|db):"}],
        values={"business_unit": "Core"},
    )
    units = RuleVersion.objects.get().rule
    for place, moved in ((None, {"db:1"}), (Place(), {"db:1"}), (Place(units), {"db:1", "vps:1"})):
        version = services.unsaved_version(acme, draft, since=MARCH[3], place=place)

        found = queries.preview(acme, version, today=MARCH[3])

        assert {move.name for move in found.moves} == moved
        assert (found.matched_count, found.resource_count) == (3, len(moved))
        assert found.spend_rub == 40 * len(moved)
    assert {(move.name, move.before, move.after) for move in found.moves} == {
        ("db:1", "", "Core"),
        ("vps:1", "Data", "Core"),
    }
    assert str(len(moved)) in queries.preview_sentence(found)
    assert RuleVersion.objects.count() == 1


def test_an_edited_rule_is_previewed_at_its_place_or_at_another(acme) -> None:
    bought(acme, "vps:1", "db:1")
    first = save(acme, direct("first", "Data"), MARCH[0])
    second = save(acme, direct("second", "Product"), MARCH[0])
    save(acme, direct("third", "Core"), MARCH[0])
    wide = Draft(
        name="wide", conditions=[{**NAMED, "operator": "contains", "value": ":"}], values=UNIT_OF_OURS
    )

    def moved(place: Place | None) -> dict[str, tuple[str, str]]:
        version = services.unsaved_version(acme, wide, since=MARCH[3], rule=second, place=place)
        found = queries.preview(acme, version, today=MARCH[3], in_place_of=second)
        return {move.name: (move.before, move.after) for move in found.moves}

    assert moved(None) == {"db:1": ("", "Ours")}
    assert moved(Place()) == {"db:1": ("", "Ours")}
    assert moved(Place(first)) == {"db:1": ("", "Ours"), "vps:1": ("Data", "Ours")}
    services.switch_rule(rule=first, on=False, since=MARCH[0], by=None)
    assert moved(None) == {"db:1": ("", "Ours"), "vps:1": ("Product", "Ours")}
    assert moved(Place()) == {"db:1": ("", "Ours"), "vps:1": ("Product", "Core")}


def order(acme) -> list[str]:
    return [version.rule.name for version in services.present_versions(acme.pk)]


def test_a_rule_is_put_before_another_from_its_day_on(acme) -> None:
    bought(acme, "vps:1")
    first = save(acme, direct("first", "Data"), MARCH[0])
    second = save(acme, direct("second", "Product"), MARCH[0])
    save(acme, direct("second", "Product B"), MARCH[3], second)  # what a rule says on which day stays

    new = services.save_rule(
        organization=acme, draft=direct("new", "Core"), since=MARCH[2], by=None, place=Place(first)
    )
    services.restate(organization=acme, since=None, now=NOW)

    assert order(acme) == ["new", "first", "second"]
    assert [by("business_unit", day) for day in MARCH[1:3]] == [{"Data": 10}, {"Core": 10}]
    spans = [(each.valid_from, each.values["business_unit"]) for each in reversed(queries.history_of(second))]
    assert spans == [(MARCH[0], "Product"), (MARCH[2], "Product"), (MARCH[3], "Product B")]
    # edited without a place it stays, with one it goes there, and into a gap nobody gives way
    save(acme, direct("new", "Core"), MARCH[3], new)
    assert order(acme) == ["new", "first", "second"]
    for place, expected in (
        (Place(second), ["first", "new", "second"]),
        (Place(second), ["first", "new", "second"]),
        (Place(), ["first", "second", "new"]),
        (Place(), ["first", "second", "new"]),
        (Place(first), ["new", "first", "second"]),
    ):
        services.save_rule(
            organization=acme, draft=direct("new", "Core"), since=MARCH[3], by=None, rule=new, place=place
        )
        assert order(acme) == expected
    positions = [version.position for version in services.present_versions(acme.pk)]
    assert len(set(positions)) == 3
    moves = [
        entry.changes["position"]
        for entry in AuditEntry.objects.filter(action="rule.changed").order_by("pk")
        if "position" in entry.changes
    ]
    assert len(moves) == 3


def test_coverage_and_trees_say_whose_cost_it_is(acme) -> None:
    bought(acme, "vps:1", "db-prod")
    save(acme, direct(value="Data"), MARCH[0])
    parent = services.save_node(organization=acme, dimension="business_unit", name="Company")
    data = ContextNode.objects.get(name="Data")
    services.save_node(organization=acme, dimension="business_unit", name="Data", parent=parent, node=data)

    covered = {each.dimension: each for each in queries.coverage(acme, first=MARCH[0], last=MARCH[3])}
    tree = next(
        tree
        for tree in queries.trees(acme, first=MARCH[0], last=MARCH[3])
        if tree.dimension == "business_unit"
    )

    assert (covered["business_unit"].share, covered["business_unit"].by_provenance) == (50, {"rule": 40})
    assert covered["environment"].by_provenance == {"guess": 40}
    assert covered["owner"].share == 0
    assert [(row.node.name, row.depth, row.cost, row.cost_with_children) for row in tree.rows] == [
        ("Company", 0, 0, 40),
        ("Data", 1, 40, 40),
    ]
    assert tree.nothing == 40
    with pytest.raises(services.WrongPlace):
        services.save_node(
            organization=acme, dimension="business_unit", name="Company", parent=data, node=parent
        )
    with pytest.raises(services.NameTaken):
        services.save_node(organization=acme, dimension="business_unit", name="Data")
    for node in (parent, data):
        with pytest.raises(services.NodeInUse):
            services.remove_node(node=node)


def test_a_new_name_goes_through_rules_and_costs(acme) -> None:
    bought(acme, "vps:1")
    save(acme, direct(value="Data"), MARCH[0])
    node = ContextNode.objects.get()

    services.save_node(organization=acme, dimension="business_unit", name="Data & AI", node=node)
    services.restate(organization=acme, since=None, now=NOW)

    assert by("business_unit", MARCH[0]) == {"Data & AI": 10}


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"conditions": []},
        {"values": {}},
        {"values": {"color": "red"}},
        {"values": {"owner": "x" * 101}},
        {"method": "magic"},
        {"method": "even", "dimension": "project", "targets": [{"name": "A"}]},
        {"method": "even", "dimension": "project", "targets": [{"name": "A"}, {"name": "A"}]},
        {"method": "even", "dimension": "", "targets": [{"name": "A"}, {"name": "B"}]},
        {"method": "fixed", "dimension": "project", "targets": [{"name": "A", "weight": "1"}, {"name": "B"}]},
        {"method": "proportional", "dimension": "project", "targets": [{"name": "A"}, {"name": "B"}]},
    ],
)
def test_rules_that_cannot_be_done_are_refused(acme, fields) -> None:
    draft = Draft(**{"name": "x", "conditions": [NAMED], "values": {"owner": "A"}, **fields})

    with pytest.raises(services.InvalidRule):
        services.save_rule(organization=acme, draft=draft, since=MARCH[0], by=None)
    assert not RuleVersion.objects.exists()


def test_chosen_tags_feed_a_dimension(acme) -> None:
    bought(acme, "vps:1")
    resource = Resource.objects.get()
    resource.tags.create(organization=acme, key="Squad", value="red", source="user")

    services.set_feed(organization=acme, dimension="owner", keys=["squad", " "])
    services.restate(organization=acme, since=None, now=NOW)

    assert by("owner", MARCH[0]) == {"red": 10}


def test_a_changed_provider_tag_moves_views_by_the_tag_and_not_the_value_that_it_feeds(acme) -> None:
    world = World()
    world.put("vps:1", daily="24", tags={"team": "web"})
    connection = connect(acme, world)
    sync(connection, instant(0))
    sync(connection, instant(2))
    world.put("vps:1", daily="24", tags={"team": "api"})
    sync(connection, instant(2.5))
    sync(connection, instant(4))
    services.restate(organization=acme, since=None, now=NOW)

    view = parse_view("period=2026-03-01..2026-03-02&group=tag.team", MARCH[3]).view
    by_tag = {row.labels[0]: row.total for row in explore(acme, view, NOW).rows}

    assert by_tag == {"api": 48}  # the tag of today, also for the days before it
    assert [by("owner", day) for day in (MARCH[1], MARCH[3])] == [{"web": 24}, {"api": 24}]
