"""A decision as forms and the API give it, carried out by the services, with the sentence that tells what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from common import formatting
from recommendations import services
from recommendations.models import Recommendation


class Refused(Exception):
    """It cannot be done; the message is a sentence for people."""


def carry_out(recommendation: Recommendation, given: Mapping[str, Any], *, by: User, now: datetime) -> str:
    """`given` has `action` and what it needs (`until`, `reason`, `text`, `to`, `replaced_by`); raises Refused."""
    try:
        return _ACTIONS[given["action"]](recommendation, given, by, now)
    except services.WrongStatus:
        raise Refused(
            _("It has ended (%(status)s), so there is nothing to decide any more.")
            % {"status": recommendation.get_status_display()}
        ) from None
    except services.BadDay:
        raise Refused(_("Choose a day to come, a year ahead at most.")) from None
    except services.ReasonMissing:
        raise Refused(_("Say why, so that nobody has to ask again.")) from None
    except services.NotAMember:
        raise Refused(_("Only people of this organization can be given work here.")) from None


def carry_out_all(
    recommendations: Iterable[Recommendation], given: Mapping[str, Any], *, by: User, now: datetime
) -> tuple[int, int]:
    """(done, left alone); each stands for itself."""
    done = left = 0
    for recommendation in recommendations:
        try:
            carry_out(recommendation, given, by=by, now=now)
        except Refused:
            left += 1
        else:
            done += 1
    return done, left


def _approve(row: Recommendation, _given: Mapping[str, Any], by: User, now: datetime) -> str:
    services.approve(recommendation=row, by=by, now=now)
    return _("Approved. Say when it is done; syncs will see it, and later costs prove it.")


def _snooze(row: Recommendation, given: Mapping[str, Any], by: User, now: datetime) -> str:
    services.snooze(recommendation=row, until=given["until"], by=by, now=now)
    day = formatting.long_date(given["until"], today=given["until"])
    return _("Put off until %(day)s.") % {"day": day}


def _dismiss(row: Recommendation, given: Mapping[str, Any], by: User, now: datetime) -> str:
    services.dismiss(recommendation=row, reason=given["reason"], text=given.get("text", ""), by=by, now=now)
    return _("Dismissed. It returns only if its facts change.")


def _implement(row: Recommendation, given: Mapping[str, Any], by: User, now: datetime) -> str:
    services.implement(recommendation=row, by=by, now=now, replaced_by=given.get("replaced_by"))
    return _("Noted. The next syncs will see it, and the costs of two weeks prove it.")


def _reopen(row: Recommendation, _given: Mapping[str, Any], by: User, now: datetime) -> str:
    services.reopen(recommendation=row, by=by, now=now)
    return _("It is to be decided again.")


def _assign(row: Recommendation, given: Mapping[str, Any], by: User, now: datetime) -> str:
    services.assign(recommendation=row, to=given.get("to"), by=by, now=now)
    to = given.get("to")
    return _("Assigned to %(name)s.") % {"name": to.display_name} if to else _("Assigned to nobody.")


def _comment(row: Recommendation, given: Mapping[str, Any], by: User, now: datetime) -> str:
    services.comment(recommendation=row, text=given["text"], by=by, now=now)
    return _("Comment added.")


_ACTIONS: Mapping[str, Callable[[Recommendation, Mapping[str, Any], User, datetime], str]] = {
    "approve": _approve,
    "snooze": _snooze,
    "dismiss": _dismiss,
    "implement": _implement,
    "reopen": _reopen,
    "assign": _assign,
    "comment": _comment,
}
