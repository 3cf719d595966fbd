"""Violations through their lives: found, kept, put right, back again, excepted, told."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from accounts.notifications import wording
from accounts.notifications.models import Notification
from inventory.models import Tag
from inventory.tests.factories import TagFactory
from providers.tests.factories import ConnectionFactory
from recommendations.policies import services
from recommendations.policies.models import Policy, Violation, ViolationStatus
from recommendations.policies.tests.factories import PolicyFactory, ViolationFactory
from recommendations.schedules.tests.factories import PowerScheduleFactory
from recommendations.tests.estate import Estate
from recommendations.tests.facts import NOW, TODAY
from recommendations.wording import text
from syncs.models import ScopeCoverage
from syncs.tests.factories import ScopeCoverageFactory, SnapshotFactory

ONE_DAY = timedelta(days=1)


@pytest.fixture
def policy(estate):
    return PolicyFactory(organization=estate.organization, name="Tags")


def server(estate, **values):
    return estate.server(cpu=None, days=1, **values)


def sync(estate, now=NOW):
    """As after a sync that saw what stands in the estate."""
    type(estate.snapshot).objects.filter(pk=estate.snapshot.pk).update(observed_at=now)
    services.after_sync(snapshot=estate.snapshot, now=now)


def only(**wanted):
    return Violation.objects.get(**wanted)


def test_violation_is_found_once_and_has_days_to_be_put_right(estate, policy):
    resource = server(estate)

    sync(estate)
    sync(estate, NOW + ONE_DAY)

    row = only()
    assert (row.resource, row.policy, row.status) == (resource, policy, ViolationStatus.OPEN)
    assert text(row.why) == "Without the tags: team."
    assert (row.first_seen_at, row.last_seen_at) == (NOW, NOW + ONE_DAY)
    assert row.due_date == TODAY + timedelta(days=7)
    assert row.unchecked_since is None


def test_what_keeps_the_policy_is_no_violation(estate, policy):
    TagFactory(resource=server(estate), key="Team", value="web")

    sync(estate)

    assert not Violation.objects.exists()


def test_a_persons_tag_comes_before_the_providers(estate):
    PolicyFactory(organization=estate.organization, parameters={"tags": ["env=prod"]})
    resource = server(estate)
    TagFactory(resource=resource, key="env", value="prod", source="user")
    TagFactory(resource=resource, key="env", value="test", source="provider")

    sync(estate)

    assert not Violation.objects.exists()


def test_violation_that_is_gone_is_put_right_and_opens_anew(estate, policy):
    resource = server(estate)
    sync(estate)
    tag = TagFactory(resource=resource, key="team", value="web")

    sync(estate, NOW + ONE_DAY)

    assert (only().status, only().resolved_at) == (ViolationStatus.RESOLVED, NOW + ONE_DAY)
    Tag.objects.filter(pk=tag.pk).delete()
    sync(estate, NOW + 2 * ONE_DAY)
    assert only(status="open").first_seen_at == NOW + 2 * ONE_DAY
    assert Violation.objects.count() == 2


def test_deleted_resource_breaks_nothing(estate, policy):
    resource = server(estate)
    sync(estate)

    estate.remove(resource)
    sync(estate, NOW + ONE_DAY)

    assert only().status == ViolationStatus.RESOLVED


def test_scope_that_could_not_be_read_proves_nothing(estate, policy):
    found, unfound = server(estate, scope="disks"), None
    sync(estate)
    TagFactory(resource=found, key="team", value="web")
    unfound = server(estate, scope="disks")
    ScopeCoverageFactory(snapshot=estate.snapshot, scope="disks", status="failed")

    sync(estate, NOW + ONE_DAY)
    sync(estate, NOW + 2 * ONE_DAY)

    row = only()
    assert (row.resource, row.status) == (found, ViolationStatus.OPEN)
    assert (row.last_seen_at, row.unchecked_since) == (NOW, NOW + ONE_DAY)
    ScopeCoverage.objects.filter(scope="disks").update(status="complete")
    sync(estate, NOW + 3 * ONE_DAY)
    assert only(status="resolved").unchecked_since is None
    assert only(status="open").resource == unfound


def test_old_snapshot_proves_nothing(estate, policy):
    server(estate)
    services.after_sync(snapshot=estate.snapshot, now=NOW + timedelta(days=4))

    assert not Violation.objects.exists()


def test_scope_narrows_and_an_unreadable_one_is_not_everything(estate):
    server(estate, name="prod-1")
    server(estate, name="dev-1")
    PolicyFactory(organization=estate.organization, scope="name=dev")
    PolicyFactory(organization=estate.organization, scope="colour=red")

    sync(estate)

    assert only().resource.name == "dev-1"


def test_scope_of_a_tag_holds_the_values_of_the_tag(estate):
    resource = server(estate)
    server(estate)
    TagFactory(resource=resource, key="env", value="prod")
    PolicyFactory(organization=estate.organization, scope="tag.env=prod")

    sync(estate)

    assert only().resource == resource


def test_other_connections_and_tenants_are_left_alone(estate, policy):
    server(estate)
    PolicyFactory(name="Tags")
    stranger = Estate()
    server(stranger)
    theirs = ViolationFactory(resource=server(stranger))
    other = ViolationFactory(
        resource__connection=ConnectionFactory(organization=estate.organization), policy=policy
    )

    sync(estate)

    assert only(connection=estate.connection).organization == estate.organization
    for row in (theirs, other):
        row.refresh_from_db()
        assert row.status == ViolationStatus.OPEN
        assert row.last_seen_at == NOW
    assert not Violation.objects.filter(connection=stranger.connection).exclude(pk=theirs.pk).exists()


def test_policy_that_is_off_finds_nothing_and_ends_what_it_found(estate, policy):
    server(estate)
    sync(estate)

    Policy.objects.update(is_enabled=False)
    sync(estate, NOW + ONE_DAY)

    assert only().status == ViolationStatus.RESOLVED


def test_parameters_that_no_longer_fit_keep_what_was_found(estate, policy):
    server(estate)
    sync(estate)

    Policy.objects.update(parameters={"tags": []})
    sync(estate, NOW + ONE_DAY)

    assert (only().status, only().unchecked_since) == (ViolationStatus.OPEN, NOW + ONE_DAY)


def test_unattached_volume_counts_from_the_sync_that_saw_it_so(estate):
    PolicyFactory(organization=estate.organization, kind="unattached_age", parameters={"days": 10})
    long, short = server(estate, kind="volume"), server(estate, kind="volume")
    for resource, days in ((long, 12), (short, 9)):
        estate.change(resource, at=NOW - timedelta(days=days), is_orphan=True)
        estate.change(resource, at=NOW - timedelta(days=1), is_orphan=True, name="renamed")

    sync(estate)

    assert only().resource == long
    assert text(only().why) == "Attached to nothing since 19\xa0Sep."


def test_spend_limit_of_a_resource_is_in_roubles(estate):
    PolicyFactory(organization=estate.organization, kind="spend_limit", parameters={"limit": "3000"})
    dear = server(estate, day_cost="100.01")
    server(estate, day_cost="100")
    server(estate, day_cost="9999", currency="XTS")

    sync(estate)

    assert only().resource == dear


def test_spend_limit_of_a_scope_is_one_violation_over_all_connections(estate):
    rule = PolicyFactory(
        organization=estate.organization,
        kind="spend_limit",
        parameters={"limit": "3000", "is_whole": True},
        grace_days=0,
    )
    other = Estate()
    type(other.connection).objects.filter(pk=other.connection.pk).update(organization=estate.organization)
    server(estate, day_cost="60")
    sync(estate)
    assert not Violation.objects.exists()
    second = server(estate, day_cost="40.01")

    sync(estate)

    row = only()
    assert (row.policy, row.resource, row.connection, row.due_date) == (rule, None, None, TODAY)
    assert text(row.why) == "Costs ₽3,000.30 a month; the limit is ₽3,000.00."
    estate.change(second, daily_cost=None)
    sync(estate, NOW + ONE_DAY)
    assert only().unchecked_since == NOW + ONE_DAY
    estate.change(second, at=NOW + timedelta(hours=1), daily_cost=Decimal(40))
    sync(estate, NOW + 2 * ONE_DAY)
    assert only().status == ViolationStatus.RESOLVED


def test_off_hours_are_what_nightly_syncs_saw(estate):
    schedule = PowerScheduleFactory(organization=estate.organization)
    PolicyFactory(
        organization=estate.organization, kind="off_hours", parameters={"sightings": 2}, schedule=schedule
    )
    running, stopped, unread = server(estate), server(estate, status="stopped"), server(estate, scope="x")
    for days in (1, 2):
        night = SnapshotFactory(
            connection=estate.connection,
            is_current=False,
            observed_at=NOW - timedelta(days=days, hours=7),  # two in the morning in Moscow
        )
        ScopeCoverageFactory(snapshot=night, scope="x", status="denied")

    sync(estate)

    assert only().resource == running
    assert not Violation.objects.filter(resource__in=[stopped, unread]).exists()


def test_exception_ends_and_the_violation_opens_again(estate, policy, people):
    server(estate)
    sync(estate)
    until = TODAY + timedelta(days=30)
    services.make_exception(violation=only(), until=until, reason="Moves soon.", by=people.manager, now=NOW)

    sync(estate, NOW + timedelta(days=30))
    assert only().status == ViolationStatus.EXCEPTED
    sync(estate, NOW + timedelta(days=31))

    assert (only().status, only().due_date) == (ViolationStatus.OPEN, until)


def test_exception_holds_for_what_comes_back(estate, policy, people):
    resource = server(estate)
    sync(estate)
    until = TODAY + timedelta(days=30)
    services.make_exception(violation=only(), until=until, reason="Moves soon.", by=people.manager, now=NOW)
    tag = TagFactory(resource=resource, key="team", value="web")
    sync(estate, NOW + ONE_DAY)
    assert only().status == ViolationStatus.RESOLVED

    Tag.objects.filter(pk=tag.pk).delete()
    sync(estate, NOW + 2 * ONE_DAY)

    row = only(status="excepted")
    assert (row.excepted_until, row.exception_reason, row.excepted_by) == (
        until,
        "Moves soon.",
        people.manager,
    )


def test_ending_an_exception_by_hand(estate, policy, people):
    row = ViolationFactory(
        resource=server(estate), policy=policy, status="excepted", excepted_until=TODAY, exception_reason="x"
    )

    services.end_exception(violation=row, by=people.manager)

    row.refresh_from_db()
    assert (row.status, row.excepted_until, row.exception_reason) == (ViolationStatus.OPEN, None, "")


@pytest.mark.parametrize(
    ("until", "reason", "error"),
    [
        (TODAY - ONE_DAY, "x", services.BadDay),
        (TODAY + timedelta(days=367), "x", services.BadDay),
        (TODAY, "  ", services.ReasonMissing),
    ],
)
def test_exception_needs_a_reason_and_an_end(estate, people, until, reason, error):
    row = ViolationFactory(resource=server(estate))

    with pytest.raises(error):
        services.make_exception(violation=row, until=until, reason=reason, by=people.manager, now=NOW)


def test_nothing_is_decided_about_what_was_put_right(estate, people):
    row = ViolationFactory(resource=server(estate), status="resolved", resolved_at=NOW)

    with pytest.raises(services.HasEnded):
        services.make_exception(violation=row, until=TODAY, reason="x", by=people.manager, now=NOW)
    with pytest.raises(services.HasEnded):
        services.assign(violation=row, to=people.manager, by=people.manager)


def test_work_is_given_to_members_alone(estate, people):
    row = ViolationFactory(resource=server(estate))

    services.assign(violation=row, to=people.viewer, by=people.manager)
    with pytest.raises(services.NotAMember):
        services.assign(violation=row, to=people.stranger, by=people.manager)

    row.refresh_from_db()
    assert row.assigned_to == people.viewer


def test_organization_is_checked_whole_and_nobody_is_told(estate, policy):
    server(estate)
    idle = ConnectionFactory(organization=estate.organization, is_active=False)
    left = ViolationFactory(resource__connection=idle, policy=policy)

    services.check_organization(organization=estate.organization, now=NOW)

    left.refresh_from_db()
    assert left.status == ViolationStatus.RESOLVED
    assert only(connection=estate.connection).status == ViolationStatus.OPEN
    assert not Notification.objects.exists()


def test_each_policy_tells_once_of_what_a_sync_found(estate, policy, people):
    PolicyFactory(organization=estate.organization, name="Quiet", notifies=False)
    server(estate)
    server(estate)

    sync(estate)
    sync(estate)

    row = Notification.objects.get()
    assert row.kind == "policy.violated"
    assert row.data["count"] == 2
    assert row.path == f"/recommendations/policies/{policy.pk}/"
    said = wording.message_for(people.manager, [row], uuid4()).items[0]
    assert said.title == "Policy “Tags”: 2 new violations"
    assert said.text.startswith(f"Found by the sync of {estate.connection.connection_name}.")


def test_queries_of_a_check_do_not_grow_with_resources(estate):
    schedule = PowerScheduleFactory(organization=estate.organization)
    organization = estate.organization
    PolicyFactory(organization=organization, scope="type=server")
    PolicyFactory(organization=organization, kind="naming", parameters={"patterns": ["x"]})
    PolicyFactory(organization=organization, kind="unattached_age", parameters={})
    PolicyFactory(organization=organization, kind="spend_limit", parameters={"limit": "1", "is_whole": True})
    PolicyFactory(organization=organization, kind="off_hours", parameters={}, schedule=schedule)
    server(estate)
    sync(estate)

    def counted(number, now):
        for _each in range(number):
            server(estate)
        with CaptureQueriesContext(database) as queries:
            sync(estate, now)
        return len(queries)

    few = counted(1, NOW + timedelta(hours=1))
    many = counted(20, NOW + timedelta(hours=2))

    assert (few, many) == (29, 29)


def test_due_day_follows_the_policy(estate, policy):
    server(estate)
    sync(estate)

    Policy.objects.update(grace_days=1)
    sync(estate, NOW + ONE_DAY)

    assert only().due_date == date(2026, 10, 2)
