"""A decision as forms and the API give it, carried out by the services, with the sentence that tells what happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from common import formatting
from recommendations.policies import services
from recommendations.policies.models import Violation


class Refused(Exception):
    """It cannot be done; the message is a sentence for people."""


def carry_out(row: Violation, given: Mapping[str, Any], *, by: User, now: datetime) -> str:
    """`given` has `action` (except, reopen, assign) and what it needs (`until`, `reason`, `to`); raises Refused."""
    try:
        return _carried_out(row, given, by, now)
    except services.HasEnded:
        raise Refused(_("It was put right already, so there is nothing to decide.")) from None
    except services.BadDay:
        raise Refused(_("Choose a day to come, a year ahead at most.")) from None
    except services.ReasonMissing:
        raise Refused(_("Say why, so that nobody has to ask again.")) from None
    except services.NotAMember:
        raise Refused(_("Only people of this organization can be given work here.")) from None


def _carried_out(row: Violation, given: Mapping[str, Any], by: User, now: datetime) -> str:
    if given["action"] == "except":
        until = given["until"]
        services.make_exception(violation=row, until=until, reason=given["reason"], by=by, now=now)
        return _("Excepted until %(day)s.") % {"day": formatting.long_date(until, today=until)}
    if given["action"] == "reopen":
        services.end_exception(violation=row, by=by)
        return _("It is to be put right after all.")
    to = given.get("to")
    services.assign(violation=row, to=to, by=by)
    return _("Assigned to %(name)s.") % {"name": to.display_name} if to else _("Assigned to nobody.")
