"""What a visitor of the demo may switch on: how the emulated providers then fail, or what happens at them.

A fault strikes the answers of one connection's account for as long as it is on. A happening (something gets dearer,
goes, comes) is a part of the provider's history from the moment at which it was switched on: the emulators get it as
an event with its times, also after it was switched off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy

UNKNOWN_METRIC = "npu_slice_b200"
UNKNOWN_KOPECKS_AN_HOUR = "5000"
SLOW_SECONDS = 1.5
TIMEOUT_SECONDS = 60
"""More than the 30 seconds that the plugins wait for an answer."""

Told = list[dict[str, Any]]
"""Faults or events in the emulators' own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A connection of the plan with its account, and the things in it that are struck (`victims` of demo.toml)."""

    connection: str
    provider_type: str
    account: str
    victims: Mapping[str, Any]

    def shown(self, victim: str) -> str:
        thing = self.victims[victim]
        return str(thing["shown"] if isinstance(thing, Mapping) else thing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One switch. `sees` tells what the visitor sees after the next sync, with `%(victim)s` where it is about a thing.

    `faults` of a target are the emulators' faults while it is on; `events` of a target, a start and an end are what
    happens between them. One of both is given.
    """

    key: str
    provider_types: tuple[str, ...]
    title: Any
    sees: Any
    back: Any
    victim: str = ""
    faults: Callable[[Target], Told] | None = None
    events: Callable[[Target, Mapping[str, Any]], Told] | None = None


def _every_api(target: Target, **fault: Any) -> Told:
    families = {"beget": ("beget",), "selectel": ("selectel", "openstack")}[target.provider_type]
    return [{**fault, "family": family, "account": target.account} for family in families]


def _status(target: Target, family: str, status: int, path: str | None = None) -> Told:
    """`retry_after` 0: the plugin's own retries are not waited for."""
    one = {"kind": "status", "status": status, "retry_after": 0, "family": family, "account": target.account}
    return [one | ({"path": path} if path else {})]


def _at(target: Target, family: str, kind: str, path: str = "", **more: Any) -> Told:
    return [{"kind": kind, "family": family, "account": target.account, "path": path or None, **more}]


def _of_victim(target: Target, victim: str, times: Mapping[str, Any], **what: Any) -> Told:
    thing = target.victims[victim]
    about = {"provider": target.provider_type, "account": target.account}
    return [{**about, "kind": thing["kind"], "match": thing["match"], **what, **times}]


def _dearer(target: Target, times: Mapping[str, Any]) -> Told:
    return _of_victim(target, "dearer", times, changes=target.victims["dearer"]["changes"])


def _gone(target: Target, times: Mapping[str, Any]) -> Told:
    is_billed_on = target.provider_type == "selectel"
    return _of_victim(target, "gone", times, is_removal=True, is_billed_on=is_billed_on)


def _unknown(target: Target, times: Mapping[str, Any]) -> Told:
    """A price for it and a charge, each time under a name of its own: what ended does not come back."""
    price = {
        "metric": UNKNOWN_METRIC,
        "value": UNKNOWN_KOPECKS_AN_HOUR,
        "group": target.victims["unknown"]["segment"],
    }
    number = "".join(filter(str.isdigit, times["starts_at"][5:19]))
    charge = {
        **target.victims["unknown"],
        "name": f"npu-slice-{number}",
        "metric": UNKNOWN_METRIC,
        "quantity": 1,
    }
    return [
        {"provider": "selectel", "kind": "price", "changes": price, **times},
        {"provider": "selectel", "account": target.account, "kind": "charge", "changes": charge, **times},
    ]


_WHOLE_AGAIN = gettext_lazy("Switch it off and sync: the reading is whole again, and nothing was lost.")
_TRY_AGAIN = gettext_lazy(
    "Switch it off and sync: the reading is whole again. After five failures in a row the connection is not tried by "
    "itself any more until you sync it."
)

FAULTS: tuple[Fault, ...] = (
    Fault(
        key="region-down",
        provider_types=("selectel",),
        title=gettext_lazy("A region does not answer"),
        sees=gettext_lazy(
            "The sync ends partial: what stands in %(victim)s keeps its last state and says since when it was not read. "
            "Nothing is deleted, and the costs go on, because billing answers."
        ),
        back=_WHOLE_AGAIN,
        victim="region",
        faults=lambda target: _status(target, "openstack", 503, target.victims["region"]),
    ),
    Fault(
        key="rate-limit",
        provider_types=("selectel", "beget"),
        title=gettext_lazy("Too many requests (429)"),
        sees=gettext_lazy(
            "The sync waits and is tried three times within about two minutes. Then it fails with one sentence on the "
            "connection's card; resources and costs stay as they were."
        ),
        back=_TRY_AGAIN,
        faults=lambda target: _every_api(target, kind="status", status=429, retry_after=0),
    ),
    Fault(
        key="server-error",
        provider_types=("selectel",),
        title=gettext_lazy("Billing breaks (500)"),
        sees=gettext_lazy(
            "Billing answers with errors, the inventory goes on: resources keep their last known cost, and nothing is "
            "taken for free or gone."
        ),
        back=_WHOLE_AGAIN,
        faults=lambda target: _status(target, "selectel.billing", 500),
    ),
    Fault(
        key="slow",
        provider_types=("selectel", "beget"),
        title=gettext_lazy("Every answer is slow"),
        sees=gettext_lazy(
            "The sync succeeds, but takes its time: its progress can be watched on the page of connections."
        ),
        back=gettext_lazy("Switch it off: the next sync is fast again."),
        faults=lambda target: _every_api(target, kind="slow", seconds=SLOW_SECONDS),
    ),
    Fault(
        key="wrong-password",
        provider_types=("selectel",),
        title=gettext_lazy("The password was changed"),
        sees=gettext_lazy(
            "The sync fails at once, and the connection's card asks for new credentials. It is not tried again and again, "
            "so that the provider does not lock the account; what was known stays."
        ),
        back=_TRY_AGAIN,
        faults=lambda target: _every_api(target, kind="status", status=401),
    ),
    Fault(
        key="truncated-page",
        provider_types=("selectel",),
        title=gettext_lazy("The list of servers breaks off"),
        sees=gettext_lazy(
            "The connection is closed in the middle of the list. The sync ends partial: servers that were not listed are "
            "not taken for deleted."
        ),
        back=_WHOLE_AGAIN,
        faults=lambda target: _at(target, "openstack.nova", "cut"),
    ),
    Fault(
        key="missing-right",
        provider_types=("selectel",),
        title=gettext_lazy("A right is taken away"),
        sees=gettext_lazy(
            "Volumes and snapshots may not be listed any more. The sync ends partial, and the connection's card names the "
            "right that is missing."
        ),
        back=_WHOLE_AGAIN,
        faults=lambda target: _at(target, "openstack.cinder", "section_disabled"),
    ),
    Fault(
        key="unknown-type",
        provider_types=("selectel",),
        title=gettext_lazy("A charge of an unknown type"),
        sees=gettext_lazy(
            "Within two hours of the demo's clock billing names the type “npu_slice_b200” that nobody knows: a resource of "
            "the type “other” with its full cost, and a record to triage in the admin. Move the clock forward to see it."
        ),
        back=gettext_lazy(
            "Map the type in the triage: the next sync knows it. Switched off, the charge ends; its record stays."
        ),
        events=_unknown,
    ),
    Fault(
        key="cost-jump",
        provider_types=("selectel",),
        title=gettext_lazy("Traffic jumps"),
        sees=gettext_lazy(
            "The traffic of %(victim)s costs many times as much from now on. Move the clock a day forward: daily costs "
            "show the jump, and the changes name the resource."
        ),
        back=gettext_lazy(
            "Switch it off: the cost is as before within a day, and the history keeps the days between."
        ),
        victim="dearer",
        events=_dearer,
    ),
    Fault(
        key="server-gone",
        provider_types=("selectel",),
        title=gettext_lazy("A server goes, its bill stays"),
        sees=gettext_lazy(
            "%(victim)s is gone from the inventory and is billed on. The next sync doubts it; once an hour that began "
            "after that is billed, it is a zombie. Move the clock a day forward to see it."
        ),
        back=gettext_lazy("Switch it off and sync: the server is back, as if it had not gone."),
        victim="gone",
        events=_gone,
    ),
    Fault(
        key="server-error",
        provider_types=("beget",),
        title=gettext_lazy("The cloud API breaks (500)"),
        sees=gettext_lazy(
            "The cloud API answers with errors, the hosting API goes on. The sync ends partial: servers and storage keep "
            "their last state and cost, the account and its domains are up to date."
        ),
        back=_WHOLE_AGAIN,
        faults=lambda target: _status(target, "beget.cloud", 500),
    ),
    Fault(
        key="timeout",
        provider_types=("beget",),
        title=gettext_lazy("A list does not answer in time"),
        sees=gettext_lazy(
            "The list of snapshots takes longer than anybody waits. After about three minutes of trying the sync ends "
            "partial; the snapshots keep their last state, everything else is up to date."
        ),
        back=_WHOLE_AGAIN,
        faults=lambda target: _at(target, "beget.cloud", "slow", "v1/vps/snapshot", seconds=TIMEOUT_SECONDS),
    ),
    Fault(
        key="wrong-password",
        provider_types=("beget",),
        title=gettext_lazy("The password was changed"),
        sees=gettext_lazy(
            "The sync fails at once, and the connection's card asks for new credentials. It is not tried again and again, "
            "so that the provider does not lock the account; what was known stays."
        ),
        back=_TRY_AGAIN,
        faults=lambda target: [
            *_at(target, "beget.hosting", "error", code="AUTH_ERROR"),
            *_at(target, "beget.cloud", "error", code="INCORRECT_CREDENTIALS"),
        ],
    ),
    Fault(
        key="truncated-page",
        provider_types=("beget",),
        title=gettext_lazy("The list of servers breaks off"),
        sees=gettext_lazy(
            "The connection is closed in the middle of the list. The sync ends partial: servers that were not listed are "
            "not taken for deleted."
        ),
        back=_WHOLE_AGAIN,
        faults=lambda target: _at(target, "beget.cloud", "cut", "v1/vps/server/list"),
    ),
    Fault(
        key="missing-right",
        provider_types=("beget",),
        title=gettext_lazy("A right is taken away"),
        sees=gettext_lazy(
            "The section of domains is switched off at the provider. The sync ends partial, and the connection's card names "
            "the right that is missing and where to tick it."
        ),
        back=_WHOLE_AGAIN,
        faults=lambda target: _at(target, "beget.hosting", "section_disabled", "api/domain"),
    ),
    Fault(
        key="cost-jump",
        provider_types=("beget",),
        title=gettext_lazy("A price triples"),
        sees=gettext_lazy(
            "%(victim)s costs three times as much: the run rate rises with the next sync, and the changes name the "
            "resource with both prices. Move the clock a day forward to see it in the daily costs."
        ),
        back=gettext_lazy(
            "Switch it off and sync: the price is as before, and the history keeps the days between."
        ),
        victim="dearer",
        events=_dearer,
    ),
    Fault(
        key="server-gone",
        provider_types=("beget",),
        title=gettext_lazy("A server is deleted"),
        sees=gettext_lazy(
            "%(victim)s is gone, and its list was read whole: the next sync closes it as deleted, and its cost ends."
        ),
        back=gettext_lazy("Switch it off and sync: the server is back, with its history."),
        victim="gone",
        events=_gone,
    ),
)
