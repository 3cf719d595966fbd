"""What happens in a scenario while it is served: things change, come and go at an instant, beside what the file tells.

An event is told over the control API and may be taken back: the emulator then serves what would be without it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from providers.emulators.scenario import Scenario

ACCOUNT_KEYS = ("login", "number", "domain")
INSTANTS = ("starts_at", "ends_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, from `starts_at` until `ends_at` (None: for good), in the list `kind` of an account.

    `account` is a login, number or domain; None means what the provider has for all of them (`price`). With `match`
    ({field: value}) it is about the things that have these values: `changes` ({field: value}) are theirs meanwhile,
    and with `is_removal` they are gone, though billed on with `is_billed_on` (Selectel). Without `match` a thing
    comes: `changes` is all of it.
    """

    provider: str
    kind: str
    starts_at: datetime
    ends_at: datetime | None = None
    account: str | None = None
    match: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    is_removal: bool = False
    is_billed_on: bool = False

    def __post_init__(self) -> None:
        if self.is_removal and (self.changes or not self.match):
            raise ValueError("a removal needs a match and no changes")
        if not self.is_removal and not self.changes:
            raise ValueError("an event needs changes, or is a removal")
        for name in INSTANTS:
            if (at := getattr(self, name)) is not None and at.tzinfo is None:
                raise ValueError(f"{name} needs a time zone")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Event:
        """Build from JSON, instants as ISO 8601; raises ValueError, and TypeError for unknown or missing keys."""
        prepared = dict(values)
        for name in INSTANTS:
            if isinstance(prepared.get(name), str):
                prepared[name] = datetime.fromisoformat(prepared[name])
        known = {each.name for each in fields(cls)}
        if unknown := sorted(set(prepared) - known):
            raise ValueError(f"an event has no {', '.join(unknown)}")
        return cls(**prepared)

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        for name in INSTANTS:
            if values[name] is not None:
                values[name] = values[name].isoformat()
        return values


def with_events(scenario: Scenario, events: Iterable[Event]) -> Scenario:
    """The scenario with these events in it; the one that is given stays as it is.

    Raises ValueError for an event that fits nothing in the scenario.
    """
    wanted = list(events)
    if not wanted:
        return scenario
    told = replace(scenario, providers=copy.deepcopy(dict(scenario.providers)))
    for event in wanted:
        owner = _owner(told, event)
        if not event.match:
            owner.setdefault(event.kind, []).append(_arrival(told, event))
            continue
        things = [thing for thing in owner.get(event.kind, []) if _fits(thing, event.match)]
        if not things:
            raise ValueError(f"{event.provider} {event.account or ''} has no {event.kind} with {event.match}")
        for thing in things:
            _strike(told, thing, event)
    return told


def _owner(scenario: Scenario, event: Event) -> dict[str, Any]:
    """The table that holds the event's list: an account's, or the provider's own."""
    section: dict[str, Any] | None = scenario.providers.get(event.provider)  # type: ignore[assignment]  # a copy of ours
    if section is None:
        raise ValueError(f"the scenario has no {event.provider}")
    if event.account is None:
        return section
    for account in section.get("account", []):
        if event.account in [str(account[key]) for key in ACCOUNT_KEYS if key in account]:
            found: dict[str, Any] = account
            return found
    raise ValueError(f"{event.provider} has no account {event.account}")


def _fits(thing: Mapping[str, Any], match: Mapping[str, Any]) -> bool:
    return all(name in thing and str(thing[name]) == str(value) for name, value in match.items())


def _arrival(scenario: Scenario, event: Event) -> dict[str, Any]:
    thing = {**event.changes, **_at(scenario, event.starts_at, "created_")}
    return thing | (_at(scenario, event.ends_at, "removed_") if event.ends_at else {})


def _strike(scenario: Scenario, thing: dict[str, Any], event: Event) -> None:
    """Scenarios know no return of what was removed: with an end, a removal has never been."""
    if event.is_removal:
        if event.ends_at is None:
            thing |= _at(scenario, event.starts_at, "removed_")
            if event.is_billed_on:
                thing["billed_until_day"] = scenario.day(event.starts_at) + 3650
        return
    if event.ends_at is not None:
        before = scenario.thing(thing, event.ends_at) or thing
        missing = sorted(set(event.changes) - set(before))
        if missing:
            raise ValueError(f"{event.kind} has no {', '.join(missing)} to come back to")
        back = {name: before[name] for name in event.changes}
    changes = [*thing.get("changes", ()), {**event.changes, **_at(scenario, event.starts_at)}]
    if event.ends_at is not None:
        changes.append({**back, **_at(scenario, event.ends_at)})
    thing["changes"] = changes


def _at(scenario: Scenario, instant: datetime, prefix: str = "") -> dict[str, Any]:
    """An instant in the words of a scenario: relative day and local time."""
    return {
        f"{prefix}day": scenario.day(instant),
        f"{prefix}time": scenario.local(instant).time().isoformat(),
    }
