"""Waste planted in networks, databases, clusters, names and accounts; and what only looks like it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from benchmarks.waste import sold
from benchmarks.waste.scenes import Scene, plant
from benchmarks.waste.world import Chance, Place, ago, level, load, office, part
from recommendations.engine.facts import CostSummary, ResourceFacts

# ---- networks -------------------------------------------------------------------------------------------------


@plant(
    "ip.unused",
    lambda c: {"is_orphan": True, "orphan_since": ago(c.uniform(0, 6.9))},
    lambda c: {"is_orphan": False, "orphan_since": None},
    lambda c: {"tags": {"allowlist": "bank"}},
    lambda c: {"name": "failover-1"},
    lambda c: {"named": True},
    lambda c: {"server": "running"},
    lambda c: {"server": "stopped", "off": c.uniform(1, 29)},
)
def ip_unused(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    status = changes.pop("server", "stopped" if chance.happens(0.3) and not changes else None)
    off = changes.pop("off", chance.uniform(31, 200))
    if changes.pop("named", False):
        place.changes["named_addresses"] = frozenset({"203.0.113.7"})
    server = sold.cloud_server(place, 2, 4, status=status, status_since=ago(off)) if status else None
    values: dict[str, Any] = {
        "parts": (part("ip", 1, chance.amount(90, 400)),),
        "ip_addresses": ("203.0.113.7",),
    }
    if server is None:
        values |= {"is_orphan": True, "orphan_since": ago(chance.uniform(7.1, 300))}
    return place.add("floating_ip", parent=server, **(values | changes))


def _requests(value: float) -> dict[str, Any]:
    return {
        "configuration": {"member_count": 2, "operating_status": "ONLINE"},
        "series": {"request_rate": level(value / 86_400)},
    }


@plant(
    "lb.unused",
    lambda c: _requests(c.uniform(50, 1e7)),
    lambda c: {
        **_requests(0),
        "series": {"request_rate": level(0), "network_rx": level(1e4), "network_tx": level(1e4)},
    },
    lambda c: {"configuration": {"member_count": 2, "operating_status": "DEGRADED"}, "series": {}},
    lambda c: {"changed_at": ago(c.uniform(3.1, 13)), "configuration": {"member_count": 0}, "series": {}},
    lambda c: {"name": "shop-green"},
    lambda c: {"tags": {"standby": "yes"}},
    lambda c: {"age": c.uniform(1, 13)},
)
def lb_unused(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    values = chance.choice(
        [
            {"configuration": {"member_count": 0}},
            {"configuration": {"member_count": 3, "operating_status": "ERROR"}},
            _requests(chance.uniform(0, 9)),
        ]
    )
    return sold.balancer(place, chance.choice(list(sold.BALANCERS)), **(values | changes))


@plant(
    "lb.oversized",
    lambda c: {"share": c.uniform(0.6, 0.95)},
    lambda c: {"plan": "pair_s"},
    lambda c: {"series": {}},
    lambda c: {"days": 6},
    lambda c: {"age": 9},
)
def lb_oversized(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    """So few requests that twice as many fit into the next smaller plan."""
    plan = changes.pop("plan", chance.choice(["pair_m", "pair_l"]))
    smaller = {"pair_s": 100, "pair_m": 200, "pair_l": 1000}[plan]
    peak = (
        smaller / 2 * chance.uniform(0.1, 0.9)
        if "share" not in changes
        else sold.BALANCERS[plan][0] * changes.pop("share")
    )
    series = {
        "request_rate": load(
            chance,
            peak * 0.9,
            office(chance, night=0.3, weekend=0.5),
            days=changes.pop("days", 35),
            highest=peak,
        )
    }
    return sold.balancer(place, plan, **({"series": series} | changes))


@plant(
    "gateway.idle",
    lambda c: {
        "configuration": {"port_count": 3},
        "series": {"network_rx": level(1e3), "network_tx": level(1e3)},
    },
    lambda c: {"configuration": {}, "series": {"network_rx": level(0)}},
    lambda c: {"monthly": 0},
    lambda c: {"tags": {"reserved": "yes"}},
    lambda c: {"age": c.uniform(2, 29)},
    lambda c: {"changed_at": ago(c.uniform(3.1, 29))},
)
def gateway_idle(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    values: dict[str, Any] = {"monthly": chance.amount(100, 5000), "configuration": {"port_count": 0}}
    if not changes and chance.happens(0.4):
        each = load(chance, chance.uniform(0, 4.5), noise=0.3, highest=100)
        values |= {"configuration": {"port_count": 2}, "series": {"network_rx": each, "network_tx": each}}
    kind, native = chance.choice([("router", "router"), ("network", "nat_gateway"), ("network", "vpn")])
    return place.add(kind, native_type=native, **(values | changes))


# ---- databases ------------------------------------------------------------------------------------------------


def _query_load(chance: Chance, cpu: float, memory: float, hits: float = 99.7, **more: Any) -> dict[str, Any]:
    return {
        "cpu_percent": load(chance, cpu, office(chance, night=0.5, weekend=0.5), **more),
        "memory_percent": load(chance, memory, noise=0.01, highest=95),
        "cache_hit_percent": load(chance, hits, noise=0.0005),
        "connections": load(chance, 40, noise=0.2, highest=99),
    }


@plant(
    "database.idle",
    lambda c: {"connections": c.uniform(1, 50)},
    lambda c: {"peak": True},
    lambda c: {"series": {}},
    lambda c: {"days": 9},
    lambda c: {"name": "shop-replica"},
    lambda c: {"age": c.uniform(1, 13)},
)
def database_idle(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    count, days = changes.pop("connections", 0.0), changes.pop("days", 35)
    series = level(count, days=days)
    if changes.pop("peak", False):  # once a night
        series = type(series)(
            [(at, 0.0, 1.0 if at.hour == 3 else 0.0) for at, _a, _m in series.points], series.until
        )
    return sold.database(
        place,
        *chance.choice(((2, 4), (4, 16), (8, 32))),
        chance.choice([20, 200]),
        **({"series": {"connections": series}} | changes),
    )


@plant(
    "database.nonprod_ha",
    lambda c: {"environment": "production"},
    lambda c: {"environment": ""},
    lambda c: {"configuration": {"node_count": 1}},
    lambda c: {"configuration": {}},
)
def database_nonprod_ha(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    values = {
        "environment": chance.choice(["test", "stage", "development", "qa"]),
        "configuration": {"node_count": chance.choice([2, 3])},
        "monthly": chance.amount(2000, 60_000),
    }
    return sold.database(place, 6, 24, 100, **(values | changes))


@plant(
    "database.rightsize",
    lambda c: {"series": _query_load(c, c.uniform(70, 90), 60)},
    lambda c: {"series": _query_load(c, 20, 88, days=6)},
    lambda c: {"series": {}},
    lambda c: {"size": (2, 4), "series": {"cpu_percent": level(38), "memory_percent": level(30)}},
    lambda c: {"age": 9},
)
def database_rightsize(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    values = {
        "series": _query_load(
            chance, chance.uniform(5, 30), chance.uniform(20, 88), missing=chance.uniform(0, 0.2)
        )
    }
    size = changes.pop("size", None) or chance.choice(((4, 16), (8, 32), (16, 64)))
    return sold.database(place, *size, chance.choice([50, 200]), **(values | changes))


# ---- clusters, licences, names, accounts ----------------------------------------------------------------------


def _cluster(place: Place, chance: Chance, count: int, cpu: float, memory: float, **changes: Any) -> Scene:
    requests, lost, days = changes.pop("requests", None), changes.pop("lost", False), changes.pop("days", 35)
    node_age, environment = changes.pop("node_age", None), changes.pop("environment", "production")
    cluster = place.add("kubernetes_cluster", monthly=5000, **changes)
    group_id, nodes = f"group-{cluster.pk}", []
    for number in range(count):
        series = {
            "cpu_percent": load(chance, cpu, days=days, missing=chance.uniform(0, 0.2)),
            "memory_percent": load(chance, memory, noise=0.02, days=days),
        }
        if requests is not None:
            series |= {name: level(requests) for name in ("cpu_requests_percent", "memory_requests_percent")}
        node = sold.cloud_server(
            place,
            4,
            16,
            name=f"node-{cluster.pk}-{number}",
            series=series,
            age=node_age,
            configuration={"node_group_id": group_id},
            environment=environment,
        )
        sold.boot_disk(place, node)
        nodes.append(node)
    named = [each.resource_id for each in nodes] + ["lost"] * lost
    group = place.add(
        "kubernetes_node_group",
        resource_id=group_id,
        parent=cluster,
        monthly=0,
        environment=environment,
        configuration={"servers": named},
    )
    return Scene([cluster, group, *nodes])


@plant(
    "k8s.idle_cluster",
    lambda c: {"cpu": c.uniform(8, 60)},
    lambda c: {"lost": True},
    lambda c: {"age": c.uniform(1, 13)},
    lambda c: {"days": 8},
    lambda c: {"unread": True},
)
def k8s_idle_cluster(place: Place, chance: Chance, **changes: Any) -> Scene:
    count = 2 if changes else chance.choice([0, 1, 3, 5])
    if changes.pop("unread", False):
        place.changes["listed_ids"], count = None, 0
    if not count:
        return Scene([place.add("kubernetes_cluster", monthly=5000)])
    return _cluster(place, chance, count, changes.pop("cpu", chance.uniform(0.5, 4)), 20, **changes)


@plant(
    "k8s.node_group_oversized",
    lambda c: {"cpu": c.uniform(45, 80), "requests": None},
    lambda c: {"memory": c.uniform(45, 80), "requests": None},
    lambda c: {"requests": 80.0},
    lambda c: {"count": 2},
    lambda c: {"count": 1},
    lambda c: {"lost": True},
    lambda c: {"node_age": 10},
)
def k8s_node_group_oversized(place: Place, chance: Chance, **changes: Any) -> Scene:
    cpu, memory = changes.pop("cpu", chance.uniform(8, 30)), changes.pop("memory", chance.uniform(8, 30))
    requests = changes.pop("requests", chance.choice([None, chance.uniform(10, 40)]))
    count = changes.pop("count", chance.choice([4, 6, 10]))
    return _cluster(place, chance, count, cpu, memory, requests=requests, **changes)


@plant(
    "licence.unused",
    lambda c: {"server": "running"},
    lambda c: {"server": "error"},
    lambda c: {"off": c.uniform(0, 13.9)},
    lambda c: {"server": None, "configuration": {"server_id": "elsewhere"}},
    lambda c: {"changed_at": ago(1)},
)
def licence_unused(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    off, values = changes.pop("off", chance.uniform(14.1, 300)), {"monthly": chance.amount(200, 9000)}
    status = changes.pop("server", chance.choice(["stopped", None]) if not changes else "stopped")
    if status is None:
        place.dead_sources["gone"] = ago(off)
        return place.add("licence", **(values | {"configuration": {"server_id": "gone"}} | changes))
    server = place.add("server", status=status, status_since=ago(off))
    return place.add("licence", parent=server, **(values | changes))


@plant(
    "domain.unused",
    lambda c: {"site": True},
    lambda c: {"mail": True},
    lambda c: {"configuration": {"record_count": 4}},
    lambda c: {"configuration": {}},
    lambda c: {"tags": {"brand": "yes"}},
    lambda c: {"configuration": {"record_count": 0, "redirect": "shop.example"}},
    lambda c: {"age": c.uniform(5, 89)},
    lambda c: {"monthly": 0},
)
def domain_unused(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    if changes.pop("site", False):
        place.add("website", name="site", configuration={"domains": ["www.old.example"]})
    if changes.pop("mail", False):
        place.add("mailbox", name="info@old.example")
    place.add("website", name="another", configuration={"domains": ["very-old.example"]})
    configuration = chance.choice([{"record_count": 0}, {"record_count": 3, "is_parked": True}])
    values = {"name": "old.example", "configuration": configuration, "monthly": chance.amount(55, 300)}
    return place.add("domain", **(values | changes))


@plant(
    "account.plan_downgrade",
    lambda c: {"sites": 22},
    lambda c: {"gib": 45},
    lambda c: {"name": "Blog", "monthly": 300},
    lambda c: {"limits": [{"name": "Sites", "used": None}]},
    lambda c: {"age": c.uniform(3, 29)},
    place={"provider_type": "vps", "bills_lines": False},
)
def account_plan_downgrade(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    used = {
        "Sites": changes.pop("sites", chance.choice([1, 6])),
        "Disk": changes.pop("gib", chance.choice([2, 12])),
    }
    limits = changes.pop("limits", [{"name": name, "used": str(value)} for name, value in used.items()])
    place.changes["account"] = {"limits": limits}
    if chance.happens(0.5):
        place.changes["highest_limits"] = {name: Decimal(value) for name, value in used.items()}
    return place.add("account_plan", **({"name": "Noble", "monthly": 750 * chance.amount(0.8, 1)} | changes))


@plant(
    "account.runway",
    lambda c: {"days": c.uniform(15, 200), "said": c.randrange(31, 200)},
    lambda c: {"days": c.uniform(15, 200), "said": None},
    lambda c: {"days": None, "said": None},
)
def account_runway(place: Place, chance: Chance, **changes: Any) -> ResourceFacts:
    daily = chance.amount(100, 50_000)
    days, said = (
        changes.get("days", chance.uniform(0.5, 13.5)),
        changes.get("said", chance.choice([None, chance.randrange(30)])),
    )
    balance = None if days is None else daily * Decimal(round(days, 3))
    place.changes |= {
        "account": {"balance": balance, "balance_currency": "RUB", "charge_days_left": said},
        "daily_cost": CostSummary(day_cost=daily, full_days=7, currency="RUB"),
    }
    return place.add("server")
