"""What is too old goes, as a whole beginning of the chain; the rest verifies as before."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.audit import chain, guard, retention, tasks
from accounts.audit.models import AuditAnchor, AuditEntry, AuditSeal
from accounts.audit.tests.factories import EntryFactory

pytestmark = pytest.mark.django_db


def _of_days_ago(*days: int) -> list[AuditEntry]:
    return [EntryFactory(at=timezone.now() - timedelta(days=ago)) for ago in days]


def test_old_entries_go_and_the_rest_verifies() -> None:
    old, young = _of_days_ago(400, 380), _of_days_ago(200, 1)

    assert retention.purge(now=timezone.now(), days=365) == 2

    assert not AuditEntry.objects.filter(pk__in=[entry.pk for entry in old]).exists()
    assert AuditEntry.objects.filter(pk__in=[entry.pk for entry in young]).count() == 2
    anchor = AuditAnchor.objects.get()
    assert (anchor.sequence, anchor.entry_count) == (2, 2)
    verdict = chain.verify()
    assert (verdict.broken, verdict.begin.sequence, verdict.sealed_count) == ("", 2, 2)


def test_the_removal_is_an_entry() -> None:
    _of_days_ago(400)

    retention.purge(now=timezone.now(), days=365)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.details["entries"]) == ("audit.purged", 1)
    assert entry.details["head"] == str(AuditAnchor.objects.get())


def test_an_old_entry_behind_a_young_one_waits() -> None:
    """Only a whole beginning goes: a gap could not be told from a theft."""
    _of_days_ago(400, 1, 400)

    assert retention.purge(now=timezone.now(), days=365) == 1
    assert AuditEntry.objects.filter(action="organization.renamed").count() == 2
    assert chain.verify().broken == ""


def test_nothing_goes_by_default(settings) -> None:
    _of_days_ago(4000)

    tasks.purge_audit()

    assert settings.AUDIT_RETENTION_DAYS == 0
    assert AuditEntry.objects.count() == AuditSeal.objects.count() == 1


def test_the_daily_task_keeps_to_the_setting(settings) -> None:
    settings.AUDIT_RETENTION_DAYS = 30
    _of_days_ago(31, 29)

    tasks.purge_audit()

    assert AuditEntry.objects.filter(action="organization.renamed").count() == 1


def test_removal_goes_in_batches_again_and_again(monkeypatch) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 2)
    _of_days_ago(400, 400, 400, 1)

    assert retention.purge(now=timezone.now(), days=365) == 3
    assert retention.purge(now=timezone.now(), days=365) == 0
    assert [anchor.sequence for anchor in AuditAnchor.objects.order_by("sequence")] == [2, 3]
    assert chain.verify().broken == ""


def test_the_guard_stands_after_a_removal() -> None:
    guard.install(connection)
    _of_days_ago(400)

    assert retention.purge(now=timezone.now(), days=365) == 1
    assert guard.is_installed(connection)


def test_a_removal_without_its_anchor_is_a_break() -> None:
    _of_days_ago(400, 1)
    chain.seal(now=timezone.now(), is_thorough=True)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditseal WHERE sequence = 1")

    assert chain.verify().broken.startswith("seal 1 is missing")


def test_a_head_from_before_the_removal_is_not_expected_any_more() -> None:
    _of_days_ago(400, 399, 1)
    chain.seal(now=timezone.now(), is_thorough=True)
    kept, gone = chain.head(), AuditSeal.objects.get(sequence=1)

    retention.purge(now=timezone.now(), days=365)

    assert chain.verify(anchor=kept).broken == ""
    old = chain.Head(sequence=gone.sequence, hash=gone.hash)
    assert "removed by retention" in chain.verify(anchor=old).broken


def test_the_command_removes_and_says_how_many(capsys) -> None:
    _of_days_ago(400, 1)

    call_command("purge_audit", days=365)
    call_command("verify_audit")

    printed = capsys.readouterr().out
    assert "1 entries older than 365 days were removed." in printed
    assert "The chain begins after seal 1" in printed


def test_the_command_without_days_removes_nothing() -> None:
    with pytest.raises(CommandError, match="AUDIT_RETENTION_DAYS is 0"):
        call_command("purge_audit")


@pytest.mark.parametrize("count", [1, 11])
def test_removal_does_not_ask_per_entry(count, django_assert_num_queries) -> None:
    _of_days_ago(*[400] * count)
    chain.seal(now=timezone.now(), is_thorough=True)

    # savepoint, anchor, seals, young entries, triggers, entries, seals, the new anchor, its entry, savepoint;
    # on PostgreSQL the time that a lock is waited for
    with django_assert_num_queries(11 if connection.vendor == "postgresql" else 10):
        retention._purge_batch(cutoff=timezone.now(), now=timezone.now())
