"""Phase 2, grouping: from the provider's word for a kind to the taxonomy. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from providers.contract.plugin import ProviderPlugin
from providers.contract.records import ChargeRecord, ResourceRecord, ResourceType

METRIC_PREFIXES: Mapping[str, ResourceType] = {
    "load_balancers_": ResourceType.LOAD_BALANCER,
    "volume_": ResourceType.VOLUME,
    "share_": ResourceType.FILE_STORAGE,
    "dbaas_": ResourceType.DATABASE,
    "mks_": ResourceType.KUBERNETES_CLUSTER,
    "craas_": ResourceType.CONTAINER_REGISTRY,
    "s3_": ResourceType.S3_BUCKET,
    "network_": ResourceType.NETWORK,
    "backup_": ResourceType.BACKUP,
}
"""What the beginning of a billing metric's name tells where no mapping knows the whole name."""


SERVERS, VOLUMES, FILE_STORAGE, EVERYTHING_ELSE = "servers", "volumes", "file_storage", "everything_else"
FAMILIES = (SERVERS, VOLUMES, FILE_STORAGE, EVERYTHING_ELSE)
"""The phases that match resources, in the order in which they run: a volume looks for its server."""

_FAMILIES: Mapping[str, str] = {
    ResourceType.SERVER: SERVERS,
    ResourceType.VOLUME: VOLUMES,
    ResourceType.FILE_STORAGE: FILE_STORAGE,
}


class Grouping:
    """Maps native types: the administrators' table, then the plugin's own knowledge, then the metric's prefix."""

    def __init__(self, *, plugin: type[ProviderPlugin], mappings: Mapping[str, ResourceType]) -> None:
        self._plugin = plugin
        self._mappings = mappings

    def resource_type(self, record: ResourceRecord | ChargeRecord) -> ResourceType | None:
        """The taxonomy's type, or None: the resource is then stored as `other` and recorded as unrecognised."""
        known = self._mappings.get(record.native_type)
        if known is None:
            known = self._plugin.resource_type_of(
                record.native_type,
                getattr(record, "service_category", ""),
                record.service_name,
                getattr(record, "service_subcategory", ""),
            )
        if known is None:
            metric = (prefix for prefix in METRIC_PREFIXES if record.native_type.startswith(prefix))
            known = METRIC_PREFIXES.get(next(metric, ""))
        return known


def family(resource_type: str) -> str:
    """The phase that a type belongs to."""
    return _FAMILIES.get(resource_type, EVERYTHING_ELSE)
