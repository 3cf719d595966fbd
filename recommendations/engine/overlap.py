"""Which of several findings counts, so that the sum never promises the same rouble twice. Pure.

Cleanup comes before schedule, schedule before rightsizing and storage, those before rate and architecture. Of each order
only the best counts, on what those before it left of the cost. What a finding covers (a server's disks) counts in it. A
finding about several resources counts on those of them that no other one has taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal

from recommendations.engine.calculations import KOPECK, kopecks
from recommendations.engine.contract import Category

ORDER = (
    (Category.CLEANUP,),
    (Category.SCHEDULE,),
    (Category.RIGHTSIZING, Category.STORAGE),
    (Category.RATE, Category.ARCHITECTURE),
)
PLACE = {category.value: place for place, together in enumerate(ORDER) for category in together}
ZERO = Decimal(0)
SMALLEST = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A finding as far as its overlap needs it; amounts a month, all of one currency.

    `resource_pks` are what it is about: each of them can be followed without the others. `covered_pks` go with them and
    never without. `current` is what all of them cost.
    """

    key: int
    category: str
    resource_pks: tuple[int, ...]
    saving: Decimal
    current: Decimal
    covered_pks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """What of a finding's saving counts, and the finding that it stands behind (None: it counts itself).

    `shares` says which resource bears how much of it.
    """

    saving: Decimal
    instead: int | None = None
    shares: Mapping[int, Decimal] = field(default_factory=dict)


def count(candidates: Iterable[Candidate], costs: Mapping[int, Decimal]) -> dict[int, Counted]:
    """{finding: what counts}. `costs` is what each resource costs a month; a resource never saves more than that."""
    rest = {pk: max(cost, ZERO) for pk, cost in costs.items()}
    taken: dict[tuple[int, int], int] = {}
    cleaned: dict[int, int] = {}
    found: dict[int, Counted] = {}
    ordered = sorted(
        (each for each in candidates if each.category in PLACE and each.saving > 0),
        key=lambda each: (PLACE[each.category], -each.saving, -len(each.resource_pks), each.key),
    )
    for one in ordered:
        place = PLACE[one.category]
        before = {
            pk: cleaned.get(pk, taken.get((place, pk)))
            for pk in dict.fromkeys((*one.resource_pks, *one.covered_pks))
        }
        free = [pk for pk in one.resource_pks if before[pk] is None]
        if not free:
            found[one.key] = Counted(ZERO, next((before[pk] for pk in one.resource_pks), None))
            continue
        if len(free) == len(one.resource_pks):  # else nobody knows whose of them the covered ones are
            free += [pk for pk in one.covered_pks if before[pk] is None]
        free = list(dict.fromkeys(free))
        shares = _take(one, free, rest)
        found[one.key] = Counted(sum(shares.values(), ZERO), None, shares)
        for pk in free:
            taken[place, pk] = one.key
            if one.category == Category.CLEANUP:
                cleaned[pk] = one.key
    return found


def _take(one: Candidate, free: Sequence[int], rest: dict[int, Decimal]) -> dict[int, Decimal]:
    """Its saving on what is left of the cost of these resources, taken from them in proportion."""
    left = sum((rest.get(pk, ZERO) for pk in free), ZERO)
    whole = max(one.current, ZERO)
    if left <= 0 or whole <= 0:
        return {}
    saving = min(kopecks(one.saving * min(left / whole, Decimal(1))), left.quantize(KOPECK, ROUND_FLOOR))
    shares = {
        pk: min(rest[pk], (saving * rest[pk] / left).quantize(SMALLEST, ROUND_FLOOR))
        for pk in free
        if pk in rest
    }
    rounded_off = saving - sum(shares.values(), ZERO)
    for pk, share in shares.items():
        more = min(rounded_off, rest[pk] - share)
        shares[pk] += more
        rounded_off -= more
        rest[pk] -= shares[pk]
    return shares
