"""Laws of overlap: whatever is found, no rouble is promised twice."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from recommendations.engine.calculations import kopecks
from recommendations.engine.contract import Category
from recommendations.engine.overlap import ORDER, PLACE, Candidate, Counted, count

RESOURCES = range(1, 7)
amounts = st.integers(min_value=0, max_value=2 * 10**10).map(
    lambda millionths: Decimal(millionths).scaleb(-6)
)
some_resources = st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=4, unique=True).map(tuple)
costs_of_all = st.dictionaries(st.sampled_from(RESOURCES), amounts)


@st.composite
def estates(draw):
    """Findings of any category about any of six resources, some of which have no known cost."""
    count_of_them = draw(st.integers(min_value=0, max_value=8))
    findings = []
    for key in range(1, count_of_them + 1):
        about = draw(some_resources)
        covered = draw(st.lists(st.sampled_from(RESOURCES), max_size=3, unique=True))
        findings.append(
            Candidate(
                key=key,
                category=draw(st.sampled_from(Category.values)),
                resource_pks=about,
                covered_pks=tuple(pk for pk in covered if pk not in about),
                saving=draw(amounts) - 100,
                current=draw(amounts),
            )
        )
    return findings, draw(costs_of_all)


def finding(key, category, resources, saving, current, *, covered=()):
    return Candidate(
        key=key,
        category=category,
        resource_pks=tuple(resources),
        covered_pks=tuple(covered),
        saving=Decimal(saving),
        current=Decimal(current),
    )


def costs(**by_name):
    """{1: cost, …} of r1, r2, …"""
    return {int(name[1:]): Decimal(cost) for name, cost in by_name.items()}


def savings(found):
    return {key: each.saving for key, each in found.items()}


# ---- laws -----------------------------------------------------------------------------------------------------


@given(estates())
def test_no_resource_saves_more_than_it_costs_and_none_saves_less_than_nothing(estate):
    findings, known = estate

    found = count(findings, known)

    borne = dict.fromkeys(RESOURCES, Decimal(0))
    for each in found.values():
        for pk, share in each.shares.items():
            assert share >= 0
            borne[pk] += share
    assert all(borne[pk] <= known.get(pk, 0) for pk in RESOURCES)


@given(estates())
def test_what_counts_is_what_its_resources_bear_and_no_more_than_was_found(estate):
    findings, known = estate

    found = count(findings, known)

    for one in findings:
        counted = found.get(one.key)
        if counted is None:
            assert one.category not in PLACE or one.saving <= 0
            continue
        assert counted.saving == sum(counted.shares.values(), Decimal(0))
        assert 0 <= counted.saving <= kopecks(one.saving)
        assert set(counted.shares) <= {*one.resource_pks, *one.covered_pks}


@given(estates())
def test_where_something_is_cleaned_up_that_alone_counts(estate):
    findings, known = estate

    found = count(findings, known)

    categories = {one.key: one.category for one in findings}
    for cleaner, counted in found.items():
        if categories[cleaner] == Category.CLEANUP:
            for other, each in found.items():
                assert other == cleaner or not set(each.shares) & set(counted.shares)


@given(estates())
def test_of_each_order_one_finding_counts_for_a_resource(estate):
    findings, known = estate

    found = count(findings, known)

    categories = {one.key: one.category for one in findings}
    seen = set()
    for key, each in found.items():
        for pk in each.shares:
            assert (PLACE[categories[key]], pk) not in seen
            seen.add((PLACE[categories[key]], pk))


@given(estates())
def test_what_stands_behind_another_stands_behind_one_that_counts(estate):
    findings, known = estate
    by_key = {one.key: one for one in findings}

    found = count(findings, known)

    for key, each in found.items():
        if each.instead is None:
            continue
        first, behind = by_key[each.instead], by_key[key]
        assert (each.saving, found[each.instead].instead) == (0, None)
        assert PLACE[first.category] in (0, PLACE[behind.category])
        assert {*first.resource_pks, *first.covered_pks} & set(behind.resource_pks)


@given(estates(), st.randoms(use_true_random=False))
def test_the_order_in_which_they_were_found_does_not_matter(estate, random):
    findings, known = estate
    shuffled = list(findings)
    random.shuffle(shuffled)

    assert count(shuffled, known) == count(findings, known)


@given(estates(), amounts)
def test_what_a_cleanup_covers_saves_nothing_besides(estate, saving):
    """A server's cleanup contains its disks, whatever else was found about them."""
    findings, known = estate
    known = {**known, 100: Decimal(900), 101: Decimal(100)}
    cleanup = finding(100, Category.CLEANUP, [100], "1000", "1000", covered=[101])
    own = [
        finding(200 + place, category, [101], min(saving, Decimal(999)) + 1, "100")
        for place, category in enumerate(category for together in ORDER for category in together)
    ]

    found = count([*findings, cleanup, *own], known)

    assert found[100].saving == Decimal("1000.00")
    assert all(found[one.key].saving == 0 and found[one.key].instead == 100 for one in own)


@given(estates())
def test_estate_never_saves_more_than_it_costs(estate):
    findings, known = estate

    total = sum((each.saving for each in count(findings, known).values()), Decimal(0))

    assert total <= sum(known.values(), Decimal(0))


# ---- examples -------------------------------------------------------------------------------------------------


def test_each_order_saves_on_what_those_before_it_left():
    found = count(
        [
            finding(1, Category.RATE, [1], "300", "1000"),
            finding(2, Category.RIGHTSIZING, [1], "500", "1000"),
            finding(3, Category.SCHEDULE, [1], "600", "1000"),
        ],
        costs(r1=1000),
    )

    # 1 000 - 600 = 400; 500 x 400 / 1 000 = 200; 300 x 200 / 1 000 = 60
    assert savings(found) == {3: Decimal("600.00"), 2: Decimal("200.00"), 1: Decimal("60.00")}


def test_best_of_one_order_counts():
    found = count(
        [
            finding(1, Category.RIGHTSIZING, [1], "500", "1000"),
            finding(2, Category.STORAGE, [1], "501", "1000"),
        ],
        costs(r1=1000),
    )

    assert found[1] == Counted(Decimal(0), instead=2)


def test_group_of_which_one_is_cleaned_up_counts_on_the_others():
    found = count(
        [
            finding(1, Category.RATE, [1, 2, 3], "300", "3000"),
            finding(2, Category.CLEANUP, [2], "1000", "1000"),
        ],
        costs(r1=1000, r2=1000, r3=1000),
    )

    assert savings(found) == {2: Decimal("1000.00"), 1: Decimal("200.00")}
    assert found[1].instead is None
    assert set(found[1].shares) == {1, 3}


def test_group_of_which_one_has_something_better_of_the_same_order_counts_on_the_others():
    found = count(
        [
            finding(1, Category.RATE, [1, 2], "200", "2000"),
            finding(2, Category.ARCHITECTURE, [2], "400", "1000"),
        ],
        costs(r1=1000, r2=1000),
    )

    assert savings(found) == {2: Decimal("400.00"), 1: Decimal("100.00")}


def test_group_of_which_all_are_taken_stands_behind_the_first():
    found = count(
        [
            finding(1, Category.RATE, [1, 2], "200", "2000"),
            finding(2, Category.CLEANUP, [1], "400", "1000"),
            finding(3, Category.CLEANUP, [2], "300", "1000"),
        ],
        costs(r1=1000, r2=1000),
    )

    assert found[1] == Counted(Decimal(0), instead=2)


def test_what_is_covered_saves_nothing_without_what_it_goes_with():
    """Moving a server takes its address along; where another move of the server is better, the address stays."""
    found = count(
        [
            finding(1, Category.RATE, [1], "500", "1000"),
            finding(2, Category.RATE, [1], "400", "1100", covered=[2]),
        ],
        costs(r1=1000, r2=100),
    )

    assert found[2] == Counted(Decimal(0), instead=1)


def test_covered_part_that_is_cleaned_up_is_left_out():
    found = count(
        [
            finding(1, Category.RATE, [1], "110", "1100", covered=[2]),
            finding(2, Category.CLEANUP, [2], "90", "100"),
        ],
        costs(r1=1000, r2=100),
    )

    assert savings(found) == {2: Decimal("90.00"), 1: Decimal("100.00")}


def test_covered_ones_of_a_group_are_left_out_where_a_member_is_taken():
    found = count(
        [
            finding(1, Category.RIGHTSIZING, [1, 2], "220", "2200", covered=[3, 4]),
            finding(2, Category.CLEANUP, [1], "1000", "1000", covered=[3]),
        ],
        costs(r1=1000, r2=1000, r3=100, r4=100),
    )

    assert savings(found) == {2: Decimal("1000.00"), 1: Decimal("100.00")}


def test_kopeck_is_not_promised_where_a_part_of_it_is_left():
    found = count([finding(1, Category.CLEANUP, [1], "0.009", "0.009")], {1: Decimal("0.009")})

    assert found[1].saving == 0


def test_resource_named_twice_bears_its_cost_once():
    found = count([finding(1, Category.CLEANUP, [1, 1], "200", "200", covered=[1])], costs(r1=100))

    assert (found[1].saving, found[1].shares) == (100, {1: 100})


def test_credit_of_one_is_no_cost_of_another():
    found = count([finding(1, Category.RATE, [1, 2], "100", "100")], {1: Decimal(-50), 2: Decimal(100)})

    assert found[1].shares == {1: 0, 2: Decimal("100.00")}


def test_what_promises_no_money_is_not_counted():
    found = count(
        [
            finding(1, Category.PERFORMANCE, [1], "100", "100"),
            finding(2, Category.HYGIENE, [1], "100", "100"),
            finding(3, Category.RATE, [1], "-1", "100"),
        ],
        costs(r1=100),
    )

    assert found == {}


def test_resource_without_a_known_cost_saves_nothing():
    assert savings(count([finding(1, Category.CLEANUP, [1], "100", "100")], {})) == {1: Decimal("0")}
