"""Names of scopes in the reader's language: what was to be read, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

USAGE = "usage"
"""First part of the scopes of measurements, one per machine."""

PLACES = ("project", "region")
"""Parts that only say that the next one is the name of such a place."""

ID_LENGTH = 12
"""An id as long as this tells a reader nothing whole: its beginning is shown."""

SECTIONS = {
    "account": _("account"),
    "backups": _("backups"),
    "balance": _("balance"),
    "billing": _("billing"),
    "buckets": _("buckets"),
    "cdn": _("CDN"),
    "clusters": _("Kubernetes clusters"),
    "consumption": _("consumption"),
    "databases": _("databases"),
    "dedicated_servers": _("dedicated servers"),
    "domains": _("domains"),
    "floating_ips": _("floating IPs"),
    "ftp": _("FTP"),
    "images": _("images"),
    "load_balancers": _("load balancers"),
    "mail": _("mail"),
    "mysql": _("MySQL"),
    "network": _("networks"),
    "networks": _("networks"),
    "ports": _("ports"),
    "postgresql": _("PostgreSQL"),
    "prices": _("price list"),
    "projects": _("projects"),
    "registries": _("container registries"),
    "routers": _("routers"),
    "s3": _("S3"),
    "servers": _("servers"),
    "services": _("services"),
    "shares": _("file storage"),
    "sites": _("sites"),
    "snapshots": _("snapshots"),
    "transactions": _("transactions"),
    "usage": _("measurements"),
    "volumes": _("volumes"),
    "vps": _("servers"),
    "vps-network": _("networks"),
    "zones": _("DNS zones"),
}
"""Words for parts of scopes; other parts are names, and shown as they are."""


def scope_name(scope: Sequence[str], places: Mapping[str, str] | None = None) -> str:
    """`("project", "p1", "region", "ru-3", "servers")` is “servers / ru-3 / Shop”; `places` is {project id: name}.

    What is read comes first. A project whose name is not known is told by the beginning of its id.
    """
    if scope and scope[0] == USAGE:
        return gettext(SECTIONS[USAGE])
    words, found = _parted(scope)
    named = [gettext(SECTIONS[word]) if word in SECTIONS else word for word in words]
    if not words and "project" in found:  # the project itself
        named.append(gettext(SECTIONS["projects"]))
    return " / ".join([*named, *_place_names(found, places)])


def place_name(scope: Sequence[str], places: Mapping[str, str] | None = None) -> str:
    """Where it is read, without what: “ru-3 / Shop”; empty where the scope names no place."""
    return " / ".join(_place_names(_parted(scope)[1], places))


def _parted(scope: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """What is read, and {kind of place: its own name}."""
    found: dict[str, str] = {}
    words = []
    parts = iter(scope)
    for part in parts:
        place = next(parts, "") if part in PLACES else ""
        if place:
            found[part] = place
        else:
            words.append(part)
    return words, found


def _place_names(found: Mapping[str, str], places: Mapping[str, str] | None) -> list[str]:
    inward = [found[kind] for kind in reversed(PLACES) if kind in found]
    return [(places or {}).get(name) or _short(name) for name in inward]


def _short(name: str) -> str:
    is_id = len(name) > ID_LENGTH and not name.strip("0123456789abcdef-")
    return f"{name[:8]}…" if is_id else name
