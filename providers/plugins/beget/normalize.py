"""Beget's JSON made into records. Pure: no network, no clock, no state.

Lenient as Beget is: numbers come as text, absent fields mean their default, unknown words are kept. What
identifies a thing must be there, else UnexpectedResponse: an id is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from common.text import gettext_noop
from providers.contract.records import (
    AccountRecord,
    Limit,
    PriceRecord,
    Rate,
    RatePeriod,
    ResourceRecord,
    ResourceStatus,
    ResourceType,
    Scope,
    SoftwareRecord,
    Specification,
)

from .client import unexpected

CURRENCY = "RUB"
HOSTING_ZONE = ZoneInfo("Europe/Moscow")
UNLIMITED = 2147483647
LARGEST_AMOUNT = Decimal(10) ** 12
MIB_IN_GIB = Decimal(1024)
BYTES_IN_GIB = Decimal(1024**3)

ACCOUNT: Scope = ("account",)
DOMAINS: Scope = ("domains",)
SITES: Scope = ("sites",)
MYSQL: Scope = ("mysql",)
FTP: Scope = ("ftp",)
MAIL: Scope = ("mail",)
VPS: Scope = ("vps",)
NETWORK: Scope = ("vps-network",)
SNAPSHOTS: Scope = ("snapshots",)
IMAGES: Scope = ("images",)
SERVICES: Scope = ("services",)
S3: Scope = ("services", "s3")
CDN: Scope = ("services", "cdn")

TYPE_MAP: Mapping[str, ResourceType] = {
    "account_plan": ResourceType.ACCOUNT_PLAN,
    "additional_ip": ResourceType.FLOATING_IP,
    "cdn": ResourceType.CDN,
    "domain": ResourceType.DOMAIN,
    "ftp": ResourceType.FTP_ACCOUNT,
    "hosting_mysql": ResourceType.DATABASE,
    "image": ResourceType.IMAGE,
    "licence": ResourceType.LICENCE,
    "mailbox": ResourceType.MAILBOX,
    "mysql": ResourceType.DATABASE,
    "mysql5": ResourceType.DATABASE,
    "mysql8": ResourceType.DATABASE,
    "mysql84": ResourceType.DATABASE,
    "mysql_backup": ResourceType.BACKUP,
    "postgresql": ResourceType.DATABASE,
    "postgresql14": ResourceType.DATABASE,
    "postgresql15": ResourceType.DATABASE,
    "postgresql164": ResourceType.DATABASE,
    "postgresql_backup": ResourceType.BACKUP,
    "private_network": ResourceType.NETWORK,
    "s3": ResourceType.S3_BUCKET,
    "site": ResourceType.WEBSITE,
    "snapshot": ResourceType.SNAPSHOT,
    "vps": ResourceType.SERVER,
    "vps_backup": ResourceType.BACKUP,
}

VPS_STATUS: Mapping[str, ResourceStatus] = {
    "RUNNING": ResourceStatus.RUNNING,
    "RESTARTING": ResourceStatus.RUNNING,
    "STOPPED": ResourceStatus.STOPPED,
    "STOPPING": ResourceStatus.STOPPED,
    "CREATING": ResourceStatus.PENDING,
    "STARTING": ResourceStatus.PENDING,
    "RECONFIGURING": ResourceStatus.PENDING,
    "REINSTALLING": ResourceStatus.PENDING,
    "REMOVING": ResourceStatus.DELETED,
    "REMOVED": ResourceStatus.DELETED,
}
SERVICE_STATUS: Mapping[str, ResourceStatus] = {
    "CREATING": ResourceStatus.PENDING,
    "RUNNING": ResourceStatus.RUNNING,
    "RESTARTING": ResourceStatus.RUNNING,
    "STOPPED": ResourceStatus.STOPPED,
    "RECONFIGURING": ResourceStatus.PENDING,
    "SUSPENDED": ResourceStatus.STOPPED,
}
SNAPSHOT_STATUS: Mapping[str, ResourceStatus] = {
    "CREATING": ResourceStatus.PENDING,
    "DONE": ResourceStatus.RUNNING,
    "RESTORING": ResourceStatus.RUNNING,
    "DELETED": ResourceStatus.DELETED,
    "ERROR": ResourceStatus.ERROR,
}
IMAGE_STATUS: Mapping[str, ResourceStatus] = {
    "CREATED": ResourceStatus.RUNNING,
    "CREATING": ResourceStatus.PENDING,
    "CONVERTING": ResourceStatus.PENDING,
    "MIGRATING": ResourceStatus.PENDING,
    "ERROR": ResourceStatus.ERROR,
}
DOMAIN_STATUS: Mapping[str, ResourceStatus] = {
    "delegated": ResourceStatus.RUNNING,
    "not_active": ResourceStatus.STOPPED,
    "undelegated": ResourceStatus.STOPPED,
}

OPERATING_SYSTEMS = (
    "almalinux",
    "alt",
    "arch",
    "astra",
    "centos",
    "debian",
    "fedora",
    "freebsd",
    "opensuse",
    "oracle linux",
    "red os",
    "rocky",
    "ubuntu",
    "windows",
)

LIMITS: tuple[tuple[str, str, str, str, str], ...] = (
    (gettext_noop("Domains"), "user_domains", "plan_domain", "", "domain"),
    (gettext_noop("Sites"), "user_sites", "plan_site", "", "site"),
    (gettext_noop("MySQL"), "user_mysqlsize", "plan_mysql", gettext_noop("MB"), "mysql"),
    (gettext_noop("FTP"), "user_ftp", "plan_ftp", "", "ftp"),
    (gettext_noop("Mail"), "user_mail", "plan_mail", "", "mail"),
    (gettext_noop("Disk"), "user_quota", "plan_quota", gettext_noop("MB"), "user"),
)
"""Name, field of what is used, field of what is allowed, unit, section of the API that shows the things."""


# ---- values -------------------------------------------------------------------------------------------------


def number(value: Any, operation: str) -> Decimal | None:
    """A number that may come as text; None where there is none. Raises UnexpectedResponse for anything else."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise unexpected("a number is missing", operation)
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise unexpected("a number is missing", operation) from None
    if not amount.is_finite() or abs(amount) > LARGEST_AMOUNT * 1_000_000:
        raise unexpected("a number is out of range", operation)
    return amount


def money(value: Any, operation: str) -> Decimal | None:
    """An amount in roubles; None where there is none."""
    amount = number(value, operation)
    if amount is not None and abs(amount) > LARGEST_AMOUNT:
        raise unexpected("an amount is out of range", operation)
    return amount


def whole(value: Any, operation: str) -> int | None:
    amount = number(value, operation)
    return None if amount is None else int(amount)


def text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def flag(value: Any) -> bool:
    """A flag in one of Beget's spellings: true, "true", 1, "1"."""
    return text(value).lower() in ("true", "1")


def identifier(item: Any, key: str, operation: str) -> str:
    """What identifies a thing; raises UnexpectedResponse where it is missing or empty."""
    value = item.get(key) if isinstance(item, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise unexpected(f"{key} is missing", operation)
    return str(value)


def listed(value: Any, operation: str) -> list[Any]:
    """A list, or the empty one that an absent field means; what is in it is looked at one by one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise unexpected("no list", operation)
    return value


def objects(value: Any, operation: str) -> list[dict[str, Any]]:
    """A list of nothing but objects."""
    items = listed(value, operation)
    if not all(isinstance(item, dict) for item in items):
        raise unexpected("no object", operation)
    return items


def texts(value: Any) -> list[str]:
    return sorted(text(item) for item in value) if isinstance(value, list) else []


def nested(item: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def cloud_instant(value: Any) -> datetime | None:
    """RFC 3339, aware UTC; without a zone it is UTC already. None where it is no date."""
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def hosting_instant(value: Any) -> datetime | None:
    """`YYYY-MM-DD[ HH:MM:SS]` in Moscow time as aware UTC; 0 and "" are no date."""
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=HOSTING_ZONE).astimezone(UTC)


def hosting_date(value: Any) -> str:
    """ISO date, "" where there is none."""
    try:
        return date.fromisoformat(text(value)[:10]).isoformat()
    except ValueError:
        return ""


def rate_of(item: Mapping[str, Any], operation: str) -> Rate | None:
    """The price of a cloud thing: `price_day` where Beget sends it, else `price_month`, else not known."""
    day = money(item.get("price_day"), operation)
    if day is not None:
        return Rate(amount=day, currency=CURRENCY, period=RatePeriod.DAY, in_account_total=True)
    month = money(item.get("price_month"), operation)
    if month is not None:
        return Rate(amount=month, currency=CURRENCY, period=RatePeriod.MONTH, in_account_total=True)
    return None


def known_rate_of(item: Mapping[str, Any], operation: str) -> Rate:
    """The price of what is never free; raises UnexpectedResponse where Beget names none."""
    rate = rate_of(item, operation)
    if rate is None:
        raise unexpected("a price is missing", operation)
    return rate


def status_of(word: str, known: Mapping[str, ResourceStatus]) -> ResourceStatus:
    return known.get(word, ResourceStatus.UNKNOWN)


def _gib(mib: Decimal | int | None) -> Decimal | None:
    return None if mib is None else Decimal(mib) / MIB_IN_GIB


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what is not set, so that an absent field and its default are the same."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


# ---- account ------------------------------------------------------------------------------------------------


def account_record(
    info: Any, *, login: str, unreadable_sections: Iterable[str], sections: str
) -> AccountRecord:
    """The account as `user/getAccountInfo` tells it.

    `user_rate_current` is the total of all priced services, roubles a day, and not a fee on top of them.
    `sections` is how many parts of the two APIs are readable, "5 / 7".
    """
    operation = "user/getAccountInfo"
    if not isinstance(info, dict):
        raise unexpected("no object", operation)
    daily = money(info.get("user_rate_current"), operation)
    if daily is None:
        raise unexpected("user_rate_current is missing", operation)
    balance = money(info.get("user_balance"), operation)
    days_left = whole(info.get("user_days_to_block"), operation)
    if days_left is None and balance is not None and daily > 0:
        days_left = max(0, int((balance / daily).to_integral_value(ROUND_FLOOR)))
    unreadable = set(unreadable_sections)
    return AccountRecord(
        account_id=login,
        name=login,
        balance=balance,
        currency=CURRENCY,
        charge_days_left=days_left,
        total=Rate(amount=daily, currency=CURRENCY, period=RatePeriod.DAY, in_account_total=True),
        remainder_id=f"account:{login}",
        remainder_name=gettext_noop("Plan and what is not itemised"),
        remainder_native_type="account_plan",
        remainder_scope=ACCOUNT,
        limits=tuple(
            Limit(
                name=name,
                used=number(info.get(used), operation),
                allowed=_allowed(number(info.get(allowed), operation)),
                unit=unit,
                is_readable=section not in unreadable,
            )
            for name, used, allowed, unit, section in LIMITS
        ),
        facts=_facts(info, sections),
    )


def _allowed(value: Decimal | None) -> Decimal | None:
    return None if value is None or value >= UNLIMITED else value


def _facts(info: Mapping[str, Any], sections: str) -> dict[str, dict[str, str]]:
    operation = "user/getAccountInfo"
    memory, used = (number(info.get(key), operation) for key in ("server_memory", "server_memorycurrent"))
    groups = {
        gettext_noop("Server"): {
            gettext_noop("Name"): text(info.get("server_name")),
            gettext_noop("CPU"): text(info.get("server_cpu_name")),
            gettext_noop("Memory, GB"): "" if memory is None else f"{memory / MIB_IN_GIB:.1f}",
            gettext_noop("Memory used, %"): f"{used * 100 / memory:.0f}"
            if memory and used is not None
            else "",
            gettext_noop("Load"): text(info.get("server_loadaverage")),
            gettext_noop("Uptime, days"): text(info.get("server_uptime")),
        },
        gettext_noop("Software"): {
            "PHP": text(info.get("server_php_version")),
            "MySQL": text(info.get("server_mysql_version")),
            "Apache": text(info.get("server_apache_version")),
            "nginx": text(info.get("server_nginx_version")),
            "Python": text(info.get("server_python_version")),
            "Perl": text(info.get("server_perl_version")),
        },
        gettext_noop("Access"): {
            gettext_noop("Plan"): text(info.get("plan_name")),
            gettext_noop("Rate, ₽ a month"): text(info.get("user_rate_month")),
            gettext_noop("Rate, ₽ a year"): text(info.get("user_rate_year")),
            gettext_noop("Plan paid for a year"): gettext_noop("yes")
            if flag(info.get("user_is_year_plan"))
            else "",
            "SSH": gettext_noop("on") if text(info.get("user_bash")) else gettext_noop("off"),
            gettext_noop("API sections"): sections,
        },
    }
    return {
        heading: kept
        for heading, facts in groups.items()
        if (kept := {label: value for label, value in facts.items() if value})
    }


# ---- VPS ----------------------------------------------------------------------------------------------------


def vps_records(item: Mapping[str, Any], projects: Mapping[str, str]) -> Iterator[ResourceRecord]:
    """One VPS and its licences; nothing for one that is removed already.

    Source: GET /v1/vps/server/list. Memory and disk are MB as Beget says (2048 = 2 GB).
    """
    operation = "GET /v1/vps/server/list"
    vps_id = identifier(item, "id", operation)
    word = text(item.get("status")) or "UNKNOWN"
    if word == "REMOVED":
        return
    configuration = nested(item, "configuration")
    software = nested(item, "software")
    memory = whole(configuration.get("memory"), operation)
    project = text(item.get("project_id"))
    status, provider_status = _vps_status(item, word)
    yield ResourceRecord(
        resource_id=vps_id,
        native_type="vps",
        name=text(item.get("display_name")) or text(item.get("hostname")) or text(item.get("slug")) or vps_id,
        scope=VPS,
        status=status,
        provider_status=provider_status,
        service_name="VPS",
        region_id=text(item.get("region")),
        sub_account_id=project,
        sub_account_name=projects.get(project, ""),
        specification=Specification(
            vcpus=number(configuration.get("cpu_count"), operation),
            memory_mib=memory,
            storage_gib=_gib(number(configuration.get("disk_size"), operation)),
            operating_system=_operating_system(software),
            ip_addresses=tuple(_vps_addresses(item, operation)),
        ),
        configuration=_vps_configuration(item, configuration, operation),
        rate=known_rate_of(configuration, operation),
        software=_software(software),
        created_at=cloud_instant(item.get("date_create")),
    )
    for licence in objects(software.get("license"), operation):
        yield _licence(licence, vps_id=vps_id, vps=item, projects=projects)


def _vps_status(item: Mapping[str, Any], word: str) -> tuple[ResourceStatus, str]:
    if flag(item.get("host_unavailable")):
        return ResourceStatus.UNKNOWN, f"{word}, host_unavailable"
    if flag(item.get("archived")):
        return ResourceStatus.STOPPED, f"{word}, archived"
    return status_of(word, VPS_STATUS), word


def _vps_addresses(item: Mapping[str, Any], operation: str) -> Iterator[str]:
    if item.get("ip_address"):
        yield text(item["ip_address"])
    yield from texts(item.get("additional_ip_address"))
    for network in objects(item.get("private_network"), operation):
        yield from texts(network.get("ip"))


def _vps_configuration(
    item: Mapping[str, Any], configuration: Mapping[str, Any], operation: str
) -> dict[str, Any]:
    software = nested(item, "software")
    return _present(
        {
            "configuration_id": text(configuration.get("id")),
            "configuration_name": text(configuration.get("name")),
            "group": text(configuration.get("group")),
            "cpu_count": whole(configuration.get("cpu_count"), operation),
            "memory_mib": whole(configuration.get("memory"), operation),
            "disk_mib": whole(configuration.get("disk_size"), operation),
            "bandwidth_public": whole(configuration.get("bandwidth_public"), operation),
            "hostname": text(item.get("hostname")),
            "description": text(item.get("description")),
            "ip_address": text(item.get("ip_address")),
            "additional_ip_addresses": texts(item.get("additional_ip_address")),
            "private_networks": sorted(
                text(nested(network, "network").get("id"))
                for network in objects(item.get("private_network"), operation)
            ),
            "ssh_keys": sorted(text(key.get("name")) for key in objects(item.get("ssh_keys"), operation)),
            "software": " ".join(
                filter(None, (text(software.get("display_name")), text(software.get("version"))))
            ),
            "software_domain": text(item.get("software_domain")),
            "technical_domain": text(item.get("technical_domain")),
            "snapshot_id": text(item.get("snapshot_id")),
            "image_id": text(item.get("image_id")),
            "archived": flag(item.get("archived")) or None,
            "rescue_mode": flag(item.get("rescue_mode")) or None,
            "beget_ssh_access_allowed": flag(item.get("beget_ssh_access_allowed")) or None,
        }
    )


def _software(software: Mapping[str, Any]) -> tuple[SoftwareRecord, ...]:
    """What Beget installed; its `field_value`s (passwords, e-mails) go nowhere."""
    name = text(software.get("display_name")) or text(software.get("name"))
    if not name:
        return ()
    return (
        SoftwareRecord(
            name=name, version=text(software.get("version")), status=text(software.get("status")).lower()
        ),
    )


def _operating_system(software: Mapping[str, Any]) -> str:
    name = text(software.get("display_name")) or text(software.get("name"))
    if not name.lower().startswith(OPERATING_SYSTEMS):
        return ""
    version = text(software.get("version"))
    return name if not version or version in name else f"{name} {version}"


def _licence(
    licence: Mapping[str, Any], *, vps_id: str, vps: Mapping[str, Any], projects: Mapping[str, str]
) -> ResourceRecord:
    """A licence belongs to its VPS; only a daily one is part of the account's daily rate."""
    operation = "GET /v1/vps/server/list"
    project = text(vps.get("project_id"))
    licence_id = identifier(licence, "id", operation)
    billing = nested(licence, "billing")
    rate = rate_of(nested(billing, "daily"), operation)
    month = money(nested(billing, "monthly").get("price_month"), operation)
    if rate is None and month is not None:
        rate = Rate(amount=month, currency=CURRENCY, period=RatePeriod.MONTH)
    return ResourceRecord(
        resource_id=f"licence:{vps_id}:{licence_id}",
        native_type="licence",
        name=text(licence.get("display_name")) or text(licence.get("type")) or licence_id,
        scope=VPS,
        status=ResourceStatus.RUNNING,
        service_name="VPS",
        region_id=text(vps.get("region")),
        sub_account_id=project,
        sub_account_name=projects.get(project, ""),
        parent_id=vps_id,
        configuration=_present({"type": text(licence.get("type")), "plan": text(licence.get("plan"))}),
        rate=rate,
    )


def additional_ip_record(item: Mapping[str, Any]) -> ResourceRecord:
    """An additional address. Beget names no price for it: its cost stands in the account's remainder.

    It is therefore marked free, lest it be shown as a cost that nobody knows.
    """
    address = identifier(item, "ip", "GET /v1/vps/network")
    vps_id = text(item.get("vps_id"))
    return ResourceRecord(
        resource_id=f"ip:{address}",
        native_type="additional_ip",
        name=address,
        scope=NETWORK,
        status=ResourceStatus.RUNNING,
        service_name="VPS",
        region_id=text(item.get("region")),
        parent_id=vps_id,
        specification=Specification(ip_addresses=(address,)),
        configuration=_present({"vps_id": vps_id}),
        is_free=True,
        is_orphan=not vps_id,
    )


def private_network_record(item: Mapping[str, Any]) -> ResourceRecord:
    operation = "GET /v1/vps/network"
    network_id = identifier(item, "id", operation)
    subnet, mask = text(item.get("subnet")), text(item.get("mask"))
    return ResourceRecord(
        resource_id=f"network:{network_id}",
        native_type="private_network",
        name=f"{subnet}/{mask}" if subnet and mask else network_id,
        scope=NETWORK,
        status=ResourceStatus.RUNNING,
        service_name="VPS",
        region_id=text(item.get("region")),
        configuration=_present({"subnet": subnet, "mask": whole(item.get("mask"), operation)}),
        is_free=True,
    )


def snapshot_record(item: Mapping[str, Any]) -> ResourceRecord | None:
    """A VPS snapshot, None for a deleted one. Size is bytes; orphan when its VPS is gone."""
    operation = "GET /v1/vps/snapshot"
    snapshot_id = identifier(item, "id", operation)
    word = text(item.get("status")) or "CREATING"
    if word == "DELETED":
        return None
    size = number(item.get("size"), operation)
    source = text(item.get("vps_name"))
    return ResourceRecord(
        resource_id=f"snapshot:{snapshot_id}",
        native_type="snapshot",
        name=text(item.get("description")) or source or snapshot_id,
        scope=SNAPSHOTS,
        status=status_of(word, SNAPSHOT_STATUS),
        provider_status=word,
        service_name="VPS",
        region_id=text(item.get("region")),
        specification=Specification(storage_gib=None if size is None else size / BYTES_IN_GIB),
        configuration=_present(
            {
                "vps_id": text(item.get("vps_id")),
                "vps_name": source,
                "size_bytes": None if size is None else int(size),
                "disk_mib": whole(nested(item, "configuration").get("disk_size"), operation),
            }
        ),
        rate=rate_of(item, operation),
        is_orphan=not flag(item.get("vps_exists")),
        created_at=cloud_instant(item.get("date_create")),
    )


def image_record(item: Mapping[str, Any]) -> ResourceRecord:
    """An image of one's own. Beget states no period of `price`; it is taken as a day's, like all others."""
    operation = "GET /v1/image"
    image_id = identifier(item, "id", operation)
    word = text(item.get("status")) or "CREATED"
    price = money(item.get("price"), operation)
    size = number(item.get("size_bytes"), operation)
    disk = whole(item.get("disk_size_bytes"), operation)
    return ResourceRecord(
        resource_id=f"image:{image_id}",
        native_type="image",
        name=text(item.get("name")) or image_id,
        scope=IMAGES,
        status=status_of(word, IMAGE_STATUS),
        provider_status=word,
        service_name="VPS",
        region_id=text(item.get("region")),
        specification=Specification(storage_gib=None if size is None else size / BYTES_IN_GIB),
        configuration=_present({"size_bytes": None if size is None else int(size), "disk_size_bytes": disk}),
        rate=None
        if price is None
        else Rate(amount=price, currency=CURRENCY, period=RatePeriod.DAY, in_account_total=True),
        created_at=cloud_instant(item.get("created_at")),
    )


def backup_record(
    item: Mapping[str, Any], *, kind: str, scope: Scope, parents: Iterable[str]
) -> ResourceRecord:
    """An automatic copy of a VPS (`kind` vps) or of a managed database (mysql, postgresql); free.

    `parents` are the resources known to exist: a copy outlives what it is of.
    """
    operation = "GET /v1/vps/backup" if kind == "vps" else f"GET /v1/cloud/{kind}/backup"
    copy_id = identifier(item, "id", operation)
    source_id = text(item.get("vps_id") or item.get("service_uuid"))
    source_name = text(item.get("vps_name") or item.get("service_name"))
    size = number(item.get("size"), operation)
    taken_at = cloud_instant(item.get("date"))
    return ResourceRecord(
        resource_id=f"backup:{kind}:{copy_id}",
        native_type=f"{kind}_backup",
        name=source_name or copy_id,
        scope=scope,
        status=ResourceStatus.RUNNING,
        service_name="VPS" if kind == "vps" else "Cloud databases",
        region_id=text(item.get("region")),
        parent_id=source_id if source_id in parents else "",
        specification=Specification(
            storage_gib=None if size is None else size / BYTES_IN_GIB,
            engine="" if kind == "vps" else kind,
        ),
        configuration=_present(
            {
                "source_id": source_id,
                "size_bytes": None if size is None else int(size),
                "taken_at": "" if taken_at is None else taken_at.isoformat(),
            }
        ),
        is_free=True,
        created_at=taken_at,
    )


# ---- managed services ---------------------------------------------------------------------------------------


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
    detail = _service_detail(item, kind)
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
        configuration=_present(
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


def _service_detail(item: Mapping[str, Any], kind: str) -> dict[str, Any]:
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
        storage_gib=_gib(disk),
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


# ---- hosting ------------------------------------------------------------------------------------------------


def is_registered(item: Mapping[str, Any]) -> bool:
    """Whether a domain is registered through Beget, and paid for; the others are only attached."""
    return bool(text(item.get("registrar"))) or bool(hosting_date(item.get("date_expire")))


def domain_record(item: Mapping[str, Any], *, rate: Rate | None) -> ResourceRecord:
    """A domain. A registered one has its zone's yearly list price, an attached one is free."""
    operation = "domain/getList"
    fqdn = identifier(item, "fqdn", operation)
    registered = is_registered(item)
    order = text(item.get("register_order_status"))
    word = text(item.get("registrar_status"))
    if order == "new":
        status = ResourceStatus.PENDING
    elif not word:
        status = ResourceStatus.RUNNING
    else:
        status = status_of(word, DOMAIN_STATUS)
    return ResourceRecord(
        resource_id=f"domain:{fqdn}",
        native_type="domain",
        name=fqdn,
        scope=DOMAINS,
        status=status,
        provider_status=word,
        service_name="Domains",
        configuration=_present(
            {
                "registrar": text(item.get("registrar")),
                "date_expire": hosting_date(item.get("date_expire")),
                "auto_renew": flag(item.get("auto_renew")) or None,
                "is_under_control": flag(item.get("is_under_control")) or None,
            }
        ),
        rate=rate if registered else None,
        is_free=not registered,
        created_at=hosting_instant(item.get("date_add")),
    )


def domain_rate(fqdn: str, zones: Mapping[str, Mapping[str, Any]]) -> Rate | None:
    """Renewal price of the longest zone that `fqdn` lies in, roubles a year; None where the list has none."""
    operation = "domain/getZoneList"
    labels = fqdn.lower().split(".")
    for start in range(1, len(labels)):
        zone = zones.get(".".join(labels[start:]))
        if isinstance(zone, dict):
            name = labels[start - 1]
            is_idn = name.startswith("xn--") or not name.isascii()
            price = money(zone.get("price_idn_renew"), operation) if is_idn else None
            price = price if price is not None else money(zone.get("price_renew"), operation)
            if price is None:
                return None
            return Rate(amount=price, currency=CURRENCY, period=RatePeriod.YEAR, is_list_price=True)
    return None


def site_record(item: Mapping[str, Any]) -> ResourceRecord:
    operation = "site/getList"
    site_id = identifier(item, "id", operation)
    domains = objects(item.get("domains"), operation)
    names = sorted(text(domain.get("fqdn")) for domain in domains)
    return _hosted(
        resource_id=f"site:{site_id}",
        native_type="site",
        name=names[0] if names else text(item.get("path")) or site_id,
        scope=SITES,
        configuration={
            "path": text(item.get("path")),
            "domains": names,
            "php_versions": sorted({text(domain.get("php_version")) for domain in domains} - {""}),
        },
    )


def hosting_mysql_record(item: Mapping[str, Any]) -> ResourceRecord:
    operation = "mysql/getList"
    name = identifier(item, "name", operation)
    return _hosted(
        resource_id=f"mysql:{name}",
        native_type="hosting_mysql",
        name=name,
        scope=MYSQL,
        configuration={
            "accesses": sorted(
                text(access.get("name")) for access in objects(item.get("accesses"), operation)
            )
        },
        engine="mysql",
    )


def ftp_record(item: Mapping[str, Any]) -> ResourceRecord:
    login = identifier(item, "login", "ftp/getList")
    return _hosted(
        resource_id=f"ftp:{login}",
        native_type="ftp",
        name=login,
        scope=FTP,
        configuration={"homedir": text(item.get("homedir"))},
    )


def mailbox_record(item: Mapping[str, Any], *, domain: str) -> ResourceRecord:
    mailbox = identifier(item, "mailbox", "mail/getMailboxList")
    address = f"{mailbox}@{text(item.get('domain')) or domain}"
    return _hosted(
        resource_id=f"mail:{address}",
        native_type="mailbox",
        name=address,
        scope=MAIL,
        configuration={"forwarding": text(item.get("forward_mail_status"))},
    )


def _hosted(
    *,
    resource_id: str,
    native_type: str,
    name: str,
    scope: Scope,
    configuration: Mapping[str, Any],
    engine: str = "",
) -> ResourceRecord:
    """Part of the hosting plan: paid with it, and running as long as it is there."""
    return ResourceRecord(
        resource_id=resource_id,
        native_type=native_type,
        name=name,
        scope=scope,
        status=ResourceStatus.RUNNING,
        service_name="Hosting",
        specification=Specification(engine=engine),
        configuration=_present(configuration),
        is_free=True,
    )


# ---- usage --------------------------------------------------------------------------------------------------

Points = list[tuple[datetime, float]]


def series(value: Any, operation: str) -> Points:
    """Points of two parallel arrays `date` and `value`, ascending, one an instant, zipped to the shorter one."""
    if not isinstance(value, dict):
        return []
    dates, values = value.get("date") or [], value.get("value") or []
    if not isinstance(dates, list) or not isinstance(values, list):
        raise unexpected("no series", operation)
    points: dict[datetime, float] = {}
    for moment, raw in zip(dates, values, strict=False):
        instant, amount = cloud_instant(moment), number(raw, operation)
        if instant is not None and amount is not None:
            points[instant] = float(amount)
    return sorted(points.items())


def cpu_percent(points: Points, cores: int | None) -> Points:
    """Per cent of the whole machine: a peak above 100 shows that Beget sent the sum over the cores."""
    peak = max((value for _, value in points), default=0.0)
    share = cores if peak > 100 and cores else 1
    return [(instant, min(value / share, 100.0)) for instant, value in points]


def memory_percent(points: Points, memory_mib: int) -> Points:
    return [(instant, min(value * 100 / memory_mib, 100.0)) for instant, value in points]


# ---- prices -------------------------------------------------------------------------------------------------


def vps_price(item: Mapping[str, Any]) -> PriceRecord | None:
    """One tariff of VPS, None for one made for a single customer or without a price."""
    operation = "GET /v1/vps/configuration"
    sku = identifier(item, "id", operation)
    rate = rate_of(item, operation)
    if rate is None or flag(item.get("custom")):
        return None
    return PriceRecord(
        sku_id=f"vps:{sku}",
        resource_type=ResourceType.SERVER,
        name=text(item.get("name")) or sku,
        region_id=text(item.get("region")),
        amount=rate.amount,
        currency=CURRENCY,
        period=rate.period,
        specification=Specification(
            vcpus=number(item.get("cpu_count"), operation),
            memory_mib=whole(item.get("memory"), operation),
            storage_gib=_gib(number(item.get("disk_size"), operation)),
        ),
    )


def database_price(item: Mapping[str, Any]) -> PriceRecord | None:
    """One tariff of managed databases, None for other services and for what has no price."""
    operation = "GET /v1/cloud/configuration"
    sku = identifier(item, "id", operation)
    kind = service_kind(item)
    rate = rate_of(item, operation)
    if rate is None or kind not in ("mysql", "postgresql"):
        return None
    detail = _service_detail(item, kind)
    version = text(detail.get("display_version")) or text(detail.get("version"))
    return PriceRecord(
        sku_id=f"database:{sku}:{text(item.get('region'))}",
        resource_type=ResourceType.DATABASE,
        name=f"{'MySQL' if kind == 'mysql' else 'PostgreSQL'} {version}".strip(),
        region_id=text(item.get("region")),
        amount=rate.amount,
        currency=CURRENCY,
        period=rate.period,
        specification=Specification(
            vcpus=number(detail.get("cpu_count"), operation),
            memory_mib=whole(detail.get("memory"), operation),
            storage_gib=_gib(number(detail.get("disk_size"), operation)),
            engine=kind,
            engine_version=version,
        ),
    )


def zone_prices(zones: Mapping[str, Any]) -> Iterator[PriceRecord]:
    """A year's renewal in each zone, for names in Latin and in national letters."""
    operation = "domain/getZoneList"
    for zone, item in zones.items():
        if not isinstance(item, dict):
            raise unexpected("no object", operation)
        for suffix, field in (("", "price_renew"), (":idn", "price_idn_renew")):
            price = money(item.get(field), operation)
            if price is not None:
                yield PriceRecord(
                    sku_id=f"zone:{zone}{suffix}",
                    resource_type=ResourceType.DOMAIN,
                    name=f".{zone} IDN" if suffix else f".{zone}",
                    region_id="",
                    amount=price,
                    currency=CURRENCY,
                    period=RatePeriod.YEAR,
                )
