"""What machines do: the same numbers for the same machine and instant, whoever asks.

A server's `use`: `cpu`, `cpu_max`, `memory` (per cent of the whole machine), `pattern`: `steady`, `weekdays`
(`weekend_cpu` on Saturday and Sunday), `work_hours` (Monday to Friday 9-18 local, otherwise nothing), `nights` (three
quarters of the work between 1 and 5 local); `network_kbps` (kB a second received, 120; three times as much is sent, and
what is billed as its traffic besides). Network and disks follow the CPU, so that nothing moves outside work hours.

A volume: `iops_used` (operations a second on average; as many as suit its type) and `used_percent` (between 45 and 75). A
balancer: `requests_per_second` (2).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from providers.emulators.openstack.cloud import Cloud

SATURDAY = 5
WORK_HOURS = range(9, 18)
NIGHT_HOURS = range(1, 5)
NIGHT_FACTOR = 4.5
DAY_FACTOR = 0.3  # 4 hours of 4.5 and 20 of 0.3 make 24
PEAK_EVERY = 200  # one five-minute slot in so many is a peak
SLOT_SECONDS = 300
HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
KB = 1024
BYTES_IN_GB = 1024**3
IOPS_OF_TYPES = {"basic": 60.0, "basicssd": 350.0, "universal": 900.0, "universal2": 900.0, "fast": 8000.0}
READ_SHARE = 2 / 3
BYTES_AN_OPERATION = 16 * KB
BYTES_A_REQUEST = {"incoming": 1200.0, "outgoing": 12_000.0}
OPEN_SECONDS = 1.5
"""How long a connection to a balancer stays open."""

Egress = Callable[[datetime], float]
Value = Callable[[Mapping[str, Any], datetime, timedelta], float]
Meter = tuple[Value, float]
"""What is measured, and what it is multiplied by."""


def cpu_percent(server: Mapping[str, Any], at: datetime, offset: timedelta) -> float:
    """Per cent of all its vCPUs, 0 to 100."""
    use = server.get("use", {})
    average = float(use.get("cpu", 10))
    peak = float(use.get("cpu_max", min(100.0, average * 2)))
    weekend = float(use.get("weekend_cpu", average))
    return _cpu_percent(server["id"], average, peak, weekend, use.get("pattern", "steady"), at, offset)


@lru_cache(maxsize=32_768)
def _cpu_percent(
    name: str, average: float, peak: float, weekend: float, pattern: str, at: datetime, offset: timedelta
) -> float:
    """Remembered, for network and disks ask for the same instants."""
    local = at + offset
    if pattern == "work_hours" and (local.weekday() >= SATURDAY or local.hour not in WORK_HOURS):
        return 0.0
    if pattern == "weekdays" and local.weekday() >= SATURDAY:
        return _waver(name, weekend, local, 0.1)
    if pattern == "nights":
        average *= NIGHT_FACTOR if local.hour in NIGHT_HOURS else DAY_FACTOR
    elif noise(name, "peak", int(at.timestamp()) // SLOT_SECONDS) * PEAK_EVERY < 1:
        return peak
    return min(peak, _waver(name, average, local, 0.1))


def memory_mb(server: Mapping[str, Any], at: datetime, offset: timedelta) -> float:
    percent = float(server.get("use", {}).get("memory", 40))
    return _waver(f"{server['id']}/memory", percent, at + offset, 0.04) / 100 * int(server["ram_mb"])


def received(server: Mapping[str, Any], at: datetime, offset: timedelta) -> float:
    """Bytes a second, of all interfaces."""
    return float(server.get("use", {}).get("network_kbps", 120)) * KB * _busy(server, at, offset)


def sent(server: Mapping[str, Any], at: datetime, offset: timedelta, *, egress: Egress) -> float:
    return 3 * received(server, at, offset) + egress(at)


def billed_egress(cloud: Cloud, server: Mapping[str, Any]) -> Egress:
    """What the bill counts as the server's traffic into the internet, bytes a second at an instant."""
    traffic = [
        each
        for each in cloud.described("traffic")
        if (each.get("server"), each["project_id"]) == (server["name"], server["project_id"])
    ]

    def at_an_instant(at: datetime) -> float:
        states = (cloud.scenario.thing(each, at) for each in traffic)
        return sum(
            float(state["gb_per_hour"]) * BYTES_IN_GB / HOUR_SECONDS for state in states if state is not None
        )

    return at_an_instant


def disk_meters(server: Mapping[str, Any]) -> dict[str, Meter]:
    """Meters of a volume in a server, by Ceilometer's names."""

    def operations(volume: Mapping[str, Any], at: datetime, offset: timedelta) -> float:
        used = float(volume.get("iops_used", IOPS_OF_TYPES[volume["type"]]))
        return used * _busy(server, at, offset)

    def written(volume: Mapping[str, Any], at: datetime, offset: timedelta) -> float:
        percent = float(volume.get("used_percent", 45 + 30 * noise(volume["id"], "used")))
        return int(volume["size_gb"]) * BYTES_IN_GB * percent / 100

    shares = {"read": READ_SHARE, "write": 1 - READ_SHARE}
    meters: dict[str, Meter] = {"disk.device.usage": (written, 1.0)}
    for word, share in shares.items():
        meters[f"disk.device.{word}.requests.rate"] = (operations, share)
        meters[f"disk.device.{word}.bytes.rate"] = (operations, share * BYTES_AN_OPERATION)
    return meters


def balancer_meters(created_at: datetime) -> dict[str, Meter]:
    """Meters of a balancer that counts since an instant, by Ceilometer's names."""

    def requests(balancer: Mapping[str, Any], at: datetime, offset: timedelta) -> float:
        """Their number so far: half more in the afternoon, half less by night, the mean of a day stays."""
        average = float(balancer.get("requests_per_second", 2))
        tide = -math.cos(_tide(at + offset)) * DAY_SECONDS / (4 * math.pi)
        return average * ((at - created_at).total_seconds() + tide + DAY_SECONDS)

    def is_open(balancer: Mapping[str, Any], at: datetime, offset: timedelta) -> float:
        average = float(balancer.get("requests_per_second", 2))
        return average * (1 + math.sin(_tide(at + offset)) / 2) * OPEN_SECONDS

    return {
        "network.services.lb.total.connections": (requests, 1.0),
        "network.services.lb.active.connections": (is_open, 1.0),
        **{f"network.services.lb.{way}.bytes": (requests, size) for way, size in BYTES_A_REQUEST.items()},
    }


def _busy(server: Mapping[str, Any], at: datetime, offset: timedelta) -> float:
    """CPU as a share of its average: input and output follow the work."""
    average = float(server.get("use", {}).get("cpu", 10))
    return cpu_percent(server, at, offset) / average if average else 0.0


def _tide(local: datetime) -> float:
    """The time of day as an angle, whose sine is highest at three in the afternoon."""
    return (local.hour + local.minute / 60 - 9) / 24 * 2 * math.pi


def noise(*parts: object) -> float:
    """A number in [0, 1) that is always the same for the same parts."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _waver(name: str, average: float, local: datetime, width: float) -> float:
    """The average, a little more by day and less by night, with noise; its mean stays."""
    tide = math.sin(_tide(local))
    jitter = 2 * noise(name, int(local.timestamp()) // 60) - 1
    return max(0.0, average * (1 + width * (tide + jitter) / 2))
