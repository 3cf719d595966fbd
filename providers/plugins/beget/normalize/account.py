"""The account as `user/getAccountInfo` tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from common.text import gettext_noop
from providers.contract.records import (
    AccountRecord,
    Limit,
    Rate,
    RatePeriod,
)
from providers.plugins.beget.client import unexpected

from .values import (
    CURRENCY,
    MIB_IN_GIB,
    flag,
    money,
    number,
    text,
    whole,
)
from .words import (
    ACCOUNT,
)

UNLIMITED = 2147483647

LIMITS: tuple[tuple[str, str, str, str, str], ...] = (
    (gettext_noop("Domains"), "user_domains", "plan_domain", "", "domain"),
    (gettext_noop("Sites"), "user_sites", "plan_site", "", "site"),
    (gettext_noop("MySQL"), "user_mysqlsize", "plan_mysql", gettext_noop("MB"), "mysql"),
    (gettext_noop("FTP"), "user_ftp", "plan_ftp", "", "ftp"),
    (gettext_noop("Mail"), "user_mail", "plan_mail", "", "mail"),
    (gettext_noop("Disk"), "user_quota", "plan_quota", gettext_noop("MB"), "user"),
)
"""Name, field of what is used, field of what is allowed, unit, section of the API that shows the things."""


def account_record(
    info: Any, *, login: str, unreadable_sections: Iterable[str], sections: str
) -> AccountRecord:
    """The account as `user/getAccountInfo` tells it.

    `user_rate_current` is the total of all priced services, roubles a day, and not a fee on top of them.
    `sections` is how many parts of the two APIs are readable, "5 / 7".
    """
    operation = "user/getAccountInfo"
    if not isinstance(info, dict):
        raise unexpected("no object", operation)
    daily = money(info.get("user_rate_current"), operation)
    if daily is None:
        raise unexpected("user_rate_current is missing", operation)
    balance = money(info.get("user_balance"), operation)
    days_left = whole(info.get("user_days_to_block"), operation)
    if days_left is None and balance is not None and daily > 0:
        days_left = max(0, int((balance / daily).to_integral_value(ROUND_FLOOR)))
    unreadable = set(unreadable_sections)
    return AccountRecord(
        account_id=login,
        name=login,
        balance=balance,
        currency=CURRENCY,
        charge_days_left=days_left,
        total=Rate(amount=daily, currency=CURRENCY, period=RatePeriod.DAY, in_account_total=True),
        remainder_id=f"account:{login}",
        remainder_name=text(info.get("plan_name")) or login,
        remainder_native_type="account_plan",
        remainder_scope=ACCOUNT,
        limits=tuple(
            Limit(
                name=name,
                used=number(info.get(used), operation),
                allowed=_allowed(number(info.get(allowed), operation)),
                unit=unit,
                is_readable=section not in unreadable,
            )
            for name, used, allowed, unit, section in LIMITS
        ),
        facts=_facts(info, sections),
    )


def _allowed(value: Decimal | None) -> Decimal | None:
    return None if value is None or value >= UNLIMITED else value


def _facts(info: Mapping[str, Any], sections: str) -> dict[str, dict[str, str]]:
    operation = "user/getAccountInfo"
    memory, used = (number(info.get(key), operation) for key in ("server_memory", "server_memorycurrent"))
    groups = {
        gettext_noop("Server"): {
            gettext_noop("Name"): text(info.get("server_name")),
            gettext_noop("CPU"): text(info.get("server_cpu_name")),
            gettext_noop("Memory, GB"): "" if memory is None else f"{memory / MIB_IN_GIB:.1f}",
            gettext_noop("Memory used, %"): f"{used * 100 / memory:.0f}"
            if memory and used is not None
            else "",
            gettext_noop("Load"): text(info.get("server_loadaverage")),
            gettext_noop("Uptime, days"): text(info.get("server_uptime")),
        },
        gettext_noop("Software"): {
            "PHP": text(info.get("server_php_version")),
            "MySQL": text(info.get("server_mysql_version")),
            "Apache": text(info.get("server_apache_version")),
            "nginx": text(info.get("server_nginx_version")),
            "Python": text(info.get("server_python_version")),
            "Perl": text(info.get("server_perl_version")),
        },
        gettext_noop("Access"): {
            gettext_noop("Plan"): text(info.get("plan_name")),
            gettext_noop("Rate, ₽ a month"): text(info.get("user_rate_month")),
            gettext_noop("Rate, ₽ a year"): text(info.get("user_rate_year")),
            gettext_noop("Plan paid for a year"): gettext_noop("yes")
            if flag(info.get("user_is_year_plan"))
            else "",
            "SSH": gettext_noop("on") if text(info.get("user_bash")) else gettext_noop("off"),
            gettext_noop("API sections"): sections,
        },
    }
    return {
        heading: kept
        for heading, facts in groups.items()
        if (kept := {label: value for label, value in facts.items() if value})
    }
