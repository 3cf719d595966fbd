"""What a reader is told when an API breaks: one row for each family, one column for each switch of the emulators.

A row names the lists that a family fills and the fields that its answers cannot do without; a column the sentence that
such a list then gets. What does not follow from the two stands in `Family.instead`. A sentence is what the page shows,
with `{provider}` and `{call}` filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .house import SILENCE

KEPT = "What could not be read keeps its last state, nothing was removed."
LIMITED = "What could not be read keeps its last state until the next sync."
UNREADABLE = "{provider}'s answer could not be read (%s). Data is unchanged; details are logged."
REJECTED = "{provider} rejected the credentials. They were probably changed or revoked: enter new ones."
DENIED = (
    "No right to read “{call}” at {provider}. Everything else is up to date. Grant this right to the account that "
    "InfraZen uses."
)
DOUBTED = (
    "The provider says that this service does not exist here, and a day ago it did. What is known of it stays as it "
    "was; if the service is still missing in a day, it counts as gone."
)
NOT_RESPONDING, LIMIT, NOT_READ = (
    "{provider} is not responding.",
    "{provider} asks us to slow down.",
    "The answer of {provider} could not be read.",
)
REFUSED = "{provider} rejected the credentials."


@dataclass(frozen=True, slots=True)
class Words:
    """What one section that was not read is told: that it failed, or that there is no access; and the sentence."""

    sentence: str
    is_denied: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """What a sync is told that read nothing at all: a title and a sentence."""

    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Switch:
    """One way to break an API; `words` is what a list that it strikes is told, None where nothing is."""

    name: str
    kind: str
    options: Mapping[str, Any]
    words: Words | None


SWITCHES = (
    Switch("slow", "slow", {"seconds": 0.02}, None),
    Switch("silent", "slow", {"seconds": SILENCE}, Words(f"{{provider}} did not answer within 30 s. {KEPT}")),
    Switch("status", "status", {"status": 503}, Words(f"{{provider}} is not responding (503). {KEPT}")),
    Switch("not found", "status", {"status": 404}, Words(UNREADABLE % "HTTP 404")),
    Switch("cut", "cut", {}, Words(f"{{provider}} cannot be reached (ProtocolError). {KEPT}")),
    Switch("malformed", "malformed", {}, Words(UNREADABLE % "no valid JSON")),
    Switch(
        "rate_limit", "rate_limit", {}, Words(f"{{provider}} limits how often it may be asked. {LIMITED}")
    ),
    Switch("section_disabled", "section_disabled", {}, Words(DENIED, is_denied=True)),
    Switch("error", "error", {}, Words(f"{{provider}} is not responding (500). {KEPT}")),
    Switch("code_required", "code_required", {}, Words(REJECTED, is_denied=True)),
    Switch("missing_field", "missing_field", {}, Words(UNREADABLE % "{broken}")),
    Switch("null_field", "null_field", {}, Words(UNREADABLE % "{broken}")),
    Switch("unknown_value", "unknown_value", {}, None),
)
"""Every kind of `providers.emulators.faults.KINDS`, some in two forms."""

Instead = Mapping[str, Mapping[str, Words] | Failure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One API as one plugin reads it.

    `lists` maps each section that it fills to the call that messages name. `needs` is a field without which an answer
    cannot be read, `broken` the reason that is told then (`{list}` is the section). `word` is the field whose unheard-of
    value makes the status of what `lists` hold unknown, but of the types in `wordless`; "" where there is none. Lists
    in `optional` may be absent. `findings` are told beside what was read, by switch.
    """

    lists: Mapping[str, str] = field(default_factory=dict)
    needs: str = "id"
    broken: str = "{list} without an id"
    word: str = "status"
    wordless: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    instead: Instead = field(default_factory=dict)
    findings: Mapping[str, str] = field(default_factory=dict)

    def options(self, switch: Switch) -> dict[str, Any]:
        """What the fault is switched on with."""
        if switch.kind in ("missing_field", "null_field"):
            return {"field": self.needs}
        if switch.kind == "unknown_value":
            return {"field": self.word or "status"}
        return dict(switch.options)

    def told(self, switch: Switch, provider: str) -> dict[str, Words] | Failure:
        """What a reader is told of each section that was not read, or of the whole sync."""
        special = self.instead.get(switch.name)
        if isinstance(special, Failure):
            return Failure(
                special.title.format(provider=provider), special.sentence.format(provider=provider)
            )
        if special is not None:
            found = dict(special)
        elif switch.words is None:
            found = {}
        else:
            found = dict.fromkeys(self.lists, switch.words)
            if switch.name == "not found":
                found |= dict.fromkeys(self.optional, Words(DOUBTED))
        return {name: self._filled(words, name, provider) for name, words in found.items()}

    def _filled(self, words: Words, section: str, provider: str) -> Words:
        broken = self.broken.format(list=section)
        call = self.lists.get(section, "")
        return replace(words, sentence=words.sentence.format(provider=provider, call=call, broken=broken))


def all_of(sections: tuple[str, ...], sentence: str, *, is_denied: bool = False) -> dict[str, Words]:
    return dict.fromkeys(sections, Words(sentence, is_denied))


# ---- OpenStack ----------------------------------------------------------------------------------------------------

SERVICES: dict[str, Family] = {
    "openstack.nova": Family(lists={"servers": "GET /servers/detail"}),
    "openstack.cinder": Family(
        lists={
            "volumes": "GET /volumes/detail",
            "snapshots": "GET /snapshots/detail",
            "backups": "GET /backups/detail",
        },
        optional=("backups",),
    ),
    "openstack.neutron": Family(
        lists={
            "ports": "GET /ports",
            "floating_ips": "GET /floatingips",
            "routers": "GET /routers",
            "networks": "GET /networks",
        },
        instead={
            name: {
                "ports": Words(UNREADABLE % "ports without an id"),
                "floating_ips": Words(UNREADABLE % "floatingips without an id"),
                "routers": Words(UNREADABLE % "routers without an id"),
                "networks": Words(UNREADABLE % "networks without an id"),
            }
            for name in ("missing_field", "null_field")
        },
    ),
    "openstack.glance": Family(lists={"images": "GET /images"}),
    "openstack.manila": Family(lists={"shares": "GET /shares/detail"}, optional=("shares",)),
    "openstack.octavia": Family(
        lists={"load_balancers": "GET /loadbalancers"},
        optional=("load_balancers",),
        broken="loadbalancers without an id",
        word="provisioning_status",
    ),
}
"""Services that every plugin of an OpenStack cloud reads in the same way."""

UNCONNECTED = "{provider} cannot be reached (UnknownConnectionError). " + KEPT
SIGN_IN_FAILED: dict[str, Failure] = {
    "silent": Failure(NOT_RESPONDING, f"{{provider}} did not answer within 30 s. {KEPT}"),
    "status": Failure(NOT_RESPONDING, f"{{provider}} is not responding (503). {KEPT}"),
    "not found": Failure(NOT_READ, UNREADABLE % "HTTP 404"),
    "cut": Failure(NOT_RESPONDING, UNCONNECTED),
    "malformed": Failure(NOT_READ, UNREADABLE % "no token"),
    "rate_limit": Failure(LIMIT, f"{{provider}} limits how often it may be asked. {LIMITED}"),
    "error": Failure(NOT_RESPONDING, f"{{provider}} is not responding (500). {KEPT}"),
    "code_required": Failure(
        REFUSED,
        "{provider} asks for a second factor, which a sync cannot enter. Use a user without two-factor sign-in.",
    ),
}
PRIVATE_CLOUD: dict[str, Family | None] = {
    **SERVICES,
    "openstack.keystone": Family(
        needs="user",
        word="",
        instead={
            **SIGN_IN_FAILED,
            "section_disabled": Failure(
                REFUSED,
                "The cloud did not accept the sign-in. Check the address, the user with its domain and the password, "
                "or the application credential.",
            ),
            "missing_field": Failure(NOT_READ, UNREADABLE % "a token of nobody"),
            "null_field": Failure(NOT_READ, UNREADABLE % "a token of nobody"),
        },
    ),
    "openstack.swift": None,
    "openstack.gnocchi": None,
}

# ---- Selectel -----------------------------------------------------------------------------------------------------

BILL = ("consumption", "billing")
"""The bill, and what only the bill knows."""

MONEY = ("balance", *BILL, "transactions")
PAYMENTS_REFUSED = "Selectel did not let us read payments with the static token. Rented servers have no cost until a valid one is entered."
RENTED_REFUSED = (
    "Selectel did not let us read the list of rented servers, without which their payments say nothing. They have no cost "
    "until the user may read it."
)
PATIENT = f"{{provider}} did not answer within 120 s. {KEPT}"
"""The account's own APIs are slow ones."""


def managed(section: str, call: str, **fields: Any) -> Family:
    return Family(lists={section: call}, optional=(section,), **{"broken": "id is missing", **fields})


SELECTEL: dict[str, Family | None] = {
    **SERVICES,
    "openstack.keystone": Family(
        needs="token",
        word="",
        instead={
            **SIGN_IN_FAILED,
            "silent": Failure(NOT_RESPONDING, PATIENT),
            "section_disabled": Failure(
                REFUSED,
                "Selectel did not accept the service user reader of the account 700001. Check the account number, the "
                "name and the password, that the user has a role in the whole account, and that access to the API is "
                "not limited to other IP addresses.",
            ),
            "missing_field": Failure(NOT_READ, UNREADABLE % "no token"),
            "null_field": Failure(NOT_READ, UNREADABLE % "no token"),
        },
    ),
    "openstack.swift": Family(
        lists={"buckets": "GET "},
        optional=("buckets",),
        needs="name",
        broken="buckets without a name",
        word="",
        instead={"section_disabled": {"buckets": Words(DOUBTED)}},
    ),
    "openstack.gnocchi": Family(
        lists={"usage": "POST /aggregates"},
        needs="measures",
        broken="no measures",
        word="",
        instead={"not found": {}},  # a machine without series is nothing to tell
    ),
    "selectel.billing": Family(
        instead={
            "silent": all_of(MONEY, PATIENT),
            "status": all_of(MONEY, f"{{provider}} is not responding (503). {KEPT}"),
            "not found": all_of(MONEY, UNREADABLE % "HTTP 404"),
            "cut": all_of(MONEY, f"{{provider}} cannot be reached (ProtocolError). {KEPT}"),
            "malformed": all_of(MONEY, UNREADABLE % "no valid JSON"),
            "rate_limit": all_of(MONEY, f"{{provider}} limits how often it may be asked. {LIMITED}"),
            "section_disabled": {
                "balance": Words(DENIED.replace("{call}", "GET /v3/balances"), is_denied=True),
                **all_of(
                    BILL,
                    DENIED.replace("{call}", "GET /v1/cloud_billing/statistic/consumption"),
                    is_denied=True,
                ),
            },
            "error": all_of(MONEY, UNREADABLE % "no envelope"),
            "code_required": all_of(("balance", *BILL), REJECTED, is_denied=True),
            "missing_field": all_of(BILL, UNREADABLE % "a server without an id"),
            "null_field": all_of(BILL, UNREADABLE % "a server without an id"),
            "unknown_value": all_of(MONEY, UNREADABLE % "no envelope"),
        },
        findings={"section_disabled": PAYMENTS_REFUSED, "code_required": PAYMENTS_REFUSED},
    ),
    "selectel.resell": Family(
        lists={"projects": "GET /v2/projects"},
        word="",
        instead={"silent": {"projects": Words(PATIENT)}},
    ),
    "selectel.dedicated": Family(
        lists={"dedicated_servers": "GET /v2/resource"},
        needs="uuid",
        word="state",
        instead={
            "silent": all_of(("dedicated_servers", "transactions", "billing"), PATIENT),
            **{
                switch.name: all_of(("dedicated_servers", "transactions", "billing"), switch.words.sentence)
                for switch in SWITCHES
                if switch.words is not None and not switch.words.is_denied and switch.name != "silent"
            },
            **{
                name: all_of(("dedicated_servers", "transactions", "billing"), UNREADABLE % "uuid is missing")
                for name in ("missing_field", "null_field")
            },
        },
        findings={"section_disabled": RENTED_REFUSED, "code_required": RENTED_REFUSED},
    ),
    "selectel.dns": managed("zones", "GET /v2/zones", word=""),
    "selectel.registry": managed("registries", "GET /v1/registries"),
    "selectel.dbaas": managed("databases", "GET /datastores"),
    "selectel.mks": managed("clusters", "GET /clusters", wordless=("kubernetes_node_group",)),
    "selectel.iam": None,
    "selectel.quota": None,
}

# ---- Beget --------------------------------------------------------------------------------------------------------

HOSTED = ("account", "domains", "sites", "mysql", "ftp", "mail")
RIGHTS = {
    "account": ("account", "Account management"),
    "domains": ("domains", "Domain management"),
    "sites": ("sites", "Site management"),
    "mysql": ("hosting's MySQL databases", "MySQL management"),
    "ftp": ("FTP accounts", "FTP management"),
    "mail": ("domains", "Domain management"),  # mailboxes are asked for domain by domain
}
FAILED_INSIDE = f"Beget could not answer (%s). {KEPT}"
SIGN_IN_CODE = (
    "Beget asks for a sign-in code (CODE_REQUIRED), which a sync cannot enter. Use a technical user without two-factor "
    "sign-in, or allow API sign-in without a code."
)
CLOUD = (
    "vps",
    "vps-network",
    "snapshots",
    "images",
    "services",
    "services/s3",
    "services/cdn",
    "backups/vps",
    "backups/mysql",
    "backups/postgresql",
)
WITH_IDS = tuple(name for name in CLOUD if name != "backups/postgresql")
"""The list of the copies that there are none of is read all the same."""

BEGET: dict[str, Family | None] = {
    "beget.hosting": Family(
        lists=dict.fromkeys(HOSTED, ""),
        needs="answer",
        broken="no envelope",
        instead={
            "rate_limit": all_of(HOSTED, f"Beget takes no more than 60 calls a minute. {LIMITED}"),
            "section_disabled": {
                name: Words(
                    f"No right to read the {what}. Everything else is up to date. Tick “{right}” under API in Beget's "
                    "control panel.",
                    is_denied=True,
                )
                for name, (what, right) in RIGHTS.items()
            },
            "error": all_of(HOSTED, FAILED_INSIDE % "METHOD_FAILED"),
            "code_required": all_of(HOSTED, FAILED_INSIDE % "METHOD_FAILED"),
            "unknown_value": all_of(HOSTED, UNREADABLE % "no envelope"),
        },
    ),
    "beget.cloud": Family(
        lists=dict.fromkeys(CLOUD, ""),
        wordless=("network", "floating_ip", "backup"),
        instead={
            "section_disabled": all_of(CLOUD, FAILED_INSIDE % "INTERNAL_ERROR"),
            "error": all_of(CLOUD, FAILED_INSIDE % "INTERNAL_ERROR"),
            "code_required": all_of(CLOUD, SIGN_IN_CODE, is_denied=True),
            "missing_field": all_of(WITH_IDS, UNREADABLE % "id is missing"),
            "null_field": all_of(WITH_IDS, UNREADABLE % "id is missing"),
        },
    ),
}

TABLE: dict[str, dict[str, Family | None]] = {
    "beget": BEGET,
    "selectel": SELECTEL,
    "openstack": PRIVATE_CLOUD,
}
"""Provider type -> family of its emulators -> what a reader is told; None: the plugin never asks there."""


def cells() -> Iterator[tuple[str, str, Switch]]:
    for provider_type, families in TABLE.items():
        for family, row in families.items():
            if row is not None:
                for switch in SWITCHES:
                    yield provider_type, family, switch
