"""Which faults of the catalogue may be switched for which connection, which are on, and what the emulators are told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from common.text import gettext_noop
from infrazen.demo.catalogue import FAULTS, Fault, Target, Told
from infrazen.demo.errors import DemoError
from infrazen.demo.plan import Plan
from infrazen.demo.state import Switched


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A fault that may be switched for a connection, told in the reader's language; `switched` while it is on."""

    fault: Fault
    target: Target
    switched: Switched | None

    @property
    def title(self) -> str:
        return str(self.fault.title)

    @property
    def sees(self) -> str:
        if not self.fault.victim:
            return str(self.fault.sees)
        return str(self.fault.sees) % {"victim": self.target.shown(self.fault.victim)}

    @property
    def back(self) -> str:
        return str(self.fault.back)


def targets(plan: Plan) -> list[Target]:
    return [
        Target(
            connection=wanted["name"],
            provider_type=wanted["provider_type"],
            account=wanted["credentials"].get("login") or wanted["credentials"]["account_id"],
            victims=wanted.get("victims", {}),
        )
        for wanted in plan.connections
    ]


def offers(plan: Plan, switched: Iterable[Switched]) -> list[Offer]:
    """All that may be switched, connection by connection in the order of the plan."""
    on = {(each.fault, each.connection): each for each in switched if each.until is None}
    return [
        Offer(fault=fault, target=target, switched=on.get((fault.key, target.connection)))
        for target in targets(plan)
        for fault in FAULTS
        if target.provider_type in fault.provider_types
    ]


def offer(plan: Plan, switched: Iterable[Switched], key: str, connection: str = "") -> Offer:
    """One of them; without a connection the first that the fault is for. Raises DemoError."""
    found = [each for each in offers(plan, switched) if each.fault.key == key]
    if not found:
        known = ", ".join(dict.fromkeys(fault.key for fault in FAULTS))
        raise DemoError(
            gettext_noop("There is no fault “%(key)s”. There are: %(known)s."), key=key, known=known
        )
    if not connection:
        return found[0]
    for each in found:
        if each.target.connection == connection:
            return each
    names = ", ".join(f"“{each.target.connection}”" for each in found)
    raise DemoError(
        gettext_noop("The fault “%(key)s” is not for a connection “%(connection)s”. It is for: %(names)s."),
        key=key,
        connection=connection,
        names=names,
    )


def told_faults(plan: Plan, switched: Iterable[Switched]) -> Told:
    """The emulators' faults of all that is on."""
    return [
        told
        for each in offers(plan, switched)
        if each.switched and each.fault.faults
        for told in each.fault.faults(each.target)
    ]


def told_events(plan: Plan, switched: Iterable[Switched]) -> Told:
    """The emulators' events of all that happened, whether it goes on or has ended."""
    by_name = {target.connection: target for target in targets(plan)}
    told: Told = []
    for each in switched:
        target = by_name[each.connection]
        for fault in FAULTS:
            is_own = fault.key == each.fault and target.provider_type in fault.provider_types
            if is_own and fault.events:
                times = {
                    "starts_at": each.since.isoformat(),
                    "ends_at": each.until.isoformat() if each.until else None,
                }
                told += fault.events(target, times)
    return told
