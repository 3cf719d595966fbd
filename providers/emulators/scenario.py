"""Scenario files: what exists in an emulated world, and when.

A scenario is TOML: one file, or a folder of files that are read as one (each
provider's section stands in one of them; `[[faults]]` may stand in all). Times are relative to the *anchor*, a date that is day 0:
day -84 is 84 days earlier. Every table that describes a thing may carry

- `created_day` (and `created_time`, "HH:MM" local, default 00:00): absent before;
- `removed_day`, `removed_time`: absent from then on;
- `changes = [{day = -35, time = "12:00", <fields that change>}, …]`;
- `repeat = 250`: so many of it, with `{n}` in its texts replaced by 1, 2, 3 …

and every `[[faults]]` entry a `from_day`/`from_time` and `until_day`/`until_time`.
Numbers with a point are read as Decimal, money may as well be written as text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from providers.emulators.faults import Fault

SCENARIOS = Path(__file__).parent / "scenarios"
RESERVED = frozenset({"name", "utc_offset_hours", "faults"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario with its relative days resolved against an anchor date."""

    name: str
    anchor: date
    local_zone: timezone
    providers: Mapping[str, Mapping[str, Any]]
    faults: tuple[Fault, ...] = ()

    @classmethod
    def load(cls, name_or_path: str | Path, *, anchor: date | None = None) -> Scenario:
        """Read `scenarios/<name>.toml`, the folder `scenarios/<name>/`, or a file or folder by its path.

        Raises FileNotFoundError, tomllib.TOMLDecodeError, and ValueError where two files hold the same section.
        """
        path = Path(name_or_path)
        if path.suffix != ".toml" and not path.is_dir():
            path = SCENARIOS / path
            if not path.is_dir():
                path = path.with_suffix(".toml")
        values: dict[str, Any] = {}
        for part in sorted(path.glob("*.toml")) if path.is_dir() else [path]:
            with part.open("rb") as file:
                _merge(values, tomllib.load(file, parse_float=Decimal))
        return cls.from_mapping(values, anchor=anchor)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, anchor: date | None = None) -> Scenario:
        """Build from the parsed file; without an anchor day 0 is today where the scenario plays."""
        zone = timezone(timedelta(hours=int(values.get("utc_offset_hours", 3))))
        scenario = cls(
            name=values.get("name", "unnamed"),
            anchor=anchor or datetime.now(zone).date(),
            local_zone=zone,
            providers={key: section for key, section in values.items() if key not in RESERVED},
        )
        faults = tuple(_scheduled_fault(entry, scenario) for entry in values.get("faults", []))
        return cls(
            name=scenario.name,
            anchor=scenario.anchor,
            local_zone=zone,
            providers=scenario.providers,
            faults=faults,
        )

    def anchored(self, anchor: date) -> Scenario:
        """The same scenario with another date as its day 0."""
        later = anchor - self.anchor
        faults = tuple(
            replace(
                fault,
                starts_at=fault.starts_at and fault.starts_at + later,
                ends_at=fault.ends_at and fault.ends_at + later,
            )
            for fault in self.faults
        )
        return replace(self, anchor=anchor, faults=faults)

    def instant(self, day: int, clock_time: str = "00:00") -> datetime:
        """The instant of a relative day and local time, aware UTC."""
        return _instant(self.anchor, self.local_zone, day, clock_time)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.local_zone)

    def day(self, at: datetime) -> int:
        """The relative day an instant lies in, by local midnight."""
        return (self.local(at).date() - self.anchor).days

    def standing(self, things: Iterable[Mapping[str, Any]], at: datetime) -> list[dict[str, Any]]:
        """Those of `things` that exist at an instant, each as it is then."""
        return [as_it_was for thing in things if (as_it_was := self.thing(thing, at)) is not None]

    def thing(self, thing: Mapping[str, Any], at: datetime) -> dict[str, Any] | None:
        """One thing as it is at an instant; None before it is created and after it is removed."""
        if at < self.created_at(thing):
            return None
        if "removed_day" in thing:
            removed_at = self.instant(thing["removed_day"], thing.get("removed_time", "00:00"))
            if at >= removed_at:
                return None
        current = dict(thing)
        for change in thing.get("changes", ()):
            if at >= self.changed_at(change):
                current.update({name: value for name, value in change.items() if name not in ("day", "time")})
        return current

    def created_at(self, thing: Mapping[str, Any]) -> datetime:
        """When a thing came to be; things without a day have been there for a long time."""
        return self.instant(thing.get("created_day", -400), thing.get("created_time", "00:00"))

    def changed_at(self, change: Mapping[str, Any]) -> datetime:
        return self.instant(change["day"], change.get("time", "00:00"))


@lru_cache(maxsize=4096)
def _instant(anchor: date, zone: timezone, day: int, clock_time: str) -> datetime:
    """Each point of a series asks anew when its thing came to be."""
    local = datetime.combine(anchor + timedelta(days=day), time.fromisoformat(clock_time), zone)
    return local.astimezone(UTC)


def expand(things: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Replace each thing that has `repeat` by so many of it."""
    return [copy for thing in things for copy in _copies(thing)]


def _merge(values: dict[str, Any], more: Mapping[str, Any]) -> None:
    faults = [*values.get("faults", []), *more.get("faults", [])]
    twice = sorted((set(values) & set(more)) - {"faults"})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands in two files of the scenario")
    values.update(more)
    values["faults"] = faults


def _copies(thing: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if "repeat" not in thing:
        yield dict(thing)
        return
    for number in range(1, int(thing["repeat"]) + 1):
        yield {
            name: value.replace("{n}", str(number)) if isinstance(value, str) else value
            for name, value in thing.items()
            if name != "repeat"
        }


def _scheduled_fault(entry: Mapping[str, Any], scenario: Scenario) -> Fault:
    values = dict(entry)
    starts_at = scenario.instant(values.pop("from_day"), values.pop("from_time", "00:00"))
    ends_at = scenario.instant(values.pop("until_day"), values.pop("until_time", "00:00"))
    return Fault.from_mapping({**values, "starts_at": starts_at, "ends_at": ends_at})
