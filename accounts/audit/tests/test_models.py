"""The models add rows and do nothing else to them."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit.errors import AppendOnly
from accounts.audit.models import AuditAnchor, AuditEntry, AuditSeal
from accounts.audit.tests.factories import EntryFactory

pytestmark = pytest.mark.django_db


def _seal() -> AuditSeal:
    return AuditSeal.objects.create(sequence=1, entry_id=1, form=1, hash="a" * 64)


def _anchor() -> AuditAnchor:
    return AuditAnchor.objects.create(sequence=1, hash="a" * 64, entry_count=1, removed_until=timezone.now())


@pytest.mark.parametrize("make", [EntryFactory, _seal, _anchor])
def test_a_row_is_not_saved_again_nor_deleted(make) -> None:
    row = make()

    with pytest.raises(AppendOnly, match="is append-only"):
        row.save()
    with pytest.raises(AppendOnly):
        type(row).objects.get().save(update_fields=["hash"])
    with pytest.raises(AppendOnly):
        row.delete()

    assert type(row).objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.update(action="user.signed_in"),
        lambda rows: rows.delete(),
        lambda rows: rows.bulk_update(list(rows), ["action"]),
        lambda rows: rows.update_or_create(pk=rows.first().pk, defaults={"action": "user.signed_in"}),
        lambda rows: rows.bulk_create(
            [AuditEntry(pk=rows.first().pk, action="user.signed_in")],
            update_conflicts=True,
            update_fields=["action"],
            unique_fields=["id"],
        ),
    ],
    ids=["update", "delete", "bulk_update", "update_or_create", "bulk_create"],
)
@pytest.mark.parametrize("manager", ["objects", "_base_manager", "_default_manager"])
def test_no_queryset_changes_or_removes(change, manager) -> None:
    EntryFactory()

    with pytest.raises(AppendOnly):
        change(getattr(AuditEntry, manager).all())

    assert AuditEntry.objects.get().action == "organization.renamed"


def test_a_new_object_under_an_old_number_is_no_update() -> None:
    entry = EntryFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry(pk=entry.pk, action="user.signed_in").save()

    assert AuditEntry.objects.get().action == "organization.renamed"


def test_a_deleted_person_stays_in_the_trail() -> None:
    from accounts.audit.services import record
    from accounts.tests.factories import UserFactory

    person = UserFactory(email="anna@example.com")
    record("user.profile_changed", obj=person, actor=person)

    person.delete()

    assert AuditEntry.objects.get(action="user.profile_changed").actor_email == "anna@example.com"
