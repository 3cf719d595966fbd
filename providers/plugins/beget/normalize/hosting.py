"""What belongs to the hosting plan, and domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.contract.records import (
    Rate,
    RatePeriod,
    ResourceRecord,
    ResourceStatus,
    Scope,
    Specification,
)

from .values import (
    CURRENCY,
    flag,
    hosting_date,
    hosting_instant,
    identifier,
    money,
    objects,
    present,
    status_of,
    text,
)
from .words import (
    DOMAINS,
    FTP,
    MAIL,
    MYSQL,
    SITES,
)

DOMAIN_STATUS: Mapping[str, ResourceStatus] = {
    "delegated": ResourceStatus.RUNNING,
    "not_active": ResourceStatus.STOPPED,
    "undelegated": ResourceStatus.STOPPED,
}


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
        configuration=present(
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
        configuration=present(configuration),
        is_free=True,
    )
