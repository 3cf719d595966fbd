"""The end of an organization with rows in every table: all of it goes, nothing of anybody else's, from any interruption."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services, tasks
from accounts.audit.models import AuditEntry
from accounts.losses import losses
from accounts.models import Membership, Organization, User
from accounts.services import deletion
from accounts.tenancy import TenantModel
from accounts.tests.factories import InvitationFactory, MembershipFactory, OrganizationFactory
from infrazen.schedules import SCHEDULES
from infrazen.tests.estate import marked_estate

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def tenant_tables() -> list[type[TenantModel]]:
    return [model for model in apps.get_models() if issubclass(model, TenantModel)]


def counts(organization: Organization) -> dict[str, int]:
    """Rows by table; tables without rows left out."""
    found = {
        model._meta.label: model._base_manager.filter(organization=organization).count()
        for model in tenant_tables()
    }
    return {label: count for label, count in found.items() if count}


def due(organization: Organization) -> None:
    Organization.objects.filter(pk=organization.pk).update(deletion_at=NOW)


def test_everything_goes_and_nothing_of_anybody_elses(fake_provider: object) -> None:
    (doomed, owner), (other, _owner) = marked_estate(), marked_estate()
    before = counts(other)
    assert set(before) == set(counts(doomed))
    due(doomed)

    assert services.delete_due_organizations(now=NOW, seconds=60) == 1

    assert counts(doomed) == {}
    assert not Organization.objects.filter(pk=doomed.pk).exists()
    assert not Membership.objects.filter(organization_id=doomed.pk).exists()
    assert counts(other) == before
    assert Organization.objects.get() == other
    assert User.objects.filter(pk=owner.pk).exists()
    entry = AuditEntry.objects.get(action="organization.deleted")
    assert (entry.organization_id, entry.organization_name) == (doomed.pk, doomed.name)


def test_whatever_interrupts_it_the_next_run_goes_on(monkeypatch, fake_provider: object) -> None:
    """One row a run: the clock says «over» after each."""
    organization, _owner = marked_estate()
    due(organization)
    monkeypatch.setattr(deletion, "BATCH", 1)
    ticks = iter(range(10**6))
    monkeypatch.setattr(deletion.time, "monotonic", lambda: next(ticks))
    sizes = [sum(counts(organization).values())]

    while Organization.objects.exists():
        services.delete_due_organizations(now=NOW, seconds=2)
        sizes.append(sum(counts(organization).values()))
        assert sizes[-1] < sizes[-2] or not Organization.objects.exists()

    assert sizes[-1] == 0
    assert len(sizes) > 10


def test_people_lose_it_before_any_row_goes() -> None:
    organization = MembershipFactory().organization
    InvitationFactory(organization=organization, invited_by=None)
    due(organization)

    services.delete_due_organizations(now=NOW, seconds=0)

    organization.refresh_from_db()
    assert organization.deletion_started_at == NOW
    assert not organization.memberships.exists()
    assert counts(organization) == {"accounts.Invitation": 1}


def test_rows_that_others_point_at_go_after_those() -> None:
    order = list(deletion._children_first())

    assert set(order) == set(tenant_tables())
    for place, model in enumerate(order):
        targets = {field.related_model for field in model._meta.fields if field.related_model} - {model}
        assert not targets & set(order[:place]), f"{model} goes after what it points at"


def test_what_is_in_its_grace_or_kept_stays() -> None:
    waiting = OrganizationFactory(deletion_at=NOW + timedelta(seconds=1))
    kept = OrganizationFactory(deletion_at=NOW)
    services.cancel_deletion(organization=kept)

    assert services.delete_due_organizations(now=NOW, seconds=60) == 0

    assert set(Organization.objects.all()) == {waiting, kept}


def test_asking_twice_keeps_the_first_day_and_is_told_once() -> None:
    organization = MembershipFactory().organization

    services.request_deletion(organization=organization, now=NOW)
    again = services.request_deletion(organization=organization, now=NOW + timedelta(days=3))

    assert again.deletion_at == NOW + timedelta(days=30)
    assert AuditEntry.objects.filter(action="organization.deletion_requested").count() == 1
    services.cancel_deletion(organization=organization)
    services.cancel_deletion(organization=organization)
    assert AuditEntry.objects.filter(action="organization.deletion_cancelled").count() == 1


@pytest.mark.parametrize("kind", ["is_personal", "is_demo"])
def test_what_is_personal_or_the_demo_is_not_deleted(kind: str) -> None:
    organization = OrganizationFactory(**{kind: True})

    with pytest.raises((services.PersonalOrganization, services.DemoOrganization)):
        services.request_deletion(organization=organization, now=NOW)

    organization.refresh_from_db()
    assert organization.deletion_at is None


def test_every_app_with_tenant_tables_tells_what_goes() -> None:
    apps_with_tables = {model.__module__.partition(".")[0] for model in tenant_tables()}
    telling = {path.partition(".")[0] for path in settings.ORGANIZATION_LOSSES}

    assert apps_with_tables <= telling


def test_the_losses_count_this_organization_alone(fake_provider: object) -> None:
    (organization, _owner), _other = marked_estate(), marked_estate()

    told = {loss.label: loss.count for loss in losses(organization)}

    assert {
        "Connections": 1,
        "Resources": 1,
        "Notes": 1,
        "Tags set by people": 1,
        "Snapshots": 1,
        "Billing files": 1,
        "Months of cost history": 1,
        "Allocation rules": 1,
        "Budgets": 1,
        "Unit metrics": 1,
        "Reports": 1,
        "Saved views": 1,
        "Notes on charts": 1,
        "Anomalies": 1,
        "Power schedules": 1,
        "Members": 1,
        "Open invitations": 1,
    }.items() <= told.items()


def test_a_batch_costs_as_many_queries_whatever_its_size(fake_provider: object) -> None:
    def queries(rows: int) -> int:
        organization = OrganizationFactory(deletion_at=NOW)
        for n in range(rows):
            InvitationFactory(organization=organization, email=f"{n}@example.com", invited_by=None)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            services.delete_due_organizations(now=NOW, seconds=60)
        return len(captured)

    assert queries(1) == queries(11)


def test_the_schedules_task_deletes_what_is_due() -> None:
    due(OrganizationFactory())

    tasks.delete_due_organizations()

    assert not Organization.objects.exists()
    assert tasks.delete_due_organizations.name in {schedule.task for schedule in SCHEDULES}
    assert (
        min(s.every_seconds for s in SCHEDULES if s.task.startswith("accounts.tasks"))
        > tasks.DELETION_SECONDS
    )
