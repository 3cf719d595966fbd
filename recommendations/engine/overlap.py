"""Which of several findings counts, so that the sum never promises the same rouble twice. Pure.

Cleanup comes before schedule, schedule before rightsizing and storage, those before rate and architecture. Of each order
only the best counts, on what those before it left of the cost. What a finding covers (a server's disks) counts in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from recommendations.engine.calculations import kopecks
from recommendations.engine.contract import Category

ORDER = (
    (Category.CLEANUP,),
    (Category.SCHEDULE,),
    (Category.RIGHTSIZING, Category.STORAGE),
    (Category.RATE, Category.ARCHITECTURE),
)
PLACE = {category.value: place for place, together in enumerate(ORDER) for category in together}
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A finding as far as its overlap needs it; amounts a month, all of one currency.

    `resource_pks` are those whose cost it lowers, the covered ones among them.
    """

    key: int
    category: str
    resource_pks: tuple[int, ...]
    saving: Decimal
    current: Decimal


@dataclass(frozen=True, slots=True)
class Counted:
    """What of a finding's saving counts, and the finding that it stands behind (None: it counts itself)."""

    saving: Decimal
    instead: int | None = None


def count(candidates: Iterable[Candidate], costs: Mapping[int, Decimal]) -> dict[int, Counted]:
    """{finding: what counts}. `costs` is what each resource costs a month; a resource never saves more than that."""
    rest = dict(costs)
    taken: dict[tuple[int, int], int] = {}
    cleaned: dict[int, int] = {}
    found: dict[int, Counted] = {}
    ordered = sorted(
        (each for each in candidates if each.category in PLACE and each.saving > 0),
        key=lambda each: (PLACE[each.category], -each.saving, -len(each.resource_pks), each.key),
    )
    for one in ordered:
        place = PLACE[one.category]
        before = next((cleaned[pk] for pk in one.resource_pks if pk in cleaned), None)
        if before is None:
            before = next((taken[place, pk] for pk in one.resource_pks if (place, pk) in taken), None)
        if before is not None:
            found[one.key] = Counted(ZERO, before)
            continue
        found[one.key] = Counted(_take(one, rest))
        for pk in one.resource_pks:
            taken[place, pk] = one.key
            if one.category == Category.CLEANUP:
                cleaned[pk] = one.key
    return found


def _take(one: Candidate, rest: dict[int, Decimal]) -> Decimal:
    """Its saving on what is left of the cost of its resources, taken from them in proportion."""
    left = sum((rest.get(pk, ZERO) for pk in one.resource_pks), ZERO)
    whole = max(one.current, ZERO)
    if left <= 0 or whole <= 0:
        return ZERO
    saving = kopecks(min(one.saving * min(left / whole, Decimal(1)), left))
    for pk in one.resource_pks:
        if pk in rest:
            rest[pk] -= saving * rest[pk] / left
    return saving
