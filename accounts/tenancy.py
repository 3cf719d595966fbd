"""Tenancy in one place: every row of a tenant carries its organization, every query starts from one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Self, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:  # the models of people stand on this module themselves
    from accounts.models import Organization, User

Row = TypeVar("Row", bound=models.Model)


class TenantQuerySet(models.QuerySet[Row], Generic[Row]):
    """Rows of tenants. A door calls `of` (one organization) or `visible_to` (all of a person) before anything else."""

    def of(self, organization: Organization) -> Self:
        return self.filter(organization=organization)

    def visible_to(self, user: User) -> Self:
        return self.filter(organization__in=user.organizations())


class TenantManager(models.Manager[Row], Generic[Row]):
    """The manager of tenants' rows, written out so that the type checker knows every row's type."""

    def get_queryset(self) -> TenantQuerySet[Row]:
        return TenantQuerySet(self.model, using=self._db)

    def of(self, organization: Organization) -> TenantQuerySet[Row]:
        return self.get_queryset().of(organization)

    def visible_to(self, user: User) -> TenantQuerySet[Row]:
        return self.get_queryset().visible_to(user)


class TenantModel(models.Model):
    """A row that belongs to exactly one organization."""

    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("organization"),
    )

    class Meta:
        abstract = True
