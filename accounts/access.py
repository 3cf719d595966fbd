"""Who may open a page: decorators of views, and the request that they promise.

    @organization_required      signed in, and a member of an organization
    @writer_required            besides, an owner or manager of it
    @owner_required             besides, an owner of it

Inside such a view `request.organization` and `request.membership` are real objects; elsewhere they are lazy and
false where there is none (see `accounts.middleware`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from accounts.models import Membership, Organization, User


class UserRequest(HttpRequest):
    """A request of a signed-in person who looks at one of their organizations."""

    user: User
    organization: Organization
    membership: Membership
    memberships: list[Membership]
    impersonator: User | None
    htmx: HtmxDetails


View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def organization_required(view: View) -> View:
    """Sends anonymous readers to the sign-in page; refuses people without any organization."""

    @login_required
    @wraps(view)
    def door(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.membership:
            raise PermissionDenied(
                _("You belong to no organization yet. Ask an administrator to invite you.")
            )
        request.membership = next(own for own in request.memberships if own.pk == request.membership.pk)
        request.organization = request.membership.organization
        return view(request, *args, **kwargs)

    return cast(View, door)


def writer_required(view: View) -> View:
    """`organization_required`, and 403 with a sentence for viewers."""

    @wraps(view)
    def guarded(request: UserRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        require_writer(request)
        return view(request, *args, **kwargs)

    return cast(View, organization_required(guarded))


def owner_required(view: View) -> View:
    """`organization_required`, and 403 with a sentence for managers and viewers."""

    @wraps(view)
    def guarded(request: UserRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.membership.is_owner:
            raise PermissionDenied(owners_only())
        return view(request, *args, **kwargs)

    return cast(View, organization_required(guarded))


def owners_only() -> str:
    """Why somebody who is no owner may not."""
    return _("People, roles, invitations and the end of an organization are its owners' to decide.")


def require_writer(request: UserRequest) -> None:
    """For views whose reading is open to viewers and whose writing is not; raises PermissionDenied."""
    if not request.membership.may_write:
        raise PermissionDenied(viewers_only_look())


def viewers_only_look() -> str:
    """Why a viewer may not."""
    return _(
        "You may only look at this organization. Ask its owner for the role “Manager” to change something."
    )


def acting_user(request: HttpRequest) -> User:
    """Who acts in a door that only signed-in people reach; raises PermissionDenied for the anonymous."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
