"""Everything that costs can be grouped and filtered by: one table, read by the explorer, its forms, API and commands.

`column` is the path from a daily fact or a daily total, `state_column` the path from a resource's state (run rate).
A tag is a dimension too, one for each key: `tag.<key>`. It stands on resources, so it is read from the facts alone, as
is the resource itself; of one resource a person's tag comes before the provider's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

TAG_PREFIX = "tag."
TAG_KEY_LENGTH = 128
RESOURCE = "resource"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """`state_column` is empty where the run rate knows no such thing; `needs_facts`: totals do not keep it.

    `none_label` is how the group without a value is called.
    """

    key: str
    label: Any
    column: str
    state_column: str
    none_label: Any
    needs_facts: bool = False

    @property
    def tag_key(self) -> str:
        """The key of a tag; empty for every other dimension."""
        return self.key.removeprefix(TAG_PREFIX) if self.key.startswith(TAG_PREFIX) else ""


def _business(key: str, label: Any) -> Dimension:
    return Dimension(
        key=key,
        label=label,
        column=f"dimensions__{key}",
        state_column=f"resource__{key}",
        none_label=gettext_lazy("Not allocated"),
    )


def _fact(key: str, label: Any, column: str, state_column: str, **more: Any) -> Dimension:
    return Dimension(
        key=key,
        label=label,
        column=column,
        state_column=state_column,
        none_label=gettext_lazy("Not named"),
        **more,
    )


DIMENSIONS: tuple[Dimension, ...] = (
    _fact("provider", gettext_lazy("Provider"), "connection__provider_type", "connection__provider_type"),
    _fact("connection", gettext_lazy("Connection"), "connection_id", "connection_id"),
    _fact("type", gettext_lazy("Type"), "dimensions__resource_type", "resource__resource_type"),
    _fact("service", gettext_lazy("Service"), "dimensions__service_name", "service_name"),
    _fact("region", gettext_lazy("Region"), "dimensions__region_id", "region_id"),
    _fact("sub_account", gettext_lazy("Provider's project"), "dimensions__sub_account_id", "sub_account_id"),
    _business("business_unit", gettext_lazy("Business unit")),
    _business("project", gettext_lazy("Project")),
    _business("feature", gettext_lazy("Feature")),
    _business("cost_center", gettext_lazy("Cost centre")),
    _business("environment", gettext_lazy("Environment")),
    _business("owner", gettext_lazy("Owner")),
    _fact("category", gettext_lazy("Charge category"), "charge_category", ""),
    _fact(RESOURCE, gettext_lazy("Resource"), "resource_id", "resource_id", needs_facts=True),
)
BY_KEY: Mapping[str, Dimension] = {dimension.key: dimension for dimension in DIMENSIONS}

NEXT: Mapping[str, str] = {
    "provider": "connection",
    "connection": "type",
    "type": RESOURCE,
    "service": RESOURCE,
    "region": "type",
    "sub_account": "type",
    "business_unit": "project",
    "project": "feature",
    "feature": RESOURCE,
    "cost_center": "project",
    "environment": "type",
    "owner": "project",
    "category": "type",
}
"""What a group is broken down by when it is opened."""


def dimension(key: str) -> Dimension | None:
    """The dimension of a key, None where there is none."""
    tag_key = key.removeprefix(TAG_PREFIX)
    if key.startswith(TAG_PREFIX) and 0 < len(tag_key) <= TAG_KEY_LENGTH and "\0" not in tag_key:
        return Dimension(
            key=key,
            label=_("Tag %(key)s") % {"key": tag_key},
            column="",
            state_column="",
            none_label=gettext_lazy("Without this tag"),
            needs_facts=True,
        )
    return BY_KEY.get(key)


def next_key(key: str, taken: Iterable[str]) -> str:
    """What to break the group of `key` down by: the first in the chain that is not filtered or grouped already."""
    following = NEXT.get(key, RESOURCE)
    used = set(taken)
    while following in used and following != RESOURCE:
        following = NEXT.get(following, RESOURCE)
    return following
