"""Records between the engine's own phases: what is billed, what a state will look like, what changed."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from providers.contract.records import ResourceStatus, ResourceType, Scope, Specification

CENT = Decimal("0.01")
AMOUNT_QUANTUM = Decimal("0.000001")
"""What the database keeps of an amount; every rate is rounded to it once, when it becomes a rate a day."""


def scope_key(scope: Scope) -> str:
    """A scope as one text: `project/p1/region/ru-3/servers`."""
    return "/".join(part.replace("/", "%2F") for part in scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A resource's own run rate: `daily` of `currency`, and the original price with its period where there is one.

    `uncertainty` is by how much a day the figure may be off because the provider rounds what it is made of.
    """

    daily: Decimal
    currency: str
    original: Decimal | None = None
    original_period: str = ""
    is_list_price: bool = False
    in_account_total: bool = False
    uncertainty: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Form:
    """What one resource looks like now, in our words: the content of a state.

    `cost` None means that the cost is not known yet. `parent_id` is the provider's id of the resource whose bill it
    belongs to. `billing_data` is for triage and is stored only with an unrecognised resource.
    """

    resource_id: str
    native_type: str
    resource_type: ResourceType
    is_recognized: bool
    name: str
    scope: str
    status: ResourceStatus
    provider_status: str = ""
    is_orphan: bool = False
    is_provisional: bool = False
    absent_since: datetime | None = None
    parent_id: str = ""
    service_name: str = ""
    region_id: str = ""
    sub_account_id: str = ""
    sub_account_name: str = ""
    specification: Specification = field(default_factory=Specification)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    cost: Cost | None = None
    created_at: datetime | None = None
    billing_data: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def configuration_hash(self) -> str:
        """Digest of the configuration part: everything but cost and status, canonical and without volatile fields."""
        content = json.dumps(self.configuration_fields, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()

    @property
    def configuration_fields(self) -> dict[str, Any]:
        """The configuration part by field, as it is compared, hashed and shown in a difference."""
        spec = self.specification
        return {
            "name": self.name,
            "service_name": self.service_name,
            "region_id": self.region_id,
            "sub_account_id": self.sub_account_id,
            "parent_id": self.parent_id,
            "vcpus": _plain(spec.vcpus),
            "memory_mib": spec.memory_mib,
            "storage_gib": _plain(spec.storage_gib),
            "operating_system": spec.operating_system,
            "engine": spec.engine,
            "engine_version": spec.engine_version,
            "ip_addresses": sorted(spec.ip_addresses),
            "tags": dict(self.tags),
            **{f"configuration.{key}": value for key, value in self.configuration.items()},
        }


def _plain(value: Decimal | None) -> str | None:
    """A decimal without trailing zeros, so that 2 and 2.00 are the same configuration."""
    return None if value is None else f"{value.normalize():f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenState:
    """What the difference needs of an open state: small, because one stands in memory for every open state."""

    state_pk: int
    resource_pk: int
    resource_type: str
    native_type: str
    scope: str
    opened_at: datetime
    status: str
    provider_status: str
    is_orphan: bool
    is_provisional: bool
    absent_since: datetime | None
    daily_cost: Decimal | None
    currency: str
    in_account_total: bool
    configuration_hash: str

    @property
    def cost(self) -> Cost | None:
        if self.daily_cost is None:
            return None
        return Cost(daily=self.daily_cost, currency=self.currency, in_account_total=self.in_account_total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Billed but not listed: the form of the state before goes on, with the cost of today and maybe another status."""

    resource_id: str
    cost: Cost
    becomes_zombie: bool = False
    is_provisional: bool = False
    absent_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Neither billed nor seen, and nobody could look: the last state goes on and the resource is stale."""

    resource_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Neither billed nor listed in a scope that was listed completely: its state is closed."""

    resource_id: str


Outcome = Form | Carried | Kept | Gone


class Action(enum.StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    RETURNED = "returned"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Which of the three parts of a state differ from the open one."""

    has_cost_change: bool
    has_status_change: bool
    has_configuration_change: bool

    @property
    def is_any(self) -> bool:
        return self.has_cost_change or self.has_status_change or self.has_configuration_change
