"""Servers that share their work: names that differ only in a number. Little load on one may be another's doing. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

from recommendations.engine.facts import ResourceFacts, Twin

STEM = re.compile(r"[-_.]?\d+$")


def stem_of(name: str) -> str:
    """The name without its number: web-02 and web-01 are twins; "" where it has none."""
    stem = STEM.sub("", name)
    return stem if stem != name else ""


def twin_of(facts: ResourceFacts) -> Twin | None:
    """What is known of the servers that share its work, None where it has none."""
    return facts.connection.twins.get(stem_of(facts.name))


def busier_twin(facts: ResourceFacts, limit: Decimal) -> Twin | None:
    """The twins, where another one of them uses its processor more than `limit` per cent on average."""
    twin = twin_of(facts)
    if twin is None or twin.busiest_pk == facts.pk or twin.busiest_cpu <= limit:
        return None
    return twin
