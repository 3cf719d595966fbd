"""How the admin looks: unfold's settings, and a sidebar in the order of an operator's questions.

Imported by the settings, so nothing of the apps may be imported when this module loads.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

SECTIONS: list[tuple[Any, list[tuple[str, str]]]] = [
    (
        _("Connections"),
        [
            ("providers.providerconnection", "cable"),
            ("providers.providertype", "storefront"),
            ("syncs.completesync", "cloud_sync"),
            ("syncs.syncsnapshot", "sync"),
            ("syncs.unrecognizedresource", "help"),
            ("inventory.typemapping", "category"),
            ("syncs.billingfile", "upload_file"),
        ],
    ),
    (
        _("Inventory"),
        [
            ("inventory.resource", "dns"),
            ("syncs.resourcestate", "history"),
            ("inventory.tagcategory", "sell"),
            ("inventory.tag", "label"),
            ("inventory.resourcenote", "notes"),
            ("inventory.softwarecomponent", "deployed_code"),
            ("inventory.usagesummary", "monitoring"),
            ("inventory.metricpoint", "show_chart"),
        ],
    ),
    (
        _("Costs"),
        [
            ("costs.dailycost", "payments"),
            ("syncs.chargebatch", "receipt_long"),
            ("syncs.chargeline", "receipt"),
            ("costs.exchangerate", "currency_exchange"),
            ("recommendation_prices.price", "sell"),
            ("recommendation_prices.pricereading", "price_check"),
            ("budgets.budget", "savings"),
            ("budgets.plannedchange", "event_upcoming"),
            ("anomalies.anomaly", "troubleshoot"),
            ("recommendation_policies.policy", "shield"),
            ("recommendation_policies.violation", "gpp_maybe"),
            ("reports.report", "summarize"),
            ("reports.reportrun", "description"),
        ],
    ),
    (
        _("People"),
        [
            ("accounts.user", "person"),
            ("accounts.organization", "apartment"),
            ("accounts.membership", "group"),
            ("accounts.invitation", "forward_to_inbox"),
            ("auth.group", "shield_person"),
            ("account.emailaddress", "mail"),
            ("socialaccount.socialaccount", "login"),
            ("mfa.authenticator", "key"),
            ("usersessions.usersession", "devices"),
            ("audit.auditentry", "policy"),
            ("tokens.apitoken", "vpn_key"),
            ("notifications.channel", "notifications"),
            ("notifications.delivery", "outgoing_mail"),
        ],
    ),
    (
        _("Schedules"),
        [
            ("django_celery_beat.periodictask", "schedule"),
            ("django_celery_beat.intervalschedule", "timer"),
            ("django_celery_beat.crontabschedule", "calendar_month"),
        ],
    ),
]
"""Heading and models ("app.model", Material symbol); models that the sections do not name follow in «Other»."""

TITLES: dict[str, Any] = {
    "account.emailaddress": _("E-mail addresses"),
    "mfa.authenticator": _("Second factors"),
    "socialaccount.socialaccount": _("Accounts at providers"),
    "usersessions.usersession": _("Sessions"),
    "django_celery_beat.crontabschedule": _("Times of day"),
}
"""Models of others whose own names are not in the reader's language, or are not ours."""


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Sections with the models that have an admin and that this administrator may see; the demo where there is one."""
    from django.contrib import admin

    from infrazen.demo.pages import links as demo_links

    admins = {model._meta.label_lower: model_admin for model, model_admin in admin.site._registry.items()}

    def items(models: list[tuple[str, str]]) -> list[dict[str, Any]]:
        return [
            {
                "title": TITLES.get(label) or capfirst(str(admins[label].model._meta.verbose_name_plural)),
                "icon": icon,
                "link": reverse(f"admin:{label.replace('.', '_')}_changelist"),
            }
            for label, icon in models
            if label in admins and admins[label].has_view_or_change_permission(request)
        ]

    named = {label for _title, models in SECTIONS for label, _icon in models}
    others = [(label, "table") for label in sorted(admins) if label not in named]
    groups = [(title, items(models), False) for title, models in SECTIONS] + [
        (_("Demo"), demo_links(request), False),
        (_("Other"), items(others), True),
    ]
    return [
        {"title": title, "items": found, "separator": True, "collapsible": collapsible}
        for title, found, collapsible in groups
        if found
    ]


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "InfraZen",
    "SITE_HEADER": "InfraZen",
    "SITE_SUBHEADER": _("Administration"),
    "SITE_URL": "/",
    "SITE_SYMBOL": "cloud",
    "DASHBOARD_CALLBACK": "infrazen.operations.front_page",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "COLORS": {  # the brand's blue in unfold's scale
        "primary": {
            "50": "#EEF3FE",
            "100": "#DCE6FD",
            "200": "#BFD3FB",
            "300": "#93B4FF",
            "400": "#5B93F8",
            "500": "#3B82F6",
            "600": "#1E40AF",
            "700": "#1B3997",
            "800": "#18327F",
            "900": "#152B69",
            "950": "#0E1C45",
        }
    },
    "STYLES": [lambda request: static("infrazen/admin.css")],
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": sidebar},
}
