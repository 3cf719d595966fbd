"""Invitations: a link that lets one person in. The token in it is random, and kept as its SHA-256 alone.

Inviting an e-mail looks the same whether somebody has an account with it or not. Every change locks the organization
first, so that of an acceptance and a withdrawal at the same moment only one happens.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import queries
from accounts.audit.services import record
from accounts.models import Invitation, Membership, Organization, Role, User
from accounts.services.errors import (
    AlreadyMember,
    InvitationNotValid,
    NotAMember,
    PersonalOrganization,
    TooManyInvitations,
    WrongAccount,
)
from accounts.services.members import refuse_demo, refuse_leaving
from accounts.services.organizations import DEMO_EMAIL, locked
from common.logs import remember_secrets

logger = logging.getLogger(__name__)

INVITATION_KEY = "invitation"
"""Where the session keeps the hash of the token whose link was followed; it also opens the sign-up for that e-mail."""

VALID_FOR = timedelta(days=7)

MOST_OPEN = 100
"""So many invitations of one organization may wait for an answer."""

MOST_A_DAY = 100
"""So many a person may send within a day, whatever became of them."""

MOST_SENDS = 5
"""So often one invitation is sent."""

BETWEEN_SENDS = timedelta(minutes=1)

LinkOf = Callable[[str], str]
"""Makes the absolute address of a token's page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentInvitation:
    """`link` is set where no letter went out: it is shown to the inviter this once, to pass on."""

    invitation: Invitation
    link: str = field(default="", repr=False)


def send_invitation(
    *, organization: Organization, email: str, role: Role, inviter: User, link_of: LinkOf, now: datetime
) -> SentInvitation:
    """Invites an e-mail; one that waits already gets a new link and the new role, and its old link ends.

    Raises ValidationError by field, AlreadyMember, TooManyInvitations, PersonalOrganization for a second owner of one,
    DemoOrganization, OrganizationLeaving.
    """
    token = _new_token()
    with transaction.atomic():
        organization = locked(organization)
        _refuse_uninvitable(organization, email, role, inviter)
        waiting = Invitation.objects.open().of(organization).filter(email=email.strip().lower()).first()
        if waiting is not None:
            invitation = _renew(waiting, token, inviter, now, role=role)
        else:
            invitation = _create(organization, email, role, token, inviter, now)
    return _deliver(invitation, token, link_of)


def resend_invitation(
    *, invitation: Invitation, inviter: User, link_of: LinkOf, now: datetime
) -> SentInvitation:
    """A new letter with a new link for another seven days; the old link ends.

    Raises InvitationNotValid where it was used or withdrawn, and what `send_invitation` does.
    """
    token = _new_token()
    with transaction.atomic():
        organization, fresh = _locked_invitation(invitation)
        _refuse_closed(fresh)
        _refuse_uninvitable(organization, fresh.email, Role(fresh.role), inviter)
        renewed = _renew(fresh, token, inviter, now)
    return _deliver(renewed, token, link_of)


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, now: datetime) -> None:
    """Its link ends; a second time changes nothing. Raises InvitationNotValid where it was accepted."""
    _organization, fresh = _locked_invitation(invitation)
    if fresh.revoked_at is not None:
        return
    _refuse_closed(fresh)
    _close(fresh, now)
    record("invitation.revoked", obj=fresh, organization=fresh.organization)


@transaction.atomic
def decline_invitation(*, token_hash: str, now: datetime) -> None:
    """Whoever has the link does not want to join. Raises InvitationNotValid."""
    fresh = _locked_by_token(token_hash)
    _refuse_unusable(fresh, now)
    _close(fresh, now)
    record("invitation.declined", obj=fresh, organization=fresh.organization)


@transaction.atomic
def accept_invitation(*, token_hash: str, user: User, now: datetime) -> Membership:
    """The person joins; a second time changes nothing. Somebody who has joined meanwhile keeps their role.

    Raises InvitationNotValid, and WrongAccount for somebody who is not the one invited.
    """
    invitation = _locked_by_token(token_hash)
    if invitation.email not in queries.emails_of(user):
        raise WrongAccount(
            _("This invitation is for %(invited)s, and you are signed in as %(own)s.")
            % {"invited": invitation.email, "own": user.email}
        )
    joined = Membership.objects.filter(organization=invitation.organization, user=user)
    if invitation.accepted_by_id == user.pk and (membership := joined.first()):
        return membership
    _refuse_unusable(invitation, now)
    membership, is_new = joined.get_or_create(
        defaults={"organization": invitation.organization, "user": user, "role": invitation.role}
    )
    invitation.accepted_at, invitation.accepted_by = now, user
    invitation.save(update_fields=["accepted_at", "accepted_by", "updated_at"])
    record(
        "invitation.accepted",
        obj=invitation,
        organization=invitation.organization,
        actor=user,
        details={"role": membership.role, "is_new_member": is_new},
    )
    return membership


def digest_of(token: str) -> str:
    """What is kept of a token; it is random enough to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def _new_token() -> str:
    token = secrets.token_urlsafe(32)
    remember_secrets([token])
    return token


def _create(
    organization: Organization, email: str, role: Role, token: str, inviter: User, now: datetime
) -> Invitation:
    _refuse_too_many(organization, inviter, now)
    invitation = Invitation(
        organization=organization,
        email=email.strip().lower(),
        role=role,
        token_hash=digest_of(token),
        language=translation.get_language() or "",
        invited_by=inviter,
        sent_at=now,
        expires_at=now + VALID_FOR,
    )
    invitation.full_clean(exclude=["organization", "invited_by"])
    invitation.save()
    record(
        "invitation.sent",
        obj=invitation,
        organization=organization,
        details={"email": invitation.email, "role": str(role)},
    )
    return invitation


def _renew(
    invitation: Invitation, token: str, inviter: User, now: datetime, role: Role | None = None
) -> Invitation:
    if now - invitation.sent_at < BETWEEN_SENDS:
        raise TooManyInvitations(_("This invitation was sent less than a minute ago. Wait a little."))
    if invitation.send_count >= MOST_SENDS:
        raise TooManyInvitations(
            _("This invitation was sent %(count)d times. Withdraw it before you invite again.")
            % {"count": invitation.send_count}
        )
    invitation.token_hash = digest_of(token)
    invitation.role = role or invitation.role
    invitation.language = translation.get_language() or ""
    invitation.is_mailed = False
    invitation.invited_by = inviter
    invitation.sent_at, invitation.expires_at = now, now + VALID_FOR
    invitation.send_count += 1
    invitation.save()
    record(
        "invitation.resent",
        obj=invitation,
        organization=invitation.organization,
        details={"email": invitation.email, "role": invitation.role},
    )
    return invitation


def _refuse_uninvitable(organization: Organization, email: str, role: Role, inviter: User) -> None:
    refuse_demo(organization)
    refuse_leaving(organization)
    if inviter.email == DEMO_EMAIL:  # strangers would write letters in our name
        refuse_demo(Organization(is_demo=True))
    if organization.is_personal and role == Role.OWNER:
        raise PersonalOrganization(
            _("A personal organization has one owner. Create another organization to share it with equals.")
        )
    if Membership.objects.filter(
        organization=organization, user__in=queries.people_with_email(email.strip())
    ).exists():
        raise AlreadyMember(_("%(email)s is a member already.") % {"email": email.strip()})


def _refuse_too_many(organization: Organization, inviter: User, now: datetime) -> None:
    if Invitation.objects.open().of(organization).count() >= MOST_OPEN:
        raise TooManyInvitations(
            _("%(count)d invitations wait for an answer. Withdraw some of them first.") % {"count": MOST_OPEN}
        )
    day = Invitation.objects.filter(invited_by=inviter, created_at__gt=now - timedelta(days=1))
    if day.count() >= MOST_A_DAY:
        raise TooManyInvitations(
            _("You have invited %(count)d people within a day. Go on tomorrow.") % {"count": MOST_A_DAY}
        )


def _refuse_unusable(invitation: Invitation, now: datetime) -> None:
    """What its page says where nobody can join by it any more."""
    status = invitation.status(now)
    if status == Invitation.Status.PENDING and invitation.organization.deletion_started_at is None:
        return
    if status == Invitation.Status.EXPIRED:
        raise InvitationNotValid(_("This invitation has expired. Ask for a new one."))
    _refuse_closed(invitation)
    raise _no_such_invitation()


def _refuse_closed(invitation: Invitation) -> None:
    if invitation.accepted_at is not None:
        raise InvitationNotValid(_("This invitation was accepted already."))
    if invitation.revoked_at is not None:
        raise InvitationNotValid(_("This invitation was withdrawn."))


def _close(invitation: Invitation, now: datetime) -> None:
    invitation.revoked_at = now
    invitation.save(update_fields=["revoked_at", "updated_at"])


def _no_such_invitation() -> InvitationNotValid:
    return InvitationNotValid(_("This link leads to no invitation. Ask for a new one."))


def _locked_invitation(invitation: Invitation) -> tuple[Organization, Invitation]:
    try:
        organization = locked(Organization(pk=invitation.organization_id))
    except NotAMember:
        raise _no_such_invitation() from None
    fresh = Invitation.objects.of(organization).filter(pk=invitation.pk).first()
    if fresh is None:
        raise _no_such_invitation()
    fresh.organization = organization
    return organization, fresh


def _locked_by_token(token_hash: str) -> Invitation:
    """The token is compared again under the lock: a new letter may have ended it meanwhile."""
    found = Invitation.objects.filter(token_hash=token_hash).first()
    if found is None:
        raise _no_such_invitation()
    _organization, fresh = _locked_invitation(found)
    if fresh.token_hash != token_hash:
        raise _no_such_invitation()
    return fresh


def _deliver(invitation: Invitation, token: str, link_of: LinkOf) -> SentInvitation:
    """The letter where there is a mail server that takes it, else the link for the inviter."""
    link = link_of(token)
    if settings.EMAIL_URL and _mailed(invitation, link):
        invitation.is_mailed = True
        Invitation.objects.filter(pk=invitation.pk, token_hash=invitation.token_hash).update(is_mailed=True)
        return SentInvitation(invitation=invitation)
    return SentInvitation(invitation=invitation, link=link)


def _mailed(invitation: Invitation, link: str) -> bool:
    inviter = invitation.invited_by
    context = {
        "organization": invitation.organization.name,
        "inviter": inviter.display_name if inviter else "",
        "role": invitation.get_role_display(),
        "expires_at": invitation.expires_at,
        "link": link,
    }
    letter = EmailMultiAlternatives(
        subject=settings.ACCOUNT_EMAIL_SUBJECT_PREFIX
        + " ".join(render_to_string("accounts/email/invitation_subject.txt", context).split()),
        body=render_to_string("accounts/email/invitation.txt", context),
        to=[invitation.email],
    )
    letter.attach_alternative(render_to_string("accounts/email/invitation.html", context), "text/html")
    try:
        letter.send()
    except (SMTPException, OSError):
        logger.warning("invitation %s could not be mailed", invitation.pk, exc_info=True)
        return False
    return True
