"""Servers, services and the rest as the cloud API shows them, from the scenario's words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from providers.emulators.beget.account import Account, local_text, money, per_day
from providers.emulators.beget.stats import disk_used_mb

MB_IN_GB = 1024
BYTES_IN_GB = 1024**3
DATABASE_TYPES = {
    "MYSQL5": "5.7.44",
    "MYSQL8": "8.0.36",
    "MYSQL84": "8.4.2",
    "POSTGRESQL14": "14.11",
    "POSTGRESQL15": "15.6",
    "POSTGRESQL164": "16.4",
}
"""Type of a managed database -> version."""


def server_object(account: Account, vps: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    used = disk_used_mb(vps)
    address = public_address(account, vps)
    slug = f"{vps['name']}-{account.login}"
    networks = [
        network for network in account.standing("network", at) if network["name"] in vps.get("networks", [])
    ]
    return {
        "id": vps["id"],
        "slug": slug,
        "display_name": vps["name"],
        "hostname": vps["name"],
        "description": vps.get("description", ""),
        "configuration": vps_configuration(vps),
        "status": vps.get("status", "RUNNING"),
        "manage_enabled": True,
        "has_password": True,
        "date_create": local_text(account, account.scenario.created_at(vps)),
        "ip_address": address,
        "additional_ip_address": [
            each["ip"] for each in account.standing("additional_ip", at) if each.get("vps") == vps["name"]
        ],
        "private_network": [
            {
                "network": private_network(network),
                "ip": [f"{network['subnet'].rsplit('.', 1)[0]}.{vps['position'] + 4}"],
            }
            for network in networks
        ],
        "disk_used": str(used),
        "disk_left": str(int(vps["disk_gb"]) * MB_IN_GB - used),
        "ssh_keys": [
            ssh_key(account, key)
            for key in account.standing("ssh_key", at)
            if vps["name"] in key.get("vps", [])
        ],
        "rescue_mode": False,
        "migrating": False,
        "host_unavailable": vps.get("host_unavailable", False),
        "unblocking": False,
        "restoring": False,
        "archived": vps.get("archived", False),
        "unarchiving": False,
        "technical_domain": f"{slug}.example.test",
        "software_domain": "",
        "beget_ssh_access_allowed": False,
        "software": software_object(vps),
        "region": vps.get("region", "ru1"),
        "project_id": account.uuid("project", vps.get("project", "Default")),
        "software_id": str(vps.get("software", {}).get("id", "")),
        "snapshot_id": "",
        "image_id": "",
        "link_slug": slug,
        "ui_pinned": False,
        "display_rank": str(vps["position"]),
    }


def vps_configuration(vps: Mapping[str, Any]) -> dict[str, Any]:
    cpu, memory, disk = int(vps["cpu_count"]), int(vps["memory_gb"]), int(vps["disk_gb"])
    return {
        **size(f"cfg-{cpu}-{memory}-{disk}-{vps['position']}", cpu, memory, disk),
        "price_day": per_day(vps["price_month"]),
        "price_month": money(vps["price_month"]),
        "custom": True,
        "region": vps.get("region", "ru1"),
        "group": vps.get("group", "normal_cpu"),
    }


def size(identifier: str, cpu: int, memory_gb: int, disk_gb: int) -> dict[str, Any]:
    return {
        "id": identifier,
        "name": f"{cpu} CPU, {memory_gb} GB, {disk_gb} GB",
        "cpu_count": cpu,
        "memory": memory_gb * MB_IN_GB,
        "disk_size": disk_gb * MB_IN_GB,
        "bandwidth_public": 250,
        "available": True,
        "configurable": True,
    }


def service_object(account: Account, service: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    kind = service["type"]
    monthly = money(service.get("price_month", 0))
    common = {
        "id": service["id"],
        "type": kind,
        "configuration_id": service.get("configuration_id", kind.lower()),
        "display_name": service["name"],
        "description": service.get("description", ""),
        "project_id": account.uuid("project", service.get("project", "Default")),
        "slug": f"{service['name']}-{account.login}",
        "status": service.get("status", "RUNNING"),
        "created_at": local_text(account, account.scenario.created_at(service)),
        "price_day": per_day(monthly),
        "price_month": monthly,
        "region": service.get("region", "ru1"),
        "manage_enabled": True,
        "monitorable_resources": ["cpu", "memory", "disk"] if kind in DATABASE_TYPES else ["disk"],
        "unblocking": False,
        "migrating": False,
        "restoring": False,
        "display_rank": str(service["position"]),
    }
    if kind == "S_3":
        common["s3"] = _bucket_detail(account, service, account.bucket(service, at))
    elif kind == "CDN":
        common["cdn"] = _cdn_detail(service)
    else:
        common[kind.lower()] = _database_detail(service)
    return common


def public_address(account: Account, vps: Mapping[str, Any]) -> str:
    """A public address: the scenario's, or one of the range for benchmarks."""
    position = int(vps["position"])
    fallback = (
        f"198.{18 + account.number % 2}.{account.number * 50 % 200 + position // 250}.{position % 250 + 1}"
    )
    return str(vps.get("ip", fallback))


def attached_to(account: Account, address: Mapping[str, Any], at: datetime) -> str:
    vps = account.vps_named(address.get("vps", ""), at)
    return "" if vps is None else str(vps["id"])


def private_network(network: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(network["id"]),
        "subnet": network["subnet"],
        "mask": int(network.get("mask", 24)),
        "region": network.get("region", "ru1"),
    }


def ssh_key(account: Account, key: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": int(key["id"]),
        "name": key["name"],
        "fingerprint": key.get("fingerprint", "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99"),
        "vps_id": [account.vps_id(name) for name in key.get("vps", [])],
    }


def software_object(vps: Mapping[str, Any]) -> dict[str, Any]:
    """Installed software, with the password the real API shows as well."""
    software = vps.get("software")
    if not software:
        return {}
    name = software["name"]
    fields = [
        {
            "label_ru": "E-mail",
            "label_en": "E-mail",
            "value": "admin@example.test",
            "type": "EMAIL",
            "variable": "email",
        },
        {
            "label_ru": "Пароль",
            "label_en": "Password",
            "value": f"demo-secret-software-{vps['name']}",
            "type": "PASSWORD",
            "variable": "password",
        },
    ]
    licence = software.get("licence")
    return {
        "name": name,
        "display_name": software.get("display_name", name),
        "version": software.get("version", ""),
        "address": "",
        "status": "INSTALLED",
        "field_value": fields,
        "slug": name,
        "license": [_licence(licence)] if licence else [],
    }


def _licence(licence: Mapping[str, Any]) -> dict[str, Any]:
    monthly = int(licence["price_month"])
    if licence.get("billing", "daily") == "monthly":
        billing: dict[str, Any] = {"monthly": {"price_month": monthly}}
    else:
        billing = {"daily": {"price_day": per_day(monthly), "price_month": monthly}}
    return {
        "id": int(licence["id"]),
        "type": licence.get("type", "PANEL"),
        "display_name": licence["name"],
        "plan": licence.get("plan", "default"),
        "primary": True,
        "billing": billing,
    }


def history_type(change: Mapping[str, Any]) -> str:
    return {"STOPPED": "STOP", "RUNNING": "START"}.get(str(change.get("status")), "RECONFIGURE")


def stored_size(thing: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cpu_count": int(thing["cpu_count"]),
        "disk_size": int(thing["disk_gb"]) * MB_IN_GB,
        "memory": int(thing["memory_gb"]) * MB_IN_GB,
    }


def snapshot_object(account: Account, snapshot: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    vps = account.vps_named(snapshot["vps"], at)
    return {
        "id": str(snapshot["id"]),
        "vps_id": account.vps_id(snapshot["vps"]),
        "vps_name": snapshot["vps"],
        "vps_exists": vps is not None,
        "date_create": local_text(account, account.scenario.created_at(snapshot)),
        "size": str(int(snapshot["size_gb"]) * BYTES_IN_GB),
        "status": snapshot.get("status", "DONE"),
        "description": snapshot["description"],
        "configuration": stored_size(snapshot),
        "price_day": per_day(snapshot["price_month"]),
        "region": snapshot.get("region", "ru1"),
        "installed_software": {} if vps is None else software_object(vps),
    }


def vps_backup(account: Account, copy: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    vps = account.vps_named(copy["vps"], at)
    return {
        "id": str(copy["id"]),
        "vps_id": account.vps_id(copy["vps"]),
        "vps_name": copy["vps"],
        "date": local_text(account, account.scenario.created_at(copy)),
        "size": str(int(copy["size_gb"]) * BYTES_IN_GB),
        "region": copy.get("region", "ru1"),
        "configuration": {} if vps is None else stored_size(vps),
        "installed_software": {} if vps is None else software_object(vps),
    }


def _bucket_detail(account: Account, service: Mapping[str, Any], bucket: Mapping[str, Any]) -> dict[str, Any]:
    name = service["name"]
    transfer = {
        "host": "ftp.example.test",
        "login": f"{account.login}_{name}",
        "password": f"demo-secret-ftp-{name}",
        "status": "DISABLED",
    }
    return {
        "public": service.get("public", False),
        "access_key": f"demo-secret-access-{name}",
        "secret_key": f"demo-secret-secret-{name}",
        "fqdn": f"{name}.example.test",
        "cors": [],
        "quota_used_size": int(bucket["storage_size"]) * MB_IN_GB,
        "ftp": {**transfer, "port": 21},
        "sftp": {**transfer, "port": 22},
    }


def _cdn_detail(service: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "resource_domain": [
            {"domain": f"{service['name']}.example.test", "is_technical": True, "status": "WORKING"}
        ],
        "source_domain": {
            "source_service_type": "DOMAIN",
            "domain": "origin.example.test",
            "source_protocol": "HTTPS",
        },
        "settings": {
            "caching_time": 3600,
            "tokenized_url_secure_key": {
                "enable": True,
                "key": f"demo-secret-cdn-{service['name']}",
                "include_ip": False,
            },
        },
        "ssl_enabled": True,
        "traffic": str(int(service["traffic_gb"]) * BYTES_IN_GB),
    }


def database_size(service: Mapping[str, Any]) -> dict[str, Any]:
    version = DATABASE_TYPES[service["type"]]
    return {
        **stored_size(service),
        "version": version,
        "display_version": ".".join(version.split(".")[:2]),
        "param_default": {},
    }


def _database_detail(service: Mapping[str, Any]) -> dict[str, Any]:
    """Sizes in bytes; `pma_url` for MySQL, `webui_url` for PostgreSQL."""
    used = int(service.get("used_gb", 1)) * BYTES_IN_GB
    is_mysql = service["type"].startswith("MYSQL")
    return {
        "configuration": database_size(service),
        "host": f"{service['name']}.example.test",
        "port": 3306 if is_mysql else 5432,
        "address_info": {"public": [{"ip": "192.0.2.40"}], "private": []},
        ("pma_url" if is_mysql else "webui_url"): "https://console.example.test",
        "disk_used": str(used),
        "disk_left": str(int(service["disk_gb"]) * BYTES_IN_GB - used),
        "read_only": False,
    }
