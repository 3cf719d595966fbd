"""What every endpoint of the API stands on: whose data it reads, who may write, in which time it speaks.

The organization is the token's where a token came in, else the one that the header `X-Organization` names, else the one
that the session chose. It must be one of the person's own: another's number answers 404, as if it did not exist.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any, ClassVar, cast

import django_filters
from django import forms
from django.db.models import BigIntegerField, F, QuerySet
from django.http import Http404, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from accounts.access import viewers_only_look
from accounts.models import Membership, Organization, User

ORGANIZATION_HEADER = "X-Organization"


class IsMember(BasePermission):
    """Signed in and a member; viewers may only read. Chooses the organization before anything is read."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        membership = chosen_membership(request)
        if request.method not in SAFE_METHODS and not membership.may_write:
            raise PermissionDenied(viewers_only_look())
        view.membership = membership
        return True


def chosen_membership(request: Any) -> Membership:
    """Raises Http404 for an organization that is not the person's, PermissionDenied for people without any."""
    memberships: list[Membership] = request.memberships
    named = request.headers.get(ORGANIZATION_HEADER, "")
    bound = getattr(request.auth, "organization_id", None)
    if bound is not None:
        if named and named != str(bound):
            raise Http404
        named = str(bound)
    if named:
        found = next((own for own in memberships if str(own.organization_id) == named), None)
        if found is None:
            raise Http404
        return found
    if not request.membership:
        raise PermissionDenied(_("You belong to no organization yet. Ask an administrator to invite you."))
    return next(own for own in memberships if own.pk == request.membership.pk)


class TenantMixin:
    """Rows of the chosen organization only; instants are UTC, given and answered.

    `queryset` is the class's, without a tenant; `get_queryset` adds it. For the schema there is no tenant and no row.
    """

    membership: Membership
    permission_classes: ClassVar[Any] = [IsMember]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override(UTC):
            return cast(HttpResponseBase, super().dispatch(request, *args, **kwargs))  # type: ignore[misc]

    @property
    def organization(self) -> Organization:
        return self.membership.organization

    @property
    def acting_user(self) -> User:
        return cast(Any, self).request.user  # type: ignore[no-any-return]

    def get_queryset(self) -> QuerySet[Any]:
        rows: Any = super().get_queryset()  # type: ignore[misc]
        return cast(QuerySet[Any], rows.none() if self.is_schema else rows.of(self.organization))

    @property
    def is_schema(self) -> bool:
        """Whether only the schema is being written: nobody asks, and nothing may be read."""
        return bool(getattr(self, "swagger_fake_view", False))


class TenantView(TenantMixin, GenericAPIView):
    """An endpoint of one organization."""


class TenantViewSet(TenantMixin, GenericViewSet):
    """Endpoints of one kind of row of one organization; mixins of the framework add list, retrieve and so on."""

    lookup_value_regex = r"\d+"


class IdFilter(django_filters.NumberFilter):  # type: ignore[misc]  # django-filter has no types
    """A row's number: whole, and no greater than a database can hold."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=BigIntegerField.MAX_BIGINT, **kwargs)


class StableOrderingFilter(django_filters.OrderingFilter):  # type: ignore[misc]  # django-filter has no types
    """`ordering`, with unknown values last and the row's number as tie-breaker, so that pages do not overlap."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        if not value:
            return qs
        orders = []
        for term in value:
            name = self.param_map[term.removeprefix("-")]
            orders.append(
                F(name).desc(nulls_last=True) if term.startswith("-") else F(name).asc(nulls_last=True)
            )
        return qs.order_by(*orders, "pk")
