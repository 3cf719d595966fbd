"""What was the case, how complete it is, what changed: as rows that a sync would have left."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from accounts.models import Organization
from accounts.tests.factories import OrganizationFactory
from inventory.tests.factories import ResourceFactory, UsageSummaryFactory
from providers.models import ProviderConnection
from providers.tests.conftest import fake_provider as fake_provider
from providers.tests.factories import ConnectionFactory
from syncs import queries
from syncs.models import ResourceState, SyncSnapshot
from syncs.tests.factories import OBSERVED, ResourceStateFactory, ScopeCoverageFactory, SnapshotFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

LATER = OBSERVED + timedelta(days=2)


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def connection(organization: Organization) -> ProviderConnection:
    return ConnectionFactory(organization=organization, connection_name="Fake Prod")


@pytest.fixture
def snapshot(connection: ProviderConnection) -> SyncSnapshot:
    """The first one of the connection."""
    return SnapshotFactory(connection=connection, earlier=True)


def state(snapshot: SyncSnapshot, **fields: Any) -> ResourceState:
    given: dict[str, Any] = {"opened_by": snapshot, "opened_at": snapshot.observed_at}
    if "resource" not in fields:
        given["resource"] = ResourceFactory(connection=snapshot.connection)
    return ResourceStateFactory(**given | fields)


class TestAsOf:
    def test_state_holds_from_its_opening_until_its_closing(
        self, organization: Organization, snapshot: SyncSnapshot
    ) -> None:
        old = state(snapshot, closed_at=LATER)
        new = state(snapshot, resource=old.resource, opened_at=LATER)
        state(SnapshotFactory())

        assert list(queries.as_of(organization, LATER - timedelta(seconds=1))) == [old]
        assert list(queries.as_of(organization, LATER)) == [new]
        assert list(queries.as_of(organization)) == [new]
        assert list(queries.as_of(organization, OBSERVED - timedelta(seconds=1))) == []

    def test_drafts_are_never_seen(self, organization: Organization, snapshot: SyncSnapshot) -> None:
        state(snapshot, opened_at=None)

        assert not queries.as_of(organization)
        assert not queries.as_of(organization, LATER)

    def test_reading_the_rows_costs_one_query(
        self, organization: Organization, snapshot: SyncSnapshot, django_assert_num_queries: Any
    ) -> None:
        for _ in range(11):
            state(snapshot, parent=ResourceFactory(connection=snapshot.connection))

        with django_assert_num_queries(1):
            rows = queries.with_components(queries.with_staleness(queries.as_of(organization)))
            assert len([(row.connection.pk, row.resource.pk, row.parent) for row in rows]) == 11


class TestStaleness:
    @pytest.mark.parametrize(
        ("status", "is_stale"), [("failed", True), ("denied", True), ("complete", False), ("absent", False)]
    )
    def test_state_is_stale_when_its_scope_was_not_read(
        self, organization: Organization, connection: ProviderConnection, status: str, is_stale: bool
    ) -> None:
        current = SnapshotFactory(connection=connection)
        ScopeCoverageFactory(snapshot=current, scope="vps", status=status, last_complete_at=OBSERVED)
        state(current, scope="vps")
        state(current, scope="mysql")

        vps, mysql = queries.with_staleness(queries.as_of(organization)).order_by("pk")

        assert (vps.is_stale, mysql.is_stale) == (is_stale, False)
        assert vps.stale_since == (OBSERVED if is_stale else None)

    def test_staleness_as_of_a_moment_follows_the_snapshot_of_then(
        self, organization: Organization, connection: ProviderConnection, snapshot: SyncSnapshot
    ) -> None:
        failed = SnapshotFactory(connection=connection, earlier=True, observed_at=LATER)
        ScopeCoverageFactory(snapshot=failed, scope="vps", status="failed", last_complete_at=OBSERVED)
        current = SnapshotFactory(connection=connection, observed_at=LATER + timedelta(days=1))
        ScopeCoverageFactory(snapshot=current, scope="vps", status="complete")
        state(snapshot, scope="vps")

        def is_stale(moment: datetime | None) -> bool:
            return bool(queries.with_staleness(queries.as_of(organization, moment), moment).get().is_stale)

        assert is_stale(OBSERVED) is False
        assert is_stale(LATER) is True
        assert is_stale(None) is False


class TestComponents:
    def test_parent_adds_its_children_and_keeps_its_own(
        self, organization: Organization, snapshot: SyncSnapshot
    ) -> None:
        server = state(snapshot, daily_cost=Decimal("22"))
        state(snapshot, parent=server.resource, daily_cost=Decimal("3.5"))
        state(snapshot, parent=server.resource, daily_cost=Decimal("1.25"))
        state(snapshot, parent=server.resource, daily_cost=Decimal("99"), closed_at=LATER)

        row = queries.with_components(queries.as_of(organization)).get(pk=server.pk)

        assert row.daily_cost == Decimal("22")
        assert row.components_daily_cost == Decimal("4.75")
        assert row.total_daily_cost == Decimal("26.75")

    def test_components_are_those_of_the_same_moment(
        self, organization: Organization, snapshot: SyncSnapshot
    ) -> None:
        server = state(snapshot, daily_cost=Decimal("22"))
        state(snapshot, parent=server.resource, daily_cost=Decimal("3"), closed_at=LATER)

        then = queries.with_components(queries.as_of(organization, OBSERVED), OBSERVED).get(pk=server.pk)
        now = queries.with_components(queries.as_of(organization)).get(pk=server.pk)

        assert (then.total_daily_cost, now.total_daily_cost) == (Decimal("25"), Decimal("22"))
        assert now.components_daily_cost is None

    def test_unknown_stays_unknown(self, organization: Organization, snapshot: SyncSnapshot) -> None:
        server = state(snapshot, daily_cost=None)
        other = state(snapshot, daily_cost=None)
        state(snapshot, parent=other.resource, daily_cost=Decimal("3"))

        rows = queries.with_components(queries.as_of(organization))

        assert rows.get(pk=server.pk).total_daily_cost is None
        assert rows.get(pk=other.pk).total_daily_cost == Decimal("3")


class TestCoverage:
    def test_measurements_of_all_machines_are_one_section(self, connection: ProviderConnection) -> None:
        current = SnapshotFactory(connection=connection)
        for scope, status in [
            ("vps", "complete"),
            ("mysql", "denied"),
            ("cdn", "absent"),
            ("usage/1", "complete"),
            ("usage/2", "failed"),
        ]:
            ScopeCoverageFactory(snapshot=current, scope=scope, status=status)

        coverage = queries.current_coverage(connection.organization)[connection.pk]

        assert (coverage.read_count, coverage.section_count) == (2, 4)
        assert coverage.unread_names == "MySQL, measurements"
        assert not coverage.denied_only

    def test_problem_says_why_and_since_when(self, connection: ProviderConnection) -> None:
        current = SnapshotFactory(connection=connection)
        ScopeCoverageFactory(
            snapshot=current,
            scope="backups/mysql",
            status="denied",
            error_code="permission_denied",
            message="No right to read %(what)s.",
            params={"what": "backups"},
            last_complete_at=OBSERVED,
        )

        (problem,) = queries.coverage_problems(connection)

        assert problem.name == "backups / MySQL"
        assert problem.reason == "No right to read backups."
        assert (problem.is_denied, problem.since) == (True, OBSERVED)
        assert queries.coverage_problems(current) == [problem]

    def test_many_unread_sections_are_a_few_names_and_a_number(self, connection: ProviderConnection) -> None:
        current = SnapshotFactory(connection=connection)
        for number in range(6):
            ScopeCoverageFactory(snapshot=current, scope=f"part-{number}", status="failed")

        coverage = queries.current_coverage(connection.organization)[connection.pk]

        assert coverage.unread_names == "part-0, part-1, part-2, part-3 and 2 more"

    def test_many_unread_sections_of_one_place_are_its_name_and_a_number(
        self, connection: ProviderConnection
    ) -> None:
        current = SnapshotFactory(connection=connection)
        for section in ("servers", "volumes", "images", "ports", "routers"):
            scope = f"project/shop/region/ru-1/{section}"
            ScopeCoverageFactory(snapshot=current, scope=scope, status="failed", message="ru-1 is silent.")
        ScopeCoverageFactory(snapshot=current, scope="balance", status="denied", message="No right.")

        coverage = queries.current_coverage(connection.organization)[connection.pk]

        assert coverage.unread_names == "balance, 5 sections of ru-1 / shop"
        assert coverage.reasons == ["No right.", "ru-1 is silent."]

    def test_project_is_called_by_the_name_that_its_resources_tell(
        self, connection: ProviderConnection
    ) -> None:
        current = SnapshotFactory(connection=connection)
        scope = "project/59c0af28be435b32/region/ru-1/servers"
        ScopeCoverageFactory(snapshot=current, scope=scope, status="failed")
        ResourceStateFactory(
            resource=ResourceFactory(connection=connection),
            sub_account_id="59c0af28be435b32",
            sub_account_name="Shop",
        )
        ResourceStateFactory(sub_account_id="59c0af28be435b32", sub_account_name="Another's")

        assert [problem.name for problem in queries.coverage_problems(connection)] == [
            "servers / ru-1 / Shop"
        ]

    @pytest.mark.parametrize("count", [1, 11])
    def test_projects_of_all_connections_cost_one_query_more(
        self, organization: Organization, django_assert_num_queries: Any, count: int
    ) -> None:
        for number in range(count):
            current = SnapshotFactory(connection=ConnectionFactory(organization=organization))
            ScopeCoverageFactory(snapshot=current, scope=f"project/{number}/zones", status="failed")

        with django_assert_num_queries(4):
            assert len(queries.current_coverage(organization)) == count

    @pytest.mark.parametrize("count", [1, 11])
    def test_coverage_of_all_connections_costs_three_queries(
        self, organization: Organization, django_assert_num_queries: Any, count: int
    ) -> None:
        for _ in range(count):
            current = SnapshotFactory(connection=ConnectionFactory(organization=organization))
            ScopeCoverageFactory(snapshot=current, status="failed")

        with django_assert_num_queries(3):
            assert len(queries.current_coverage(organization)) == count


class TestProgress:
    def running(self, connection: ProviderConnection, **fields: Any) -> queries.Progress | None:
        SnapshotFactory(connection=connection, is_current=False, status="running", **fields)
        return queries.sync_progress(connection)

    def test_without_a_sync_there_is_none(self, connection: ProviderConnection) -> None:
        assert queries.sync_progress(connection) is None

    def test_phase_is_a_step_of_eight(self, connection: ProviderConnection) -> None:
        progress = self.running(connection, phase="volumes", progress={"found": 12})

        assert progress is not None
        assert (progress.step, progress.percent, progress.phase, progress.found_count) == (
            4,
            53,
            "Volumes",
            12,
        )

    def test_reading_is_no_step(self, connection: ProviderConnection) -> None:
        progress = self.running(connection, phase="collect", progress={"found": 3})

        assert progress is not None
        assert (progress.step, progress.percent) == (None, 12)

    def test_wait_is_told_in_words(self, connection: ProviderConnection) -> None:
        told = {"waiting_seconds": 12, "waiting_reason": "rate_limit"}
        progress = self.running(connection, phase="collect", progress=told)

        assert progress is not None
        assert (progress.is_waiting, progress.waiting_seconds) == (True, 12)
        assert progress.waiting_reason == "Request limit of Fake Cloud"

    def test_steady_pace_is_no_wait(self, connection: ProviderConnection) -> None:
        told = {"waiting_seconds": 1, "waiting_reason": "pace"}
        progress = self.running(connection, phase="collect", progress=told)

        assert progress is not None
        assert not progress.is_waiting

    def test_queued_after_a_failed_try_waits(self, connection: ProviderConnection) -> None:
        error = {"code": "provider_unavailable", "message": "No answer.", "params": {}}
        SnapshotFactory(connection=connection, queued=True, error=error, attempt=1)

        progress = queries.active_syncs(connection.organization)[connection.pk]

        assert progress.is_waiting
        assert progress.retry is not None
        assert progress.retry.title == "Fake Cloud is not responding."


class TestRecentChanges:
    @pytest.fixture
    def second(self, connection: ProviderConnection, snapshot: SyncSnapshot) -> SyncSnapshot:
        return SnapshotFactory(connection=connection, observed_at=LATER)

    def changes(self, organization: Organization) -> list[tuple[str, str, Decimal | None, int]]:
        found = queries.recent_changes(organization, OBSERVED - timedelta(days=1))
        return [(change.kind, change.state.name, change.effect, change.times) for change in found]

    def test_first_snapshot_is_no_news(self, organization: Organization, snapshot: SyncSnapshot) -> None:
        state(snapshot)

        assert self.changes(organization) == []

    def test_new_resource_adds_its_cost(self, organization: Organization, second: SyncSnapshot) -> None:
        state(second, name="web", daily_cost=Decimal("30"))
        state(SnapshotFactory(observed_at=LATER), name="foreign")

        assert self.changes(organization) == [("created", "web", Decimal("30"), 1)]

    def test_gone_resource_saves_its_cost(
        self, organization: Organization, snapshot: SyncSnapshot, second: SyncSnapshot
    ) -> None:
        state(snapshot, name="web", daily_cost=Decimal("30"), closed_at=LATER, closed_by=second)

        assert self.changes(organization) == [("deleted", "web", Decimal("-30"), 1)]

    def test_resize_is_one_change_and_no_deletion(
        self, organization: Organization, snapshot: SyncSnapshot, second: SyncSnapshot
    ) -> None:
        old = state(snapshot, name="web", closed_at=LATER, closed_by=second)
        state(
            second,
            name="web",
            resource=old.resource,
            action="updated",
            has_cost_change=True,
            has_configuration_change=True,
            changes={"vcpus": ["2", "4"], "daily_cost": ["22", "30.5"]},
        )

        assert self.changes(organization) == [("updated", "web", Decimal("8.5"), 1)]

    def test_moves_of_the_cost_alone_are_folded_with_their_sum(
        self, organization: Organization, snapshot: SyncSnapshot, second: SyncSnapshot
    ) -> None:
        costs = ["20", "20.5", "19", "21"]
        resource = state(snapshot, name="s3", closed_at=LATER).resource
        for hour, (before, after) in enumerate(pairwise(costs)):
            at = LATER + timedelta(hours=hour)
            state(
                second,
                name="s3",
                resource=resource,
                opened_at=at,
                closed_at=at + timedelta(hours=1) if hour < 2 else None,
                action="updated",
                has_cost_change=True,
                changes={"daily_cost": [before, after]},
            )

        (change,) = queries.recent_changes(organization, OBSERVED)

        assert (change.effect, change.times, change.is_cost_only) == (Decimal("1"), 3, True)
        assert change.changes == {"daily_cost": ["20", "21"]}
        assert change.at == LATER + timedelta(hours=2)

    def test_cost_that_became_known_has_no_effect_in_money(
        self, organization: Organization, second: SyncSnapshot
    ) -> None:
        state(
            second,
            name="web",
            action="updated",
            has_cost_change=True,
            has_status_change=True,
            changes={"status": ["pending", "running"], "daily_cost": [None, "22"]},
        )

        assert self.changes(organization) == [("updated", "web", None, 1)]

    def test_newest_come_first_and_at_most_as_many_as_asked(
        self, organization: Organization, second: SyncSnapshot
    ) -> None:
        for hour in range(5):
            state(second, name=f"web-{hour}", opened_at=LATER + timedelta(hours=hour))

        found = queries.recent_changes(organization, OBSERVED, limit=2)

        assert [change.state.name for change in found] == ["web-4", "web-3"]

    def test_what_comes_at_the_end_or_later_is_left_out(
        self, organization: Organization, second: SyncSnapshot
    ) -> None:
        for hour in range(3):
            state(
                second,
                name=f"web-{hour}",
                opened_at=LATER + timedelta(hours=hour),
                closed_at=LATER + timedelta(hours=2 * hour + 1),
            )

        found = queries.recent_changes(organization, LATER, until=LATER + timedelta(hours=2))

        assert [(change.kind, change.state.name) for change in found] == [
            ("created", "web-1"),
            ("deleted", "web-0"),
            ("created", "web-0"),
        ]


class TestHistory:
    def test_history_is_the_connections_own_and_newest_first(self, connection: ProviderConnection) -> None:
        old = SnapshotFactory(connection=connection, earlier=True)
        new = SnapshotFactory(connection=connection, requested_at=LATER)
        other = SnapshotFactory(
            connection=ConnectionFactory(organization=connection.organization), requested_at=OBSERVED
        )
        SnapshotFactory()

        assert list(queries.snapshot_history(connection)) == [new, old]
        assert list(queries.snapshot_history(connection.organization)) == [new, other, old]

    def test_latest_snapshot_is_the_last_that_ended(self, connection: ProviderConnection) -> None:
        SnapshotFactory(connection=connection)
        failed = SnapshotFactory(connection=connection, failed=True, requested_at=LATER)
        SnapshotFactory(connection=connection, queued=True, requested_at=LATER + timedelta(hours=1))

        assert queries.latest_snapshots(connection.organization) == {connection.pk: failed}

    def test_snapshot_changes_are_its_own(
        self, connection: ProviderConnection, snapshot: SyncSnapshot
    ) -> None:
        second = SnapshotFactory(connection=connection, observed_at=LATER)
        state(snapshot, name="gone", closed_at=LATER, closed_by=second)
        kept = state(snapshot, name="kept", closed_at=LATER, closed_by=second)
        state(second, name="kept", resource=kept.resource, action="updated", changes={"vcpus": ["2", "4"]})

        found = queries.snapshot_changes(second)

        assert [(change.kind, change.state.name) for change in found] == [
            ("updated", "kept"),
            ("deleted", "gone"),
        ]


class TestUtilisation:
    def test_machines_weigh_by_their_size(self, organization: Organization, snapshot: SyncSnapshot) -> None:
        small = state(snapshot, vcpus=Decimal(1), memory_mib=1024)
        large = state(snapshot, vcpus=Decimal(3), memory_mib=3072)
        state(snapshot, vcpus=Decimal(8))
        state(snapshot, vcpus=Decimal(8), status="stopped")
        UsageSummaryFactory(resource=small.resource, average=80.0)
        UsageSummaryFactory(resource=large.resource, average=20.0)

        cpu, memory, disk, network = queries.utilisation(organization)

        assert (cpu.percent, cpu.measured_count, cpu.machine_count) == (Decimal("35"), 2, 3)
        assert [one.percent for one in (memory, disk, network)] == [None, None, None]
