"""Managed services: databases, S3, CDN, and what is newer than this plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from providers.contract.records import (
    Rate,
    RatePeriod,
    ResourceRecord,
    ResourceStatus,
    Scope,
    Specification,
)
from providers.plugins.beget.client import unexpected

from .values import (
    CURRENCY,
    cloud_instant,
    flag,
    gib,
    identifier,
    money,
    nested,
    number,
    objects,
    present,
    status_of,
    text,
    whole,
)
from .words import (
    CDN,
    S3,
    SERVICES,
    TYPE_MAP,
)

SERVICE_STATUS: Mapping[str, ResourceStatus] = {
    "CREATING": ResourceStatus.PENDING,
    "RUNNING": ResourceStatus.RUNNING,
    "RESTARTING": ResourceStatus.RUNNING,
    "STOPPED": ResourceStatus.STOPPED,
    "RECONFIGURING": ResourceStatus.PENDING,
    "SUSPENDED": ResourceStatus.STOPPED,
}


def service_type(item: Any) -> str:
    """Beget's word for what a service is; where it is left out, the detail's key or the first of the enum."""
    if not isinstance(item, dict):
        raise unexpected("no object", "GET /v1/cloud")
    if item.get("type"):
        return text(item["type"])
    for key, value in item.items():
        if isinstance(value, dict) and key.startswith(("mysql", "postgresql", "s3", "cdn")):
            return str(key).upper()
    return "MYSQL5"


def service_kind(item: Any) -> str:
    """`s3`, `cdn`, `mysql`, `postgresql`, or the provider's own word in lower case."""
    word = service_type(item).lower().replace("_", "")
    return next((family for family in ("mysql", "postgresql") if word.startswith(family)), word)


def service_scope(item: Any) -> Scope:
    return {"s3": S3, "cdn": CDN}.get(service_kind(item), SERVICES)


def service_record(
    item: Mapping[str, Any], *, projects: Mapping[str, str], rate: Rate | None
) -> ResourceRecord:
    """One managed database, bucket, CDN or something newer. Source: GET /v1/cloud, view FULL."""
    operation = "GET /v1/cloud"
    service_id = identifier(item, "id", operation)
    kind = service_kind(item)
    word = text(item.get("status")) or "CREATING"
    native_type = service_type(item).lower().replace("_", "")
    if native_type not in TYPE_MAP and kind in TYPE_MAP:
        native_type = kind  # a version newer than this plugin
    detail = service_detail(item, kind)
    project = text(item.get("project_id"))
    specification, configuration = _SERVICE_FORMS.get(kind, _plain_form)(detail, operation)
    return ResourceRecord(
        resource_id=service_id,
        native_type=native_type,
        name=text(item.get("display_name")) or text(item.get("slug")) or service_id,
        scope=service_scope(item),
        status=status_of(word, SERVICE_STATUS),
        provider_status=text(item.get("status_details")) or word,
        service_name={
            "s3": "S3",
            "cdn": "CDN",
            "mysql": "Cloud databases",
            "postgresql": "Cloud databases",
        }.get(kind, service_type(item)),
        region_id=text(item.get("region")),
        sub_account_id=project,
        sub_account_name=projects.get(project, ""),
        specification=specification,
        configuration=present(
            {
                "type": service_type(item),
                "configuration_id": text(item.get("configuration_id")),
                "description": text(item.get("description")),
                **configuration,
            }
        ),
        rate=rate,
        created_at=cloud_instant(item.get("created_at")),
    )


def service_detail(item: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The object that says more; its key carries a version (`mysql84`), so it is found by its beginning."""
    for key, value in item.items():
        if key.startswith(kind) and isinstance(value, dict):
            return value
    return {}


def _database_form(
    engine: str, detail: Mapping[str, Any], operation: str
) -> tuple[Specification, dict[str, Any]]:
    configuration = nested(detail, "configuration")
    addresses = nested(detail, "address_info")
    public, private = (
        sorted(text(entry.get("ip")) for entry in objects(addresses.get(which), operation))
        for which in ("public", "private")
    )
    memory = whole(configuration.get("memory"), operation)
    disk = whole(configuration.get("disk_size"), operation)
    version = text(configuration.get("display_version")) or text(configuration.get("version"))
    return Specification(
        vcpus=number(configuration.get("cpu_count"), operation),
        memory_mib=memory,
        storage_gib=gib(disk),
        engine=engine,
        engine_version=version,
        ip_addresses=(*public, *private),
    ), {
        "cpu_count": whole(configuration.get("cpu_count"), operation),
        "memory_mib": memory,
        "disk_mib": disk,
        "version": text(configuration.get("version")) or version,
        "host": text(detail.get("host")),
        "port": whole(detail.get("port"), operation),
        "public_addresses": public,
        "private_addresses": private,
        "read_only": flag(detail.get("read_only")) or None,
    }


def _mysql_form(detail: Mapping[str, Any], operation: str) -> tuple[Specification, dict[str, Any]]:
    return _database_form("mysql", detail, operation)


def _postgresql_form(detail: Mapping[str, Any], operation: str) -> tuple[Specification, dict[str, Any]]:
    return _database_form("postgresql", detail, operation)


def _s3_form(detail: Mapping[str, Any], operation: str) -> tuple[Specification, dict[str, Any]]:
    return Specification(), {
        "fqdn": text(detail.get("fqdn")),
        "public": flag(detail.get("public")) or None,
        "ftp": text(nested(detail, "ftp").get("status")),
        "sftp": text(nested(detail, "sftp").get("status")),
        "cdn_id": text(nested(detail, "attached_cdn").get("service_id")),
    }


def _cdn_form(detail: Mapping[str, Any], operation: str) -> tuple[Specification, dict[str, Any]]:
    return Specification(), {
        "domains": sorted(
            text(entry.get("domain")) for entry in objects(detail.get("resource_domain"), operation)
        ),
        "source": text(nested(detail, "source_domain").get("domain")),
        "ssl_enabled": flag(detail.get("ssl_enabled")) or None,
    }


def _plain_form(detail: Mapping[str, Any], operation: str) -> tuple[Specification, dict[str, Any]]:
    return Specification(), {}


_SERVICE_FORMS = {"mysql": _mysql_form, "postgresql": _postgresql_form, "s3": _s3_form, "cdn": _cdn_form}


def s3_rates(buckets: Any) -> dict[str, Rate]:
    """Rate of each bucket by its names: what is used x its price, roubles a month.

    Source: GET /v1/cloud/s3/price. Beget states neither unit nor period; GB and a month are assumed. A name that
    two buckets bear is left out.
    """
    operation = "GET /v1/cloud/s3/price"
    rates: dict[str, Rate] = {}
    shared: set[str] = set()
    for bucket in objects(buckets, operation):
        rate = _use_rate(bucket, ("storage", "traffic"), operation)
        for name in {text(bucket.get("name")), text(bucket.get("display_name"))} - {""}:
            if name in rates:
                shared.add(name)
            rates[name] = rate
    return {name: rate for name, rate in rates.items() if name not in shared}


def cdn_rates(services: Any) -> dict[str, Rate]:
    """Rate of each CDN by service id, roubles a month. Source: GET /v1/cloud/cdn/price."""
    operation = "GET /v1/cloud/cdn/price"
    return {
        identifier(service, "cdn_service_id", operation): _use_rate(service, ("traffic",), operation)
        for service in objects(services, operation)
    }


def _use_rate(item: Mapping[str, Any], meters: Iterable[str], operation: str) -> Rate:
    amount = Decimal(0)
    for meter in meters:
        quantity = number(item.get("storage_size" if meter == "storage" else f"{meter}_amount"), operation)
        amount += (quantity or 0) * (money(item.get(f"{meter}_rate"), operation) or 0)
    return Rate(amount=amount, currency=CURRENCY, period=RatePeriod.MONTH, in_account_total=True)
