"""Names that this plugin gives: scopes of coverage, and the taxonomy's type of each native type."""

from __future__ import annotations

from collections.abc import Mapping

from providers.contract.records import (
    ResourceType,
    Scope,
)

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
