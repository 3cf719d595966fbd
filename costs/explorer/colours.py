"""Which of the eight colours a group of costs has in charts, tables and reports.

A connection, a type and a service each have a number of their own and keep it in every chart; other groups are numbered
by what they cost. There are more types and services than colours: of two in one chart that have the same number, the
dearer has it and the other one takes a free one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Min

from accounts.models import Organization
from costs.explorer import names
from costs.explorer.exploration import REST, Key
from costs.models import CostDimensions
from inventory.models import ResourceType
from providers.badges import SERIES_COUNT

TYPE_NUMBERS: Mapping[str, int] = {
    ResourceType.SERVER: 1,
    ResourceType.WEBSITE: 1,
    ResourceType.MAILBOX: 1,
    ResourceType.VOLUME: 2,
    ResourceType.DOMAIN: 2,
    ResourceType.FUNCTION: 2,
    ResourceType.IMAGE: 2,
    ResourceType.DATABASE: 3,
    ResourceType.DNS_ZONE: 3,
    ResourceType.CDN: 3,
    ResourceType.FTP_ACCOUNT: 3,
    ResourceType.S3_BUCKET: 4,
    ResourceType.CONTAINER_REGISTRY: 4,
    ResourceType.SNAPSHOT: 5,
    ResourceType.BACKUP: 5,
    ResourceType.LICENCE: 5,
    ResourceType.SUPPORT: 5,
    ResourceType.KUBERNETES_CLUSTER: 6,
    ResourceType.ROUTER: 6,
    ResourceType.FLOATING_IP: 6,
    ResourceType.OTHER: 6,
    ResourceType.NETWORK: 7,
    ResourceType.ACCOUNT_PLAN: 7,
    ResourceType.FILE_STORAGE: 7,
    ResourceType.LOAD_BALANCER: 8,
    ResourceType.DEDICATED_SERVER: 8,
    ResourceType.KUBERNETES_NODE_GROUP: 8,
}
"""Those that usually cost most in one organization differ."""


def numbers(organization: Organization, group_by: Sequence[str], dearest: Sequence[Key]) -> dict[Key, str]:
    """The number of each group that a chart shows, `dearest` first; at most one query.

    A connection without a colour of its own is absent: it is part of the rest.
    """
    values = [key[0] for key in dearest] if len(group_by) == 1 else []
    if not values:
        return _distinct({}, dearest)
    if group_by[0] == "connection":
        fixed = names.connection_numbers(organization, values)
        return {(value,): fixed[value] for value in values if fixed.get(value, REST) != REST}
    if group_by[0] == "type":
        return _distinct(TYPE_NUMBERS, dearest)
    if group_by[0] == "service":
        return _distinct(_service_numbers(organization), dearest)
    return _distinct({}, dearest)


def _distinct(own: Mapping[str, int], dearest: Sequence[Key]) -> dict[Key, str]:
    taken: dict[int, Key] = {}
    for key in dearest:
        number = own.get(key[0]) if key else None
        if number is not None:
            taken.setdefault(number, key)
    free = iter([number for number in range(1, SERIES_COUNT + 1) if number not in taken])
    placed = set(taken.values())
    taken |= {next(free): key for key in dearest if key not in placed}
    return {key: str(number) for number, key in taken.items()}


def _service_numbers(organization: Organization) -> dict[str, int]:
    """In the order in which costs of them were first booked; the ninth has the first one's colour."""
    seen = (
        CostDimensions.objects.of(organization)
        .order_by()
        .values("service_name")
        .annotate(first=Min("pk"))
        .order_by("first")
        .values_list("service_name", flat=True)
    )
    return {name: place % SERIES_COUNT + 1 for place, name in enumerate(seen)}
