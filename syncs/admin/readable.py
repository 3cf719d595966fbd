"""What syncs keep as JSON, with the keys of our code turned into words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.admin import readable_json
from common.formatting import money_per_day
from inventory.models import ResourceType
from providers.messages import provider_name, sentence
from syncs.models import ResourceState, SyncSnapshot
from syncs.queries import WAITS
from syncs.wording import field_changes, field_label


def sums(snapshot: SyncSnapshot) -> SafeString:
    """Counts and cost a day by type and by status."""
    words = {
        "by_type": (_("By type"), dict(ResourceType.choices)),
        "by_status": (_("By status"), dict(ResourceState.Status.choices)),
    }
    return readable_json(
        {
            heading: {labels.get(key, key): _sum(found) for key, found in snapshot.breakdown[part].items()}
            for part, (heading, labels) in words.items()
            if snapshot.breakdown.get(part)
        }
    )


def progress(snapshot: SyncSnapshot) -> SafeString:
    told = snapshot.progress or {}
    found = told.get("found")
    shown: dict[str, Any] = {}
    if found is not None:
        shown[_("Found so far")] = sum(found.values()) if isinstance(found, Mapping) else found
    if told.get("waiting_seconds") is not None:
        reason = WAITS.get(str(told.get("waiting_reason", "")), "")
        seconds = _("%(seconds)s s") % {"seconds": told["waiting_seconds"]}
        provider = {"provider": provider_name(snapshot.connection.provider_type)}
        shown[_("Waits")] = f"{seconds}. {sentence(reason, provider)}" if reason else seconds
    return readable_json(shown)


def findings(snapshot: SyncSnapshot) -> SafeString:
    """Each as a sentence with its place in the file, and its code for whoever looks it up."""
    rows = [
        (
            _place(finding),
            sentence(finding.get("message", ""), finding.get("params")),
            finding.get("code", ""),
        )
        for finding in snapshot.findings
    ]
    if not rows:
        return readable_json(None)
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}{} <code>{}</code></li>", rows))


def state_changes(state: ResourceState) -> SafeString:
    return readable_json(
        {
            row.label: f"{row.before or '…'} → {row.after or '…'}"
            for row in field_changes(state.changes, state.currency)
        }
    )


def configuration(state: ResourceState) -> SafeString:
    return readable_json({field_label(name): value for name, value in state.configuration.items()})


def _sum(found: Mapping[str, Any]) -> str:
    count = int(found.get("count", 0))
    counted = ngettext("%(count)d resource", "%(count)d resources", count) % {"count": count}
    costs = [
        money_per_day(Decimal(str(amount)), currency)
        for currency, amount in sorted((found.get("daily_cost") or {}).items())
    ]
    return " · ".join([counted, *costs])


def _place(finding: Mapping[str, Any]) -> str:
    if not finding.get("line"):
        return ""
    if not finding.get("column"):
        return _("Line %(line)s: ") % {"line": finding["line"]}
    return _("Line %(line)s, column %(column)s: ") % {"line": finding["line"], "column": finding["column"]}
