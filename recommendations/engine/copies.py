"""What rules about snapshots, backups and images share: what they are of, when they were made, what hangs on them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext_noop as _

from recommendations.engine.contract import Skip, SkipReason, Text
from recommendations.engine.facts import ResourceFacts

SOURCE_KEYS = ("volume_id", "source_id", "vps_id", "server_id", "source_volume_id", "database_id")
SOURCE_NAMES = ("vps_name", "source_name")
INCREMENTAL_KEYS = ("is_incremental", "has_dependent_backups")


def source_of(facts: ResourceFacts) -> str:
    """The provider's id of what it is a copy of, "" where nobody tells."""
    found = next((str(facts.configuration[key]) for key in SOURCE_KEYS if facts.configuration.get(key)), "")
    return found or (facts.parent.resource_id if facts.parent is not None else "")


def source_name(facts: ResourceFacts) -> str:
    """A name, else the id."""
    found = next((str(facts.configuration[key]) for key in SOURCE_NAMES if facts.configuration.get(key)), "")
    return found or (facts.parent.name if facts.parent is not None else source_of(facts))


def by_source(copies: Iterable[ResourceFacts]) -> dict[str, list[ResourceFacts]]:
    """{source: its copies, the newest first}; what is of nothing known stands under ""."""
    found: dict[str, list[ResourceFacts]] = defaultdict(list)
    for each in copies:
        found[source_of(each)].append(each)
    for group in found.values():
        group.sort(key=lambda each: (each.created_at, each.pk), reverse=True)
    return found


def is_incremental(facts: ResourceFacts) -> bool:
    return any(facts.configuration.get(key) is True for key in INCREMENTAL_KEYS)


def last_use(facts: ResourceFacts) -> datetime | None:
    """When something that was made from it was last there; None without such a thing, or where it was not read."""
    return (facts.connection.made_from or {}).get(facts.resource_id)


def in_use(facts: ResourceFacts) -> Skip | None:
    """Something that was made from it is there now."""
    used_at, observed_at = last_use(facts), facts.connection.observed_at
    if used_at is None or observed_at is None or used_at < observed_at:
        return None
    return Skip(SkipReason.GUARDED, Text(_("Something that was made from it is still there.")))


def chain_of(facts: ResourceFacts, group: Sequence[ResourceFacts]) -> bool:
    """Whether a newer copy of the same source builds on it."""
    return any(is_incremental(each) and each.created_at > facts.created_at for each in group)


def gib(copies: Iterable[ResourceFacts]) -> Decimal:
    return sum((each.storage_gib or Decimal(0) for each in copies), Decimal(0))
