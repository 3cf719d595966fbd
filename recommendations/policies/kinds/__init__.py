"""The kinds of policies, in the order in which they are offered."""

from __future__ import annotations

from collections.abc import Mapping

from recommendations.policies.contract import Kind
from recommendations.policies.kinds.allowed_regions import AllowedRegions
from recommendations.policies.kinds.allowed_types import AllowedTypes
from recommendations.policies.kinds.naming import Naming
from recommendations.policies.kinds.off_hours import OffHours
from recommendations.policies.kinds.required_tags import RequiredTags
from recommendations.policies.kinds.spend_limit import SpendLimit
from recommendations.policies.kinds.unattached_age import UnattachedAge

KINDS: Mapping[str, Kind] = {
    kind.id: kind
    for kind in (
        RequiredTags(),
        Naming(),
        AllowedRegions(),
        AllowedTypes(),
        UnattachedAge(),
        SpendLimit(),
        OffHours(),
    )
}
