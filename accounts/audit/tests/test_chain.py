"""The chain holds, and says where it was broken."""

import logging
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.audit import chain
from accounts.audit.models import AuditEntry, AuditSeal
from accounts.audit.tests.factories import EntryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed() -> list[AuditEntry]:
    """Five entries in the chain; the guard is not there, as if somebody had switched it off."""
    entries = EntryFactory.create_batch(5)
    assert chain.seal(now=timezone.now()) == 5
    return entries


def _sql(statement: str, *values) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_an_untouched_chain_holds(sealed) -> None:
    EntryFactory()

    verdict = chain.verify()

    assert (verdict.broken, verdict.sealed_count, verdict.unsealed_count) == ("", 5, 1)
    assert verdict.head == chain.head()
    assert verdict.head.sequence == 5


def test_an_empty_trail_holds() -> None:
    assert chain.seal(now=timezone.now()) == 0
    assert chain.verify().broken == ""
    assert str(chain.head()) == f"0:{chain.GENESIS}"


def test_the_hash_is_the_documented_one() -> None:
    """Whoever has the export can check it without this code."""
    import hashlib
    import json

    entry = EntryFactory(changes={"name": ["А", "Б"]}, ip=None)
    entry.refresh_from_db()
    chain.seal(now=timezone.now())
    body = json.dumps(
        {
            "id": entry.pk,
            "at": entry.at.isoformat(timespec="microseconds"),
            "action": "organization.renamed",
            "actor_id": entry.actor_id,
            "actor_email": entry.actor_email,
            "impersonator_id": None,
            "impersonator_email": "",
            "organization_id": None,
            "organization_name": "",
            "object_type": "accounts.organization",
            "object_id": entry.object_id,
            "object_name": entry.object_name,
            "changes": {"name": ["А", "Б"]},
            "details": {},
            "door": "page",
            "ip": None,
        },
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )

    assert AuditSeal.objects.get().hash == hashlib.sha256(f"1\n{'0' * 64}\n{body}".encode()).hexdigest()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "user.signed_in"),
        ("actor_email", "somebody.else@example.com"),
        ("impersonator_email", "x@example.com"),
        ("changes", '{"name": ["Before", "Something else"]}'),
        ("details", '{"a": 1}'),
        ("ip", "192.0.2.2"),
        ("at", "2020-01-01T00:00:00+00:00"),
    ],
)
def test_a_changed_entry_is_named(sealed, column, value) -> None:
    _sql(f"UPDATE audit_auditentry SET {column} = %s WHERE id = %s", value, sealed[2].pk)  # noqa: S608

    verdict = chain.verify()

    assert verdict.broken == f"entry {sealed[2].pk} or its seal was changed or moved"
    assert (verdict.first_broken_entry, verdict.sealed_count) == (sealed[2].pk, 2)


def test_every_column_of_an_entry_is_sealed() -> None:
    columns = {field.name for field in AuditEntry._meta.concrete_fields}

    assert set(chain.FIELDS[chain.FORM]) == columns


def test_a_removed_entry_is_named(sealed) -> None:
    _sql("DELETE FROM audit_auditentry WHERE id = %s", sealed[1].pk)

    assert chain.verify().broken == f"entry {sealed[1].pk} was removed"


def test_an_entry_removed_with_its_seal_leaves_a_gap(sealed) -> None:
    _sql("DELETE FROM audit_auditentry WHERE id = %s", sealed[1].pk)
    _sql("DELETE FROM audit_auditseal WHERE entry_id = %s", sealed[1].pk)

    assert chain.verify().broken == "seal 2 is missing: at least one entry with its seal was removed"


def test_a_gap_that_was_closed_is_seen(sealed) -> None:
    _sql("DELETE FROM audit_auditentry WHERE id = %s", sealed[1].pk)
    _sql("DELETE FROM audit_auditseal WHERE entry_id = %s", sealed[1].pk)
    for sequence in (3, 4, 5):
        _sql("UPDATE audit_auditseal SET sequence = %s WHERE sequence = %s", sequence - 1, sequence)

    assert chain.verify().broken == f"entry {sealed[2].pk} or its seal was changed or moved"


def test_a_removed_beginning_is_seen(sealed) -> None:
    _sql("DELETE FROM audit_auditentry WHERE id = %s", sealed[0].pk)
    _sql("DELETE FROM audit_auditseal WHERE sequence = 1")

    assert chain.verify().broken.startswith("seal 1 is missing")


def test_exchanged_entries_are_seen(sealed) -> None:
    first, second = sealed[1].pk, sealed[2].pk
    _sql("UPDATE audit_auditseal SET entry_id = -1 WHERE entry_id = %s", first)
    _sql("UPDATE audit_auditseal SET entry_id = %s WHERE entry_id = %s", first, second)
    _sql("UPDATE audit_auditseal SET entry_id = %s WHERE entry_id = -1", second)

    assert chain.verify().first_broken_entry == second


def test_a_removed_end_is_seen_by_who_noted_the_head(sealed) -> None:
    noted = chain.head()
    _sql("DELETE FROM audit_auditentry WHERE id = %s", sealed[4].pk)
    assert chain.verify().broken == f"entry {sealed[4].pk} was removed"

    _sql("DELETE FROM audit_auditseal WHERE entry_id = %s", sealed[4].pk)

    assert chain.verify().broken == ""
    assert chain.verify(anchor=noted).broken.startswith(f"the noted head {noted} is not part of the chain")


def test_a_chain_that_was_written_anew_is_seen_by_who_noted_the_head(sealed) -> None:
    noted = chain.head()
    _sql("UPDATE audit_auditentry SET actor_email = 'else@example.com' WHERE id = %s", sealed[0].pk)
    _sql("DELETE FROM audit_auditseal")
    chain.seal(now=timezone.now())

    assert chain.verify().broken == ""
    assert "is not part of the chain" in chain.verify(anchor=noted).broken


def test_an_earlier_head_is_part_of_a_longer_chain(sealed) -> None:
    noted = chain.head()
    EntryFactory.create_batch(3)
    chain.seal(now=timezone.now())

    assert chain.verify(anchor=noted).broken == ""
    assert chain.head().sequence == 8


def test_sealing_twice_seals_once(sealed) -> None:
    assert chain.seal(now=timezone.now()) == 0
    assert AuditSeal.objects.count() == 5


def test_an_entry_that_became_visible_late_is_sealed(sealed) -> None:
    """A long transaction may show an entry with a lower number after its neighbours were sealed."""
    EntryFactory(pk=sealed[0].pk - 1000, at=timezone.now() - timedelta(hours=3))

    assert chain.seal(now=timezone.now()) == 1
    assert chain.verify().broken == ""


def test_what_is_older_than_any_transaction_is_sealed_by_the_thorough_run(sealed) -> None:
    EntryFactory(at=timezone.now() - timedelta(days=3))

    assert chain.seal(now=timezone.now()) == 0
    assert chain.verify().unsealed_count == 1
    assert chain.seal(now=timezone.now(), is_thorough=True) == 1


def test_sealing_goes_in_batches(monkeypatch) -> None:
    monkeypatch.setattr(chain, "BATCH_ROWS", 2)
    EntryFactory.create_batch(5)

    assert chain.seal(now=timezone.now()) == 5
    assert chain.verify().sealed_count == 5


def test_the_head_is_logged_for_who_keeps_logs_elsewhere(caplog) -> None:
    EntryFactory()
    with caplog.at_level(logging.INFO, logger="accounts.audit.chain"):
        chain.seal(now=timezone.now())

    assert str(chain.head()) in caplog.text


@pytest.mark.parametrize("count", [1, 11])
def test_sealing_and_verifying_do_not_ask_per_entry(count, django_assert_num_queries) -> None:
    EntryFactory.create_batch(count)

    with django_assert_num_queries(4):  # last seal, anchor, entries, insert
        chain._seal_batch(now=timezone.now(), is_thorough=False)
    with django_assert_num_queries(5):  # anchor, seals, entries, no more seals, unsealed
        chain.verify()


@pytest.mark.django_db(transaction=True)
def test_two_that_seal_at_once_make_one_chain() -> None:
    from django.db import connections

    EntryFactory.create_batch(50)
    errors: list[Exception] = []
    start = threading.Barrier(3)

    def run() -> None:
        try:
            start.wait()
            chain.seal(now=timezone.now())
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    chain.seal(now=timezone.now())
    assert errors == []
    assert (chain.verify().broken, chain.verify().sealed_count) == ("", 50)


def test_the_command_tells_the_head(sealed, capsys) -> None:
    EntryFactory()

    call_command("verify_audit", anchor=chain.head())

    printed = capsys.readouterr().out
    assert "5 entries are sealed and unchanged." in printed
    assert "1 not sealed yet." in printed
    assert f"Head: {chain.head()}" in printed
    assert "The database does not refuse changes" in printed


def test_the_command_ends_with_an_error_at_the_first_break(sealed) -> None:
    _sql("DELETE FROM audit_auditentry WHERE id = %s", sealed[1].pk)

    with pytest.raises(
        CommandError, match=f"1 entries are good, then the chain breaks: entry {sealed[1].pk} was removed"
    ):
        call_command("verify_audit")


def test_the_command_wants_a_whole_anchor() -> None:
    with pytest.raises(CommandError, match="NUMBER:HASH"):
        call_command("verify_audit", "--anchor", "12")
