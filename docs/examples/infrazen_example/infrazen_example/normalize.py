"""From Example Cloud's words to the contract's records. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from providers.contract.records import (
    AccountRecord,
    Rate,
    RatePeriod,
    ResourceRecord,
    ResourceStatus,
    ResourceType,
    Scope,
    Specification,
)

from .client import Account, Server, Volume

TYPE_MAP: Mapping[str, ResourceType] = {"server": ResourceType.SERVER, "volume": ResourceType.VOLUME}
STATUSES: Mapping[str, ResourceStatus] = {
    "on": ResourceStatus.RUNNING,
    "off": ResourceStatus.STOPPED,
    "broken": ResourceStatus.ERROR,
}
MIB_IN_GB = 1024


def account_record(account: Account) -> AccountRecord:
    return AccountRecord(
        account_id=account.id, name=account.name, balance=account.balance, currency=account.currency
    )


def server_record(server: Server, *, region: str, currency: str) -> ResourceRecord:
    return ResourceRecord(
        resource_id=f"server:{server.id}",
        native_type="server",
        name=server.name,
        scope=servers_scope(region),
        status=STATUSES.get(server.state, ResourceStatus.UNKNOWN),
        provider_status=server.state,
        service_name="Compute",
        region_id=region,
        specification=Specification(
            vcpus=Decimal(server.cores),
            memory_mib=int(server.memory_gb * MIB_IN_GB),
            operating_system=server.image,
        ),
        rate=_monthly(server.price_month, currency),
    )


def volume_record(volume: Volume, *, region: str, currency: str) -> ResourceRecord:
    return ResourceRecord(
        resource_id=f"volume:{volume.id}",
        native_type="volume",
        name=volume.name,
        scope=volumes_scope(region),
        status=ResourceStatus.RUNNING,
        service_name="Block storage",
        region_id=region,
        parent_id=f"server:{volume.server_id}" if volume.server_id else "",
        specification=Specification(storage_gib=volume.size_gb),
        rate=_monthly(volume.price_month, currency),
        is_orphan=volume.server_id is None,
    )


def servers_scope(region: str) -> Scope:
    return ("region", region, "servers")


def volumes_scope(region: str) -> Scope:
    return ("region", region, "volumes")


def _monthly(price: Decimal, currency: str) -> Rate:
    return Rate(amount=price, currency=currency, period=RatePeriod.MONTH)
