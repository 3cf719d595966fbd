"""An existing server as a specification: what it has with all that hangs on it, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address, ip_network

from accounts.models import Organization
from inventory.models import Resource, ResourceType
from inventory.queries import tags_of
from recommendations.engine.pricing import STORAGE_GIB, VOLUME, PriceBook
from recommendations.prices.residency import is_personal
from syncs.models import ResourceState
from syncs.queries import as_of

DAYS_IN_MONTH = 30
MIB_IN_GIB = Decimal(1024)
PRIVATE = tuple(
    ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """`monthly` is what it and its components cost now, by their run rate; None where that is not known in roubles."""

    resource: Resource
    vcpus: Decimal | None
    memory_gib: Decimal | None
    disk_gib: Decimal
    disk_class: str
    with_ip: bool
    monthly: Decimal | None
    personal: bool


def existing_server(organization: Organization, resource: Resource, book: PriceBook) -> Existing:
    """Of a resource of this organization; what is gone has no size and no cost."""
    held = as_of(organization, None)
    state = held.filter(resource=resource).first()
    parts = list(held.filter(parent=resource)) if state else []
    states = [state, *parts] if state else []
    volumes = [each for each in parts if each.resource.resource_type == ResourceType.VOLUME]
    sizes = [each.storage_gib for each in ([state, *volumes] if state else []) if each.storage_gib]
    return Existing(
        resource=resource,
        vcpus=state.vcpus if state else None,
        memory_gib=Decimal(state.memory_mib) / MIB_IN_GIB if state and state.memory_mib else None,
        disk_gib=sum(sizes, Decimal(0)),
        disk_class=_disk_class(resource.connection.provider_type, volumes, book),
        with_ip=_has_address(states),
        monthly=_monthly(states),
        personal=is_personal({tag.key: tag.value for tag in tags_of(resource)}),
    )


def _monthly(states: Iterable[ResourceState]) -> Decimal | None:
    known = [state for state in states if state.daily_cost is not None]
    if not known or any(state.currency not in ("", "RUB") for state in known):
        return None
    return sum((state.daily_cost or Decimal(0) for state in known), Decimal(0)) * DAYS_IN_MONTH


def _disk_class(provider_type: str, volumes: list[ResourceState], book: PriceBook) -> str:
    """That of its largest volume, as the catalogue classes it; "" where that is not known."""
    if not volumes:
        return ""
    largest = max(volumes, key=lambda each: each.storage_gib or Decimal(0))
    kind = str(largest.configuration.get("volume_type") or "")
    names = {kind, kind.split(".")[0]}
    return next(
        (
            offer.disk_class
            for offer in book.offers(provider_type, VOLUME)
            if offer.component == STORAGE_GIB and offer.family in names
        ),
        "",
    )


def _has_address(states: Iterable[ResourceState]) -> bool:
    for state in states:
        if state.resource.resource_type == ResourceType.FLOATING_IP:
            return True
        for text in state.ip_addresses:
            try:
                address = ip_address(text)
            except ValueError:
                continue
            if not any(address in network for network in PRIVATE if network.version == address.version):
                return True
    return False
