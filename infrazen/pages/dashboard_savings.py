"""What the dashboard says of recommendations: the key figure, and the largest of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from accounts.models import Organization
from common import formatting
from common.templatetags.formatting import rub_round
from costs.queries import RunRate
from recommendations import queries, wording
from recommendations.proof import proven

SHOWN = 8


def savings_cell(organization: Organization, run_rate: RunRate) -> dict[str, Any]:
    """What could be saved a month, each rouble counted once; three queries."""
    found = queries.summary(organization)
    cell: dict[str, Any] = {
        "label": _("Could be saved"),
        "url": reverse("recommendations:recommendation_list"),
        "url_label": ngettext("%(count)d recommendation", "%(count)d recommendations", found.open_count)
        % {"count": found.open_count},
    }
    if not found.open_count and not queries.is_evaluated(organization):
        return cell | {"figure": "", "reason": _("no rule has been asked yet"), "url": ""}
    cell |= {"figure": rub_round(found.saving), "unit": pgettext("after an amount", "/mo")}
    realised = proven(organization)
    if realised.count:
        cell["note"] = _("proven so far: %(amount)s a month") % {
            "amount": formatting.rounded_money(realised.realised)
        }
    elif run_rate.monthly:
        share = formatting.percent(found.saving * Decimal(100) / run_rate.monthly)
        text = _("%(share)s of the run rate").replace("%(share)s", "{}")
        cell["note"] = format_html(text, format_html("<strong>{}</strong>", share))
    return cell


def saving_rows(organization: Organization) -> dict[str, Any]:
    """The recommendations whose savings count most; one query."""
    rows = queries.top(organization, SHOWN)
    return {
        "savings": [
            {"row": row, "summary": wording.summary(row), "facts": wording.facts(row)[:2]} for row in rows
        ],
        "savings_url": f"{reverse('recommendations:recommendation_list')}?{urlencode({'status': 'open'})}",
    }
