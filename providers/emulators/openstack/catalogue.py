"""The service catalogue of a token: every region, public and administrators' entries."""

from __future__ import annotations

from typing import Any

from providers.emulators.openstack.cloud import Cloud

SERVICES = (
    ("compute", "nova", "openstack/nova/{region}/v2.1"),
    ("volumev3", "cinderv3", "openstack/cinder/{region}/v3/{project}"),
    ("network", "neutron", "openstack/neutron/{region}"),
    ("image", "glance", "openstack/glance/{region}"),
    ("sharev2", "manilav2", "openstack/manila/{region}/v2/{project}"),
    ("load-balancer", "octavia", "openstack/octavia/{region}"),
    ("object-store", "swift", "openstack/swift/{region}/v1/{project}"),
    ("metric", "gnocchi", "openstack/gnocchi/{region}"),
)
SELECTEL_SERVICES = (
    ("managed-database", "dbaas", "selectel/dbaas/{region}/v1"),
    ("managed-kubernetes", "mks", "selectel/mks/{region}/v1"),
    ("quota-manager", "quota-manager", "selectel/quota/{region}/v1"),
    ("container-registry", "craas", "selectel/registry/v1"),
    ("dnsv2", "dns", "selectel/dns/v2"),
    ("resell", "resell", "selectel/resell"),
    ("iam", "iam", "selectel/iam/v1"),
)
"""Service type, name and path below the server's address; the last four are the same in every region."""


def catalogue(cloud: Cloud, project_id: str, url: str) -> list[dict[str, Any]]:
    """The catalogue as Keystone writes it; without a project the services that need one are left out."""
    services = SERVICES + (SELECTEL_SERVICES if cloud.provider == "selectel" else ())
    entries = []
    for kind, name, path in services:
        if "{project}" in path and not project_id:
            continue
        endpoints = []
        for region, values in cloud.regions.items():
            if kind in values.get("without", ()):
                continue
            public = f"{url}/{path.format(region=region, project=project_id)}"
            inside = f"http://10.0.0.1/{path.format(region=region, project=project_id)}"
            endpoints += [
                _endpoint(cloud, kind, region, interface, address)
                for interface, address in (("public", public), ("internal", inside), ("admin", inside))
            ]
        if endpoints:
            entries.append(
                {"type": kind, "name": name, "id": cloud.identity("service", kind), "endpoints": endpoints}
            )
    identity = [
        _endpoint(cloud, "identity", region, "public", f"{url}/openstack/keystone/v3")
        for region in cloud.regions
    ]
    return [
        *entries,
        {
            "type": "identity",
            "name": "keystone",
            "id": cloud.identity("service", "identity"),
            "endpoints": identity,
        },
    ]


def _endpoint(cloud: Cloud, kind: str, region: str, interface: str, url: str) -> dict[str, Any]:
    return {
        "id": cloud.identity("endpoint", f"{kind}/{region}/{interface}"),
        "interface": interface,
        "region": region,
        "region_id": region,
        "url": url,
    }
