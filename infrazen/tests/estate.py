"""One organization with a row in every table of a tenant, every text of it marked, for tests that look for leaks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from accounts.models import Invitation, Organization, Role, User
from accounts.notifications.services import notify
from accounts.tests.factories import OrganizationFactory, UserFactory, member_of
from accounts.tokens.models import Scope
from accounts.tokens.services import create_token
from costs.allocation.models import (
    AllocationRule,
    ContextAssignment,
    ContextNode,
    RuleVersion,
    TagFeed,
)
from costs.anomalies.models import Anomaly
from costs.budgets.models import Budget, BudgetAlert, BudgetPeriod, PlannedChange, RunwayAlert
from costs.explorer.models import ChartNote, SavedView
from costs.models import CostDimensions, CostRevision, CostShare, DailyCost, DailyTotal
from costs.reports.models import Report, ReportFile, ReportRun
from costs.totals import sum_up
from costs.unit_costs.models import UnitMetric, UnitValue
from inventory.models import (
    MetricPoint,
    Resource,
    ResourceNote,
    SoftwareComponent,
    Tag,
    TagCategory,
    TagSource,
    UsageSummary,
)
from providers.models import ProviderConnection
from providers.plugins.focus.report import FileReport
from providers.tests.factories import ConnectionFactory
from recommendations.policies.tests.factories import PolicyFactory, ViolationFactory
from recommendations.prices.models import PriceReading
from recommendations.prices.tests.factories import PriceFactory
from recommendations.schedules.tests.factories import PowerScheduleFactory
from recommendations.tests.factories import (
    ConnectionEvaluationFactory,
    ExclusionFactory,
    RecommendationEventFactory,
    RecommendationFactory,
    ResourceEvaluationFactory,
    RuleSettingFactory,
)
from syncs.models import (
    BillingFile,
    BillingFileStatus,
    ChargeBatch,
    ChargeLine,
    CompleteSync,
    ProviderSyncReference,
    ResourceState,
    ScopeCoverage,
    SnapshotTotal,
    SyncSnapshot,
    SyncStatus,
    SyncTrace,
    SyncTrigger,
    UnrecognizedResource,
)

MARK = "quetzal"
"""Stands in every text of the estate and nowhere else in the product."""

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def marked_estate() -> tuple[Organization, User]:
    """The organization and its owner."""
    organization = OrganizationFactory(name=f"{MARK} organization")
    owner = member_of(organization, Role.OWNER)
    connection = ConnectionFactory(organization=organization, connection_name=f"{MARK} connection")
    ProviderConnection.objects.filter(pk=connection.pk).update(
        account_id=f"{MARK} account", provider_metadata={"name": f"{MARK} name"}, last_sync_at=NOW
    )
    create_token(membership=owner.memberships.get(), name=f"{MARK} token", scope=Scope.READ)
    notify("unrecognized.found", organization=organization, key=MARK, data={"type": f"{MARK} type"})
    metric = UnitMetric.objects.create(organization=organization, name=f"{MARK} metric", unit=f"{MARK} unit")
    UnitValue.objects.create(organization=organization, metric=metric, date=NOW.date(), quantity=Decimal(5))
    SavedView.objects.create(
        organization=organization, owner=owner, name=f"{MARK} view", query=f"name={MARK}", is_shared=True
    )
    ChartNote.objects.create(
        organization=organization, author=owner, date=NOW.date(), text=f"{MARK} note", filters=f"name={MARK}"
    )
    _report_of_costs(organization)
    snapshot = _snapshot(connection)
    resource = _resource(connection, snapshot)
    _money(connection, snapshot, resource)
    _expectations(connection, resource)
    _prices(connection)
    _policy(resource)
    _recommendations(resource)
    Invitation.objects.create(
        organization=organization,
        email=f"{MARK}@example.com",
        token_hash=f"{organization.pk:064}",
        invited_by=owner,
        sent_at=NOW,
        expires_at=NOW + timedelta(days=7),
    )
    return organization, owner


def stranger() -> User:
    """Somebody with an organization of their own and nothing in it."""
    user: User = UserFactory()
    organization = OrganizationFactory(name="own organization")
    organization.memberships.create(user=user, role=Role.OWNER)
    return user


def _recommendations(resource: Resource) -> None:
    """A finding with its history, what was seen, what is set and left alone, and office hours."""
    organization = resource.organization
    row = RecommendationFactory(
        resource=resource,
        assigned_to=organization.memberships.get().user,
        facts=[[f"{MARK} fact", f"{MARK} value"]],
    )
    RecommendationEventFactory(recommendation=row, kind="comment", text=f"{MARK} comment")
    ConnectionEvaluationFactory(connection=resource.connection)
    ResourceEvaluationFactory(resource=resource)
    RuleSettingFactory(organization=organization, tag_key=f"{MARK} key", is_enabled=False)
    ExclusionFactory(organization=organization, name=f"{MARK} exclusion", scope=f"name={MARK}")
    PowerScheduleFactory(organization=organization, name=f"{MARK} schedule", scope=f"name={MARK}")


def _prices(connection: ProviderConnection) -> None:
    """A price of its contract, and how the list was read."""
    PriceFactory(
        organization=connection.organization,
        plugin=True,
        sku_id=f"{MARK} sku",
        name=f"{MARK} price",
        provider_type=connection.provider_type,
    )
    PriceReading.objects.create(
        organization=connection.organization,
        connection=connection,
        provider_type=connection.provider_type,
        status="partial",
        started_at=NOW,
        finished_at=NOW,
        scopes=[
            {"scope": "prices", "status": "failed", "code": "", "message": f"{MARK} reason", "params": {}}
        ],
    )


def _policy(resource: Resource) -> None:
    """What the organization demands, and what breaks it."""
    policy = PolicyFactory(organization=resource.organization, name=f"{MARK} policy", scope=f"name={MARK}")
    why = {"message": "Without the tags: %(missing)s.", "params": {"missing": f"{MARK} tag"}}
    ViolationFactory(resource=resource, policy=policy, why=why)


def _report_of_costs(organization: Organization) -> None:
    report = Report.objects.create(
        organization=organization,
        name=f"{MARK} report",
        language="en",
        formats=["html"],
        sections=[{"id": "a1", "kind": "view", "options": {"title": f"{MARK} section"}}],
    )
    run = ReportRun.objects.create(
        organization=organization,
        report=report,
        status="partial",
        first_date=NOW.date(),
        last_date=NOW.date(),
        requested_at=NOW,
        state={
            "wanted_until": "2026-11-19",
            "known_until": None,
            "incomplete": [],
            "connections": [[MARK, "error"]],
        },
        problems=[{"code": "section", "name": MARK}],
    )
    ReportFile.objects.create(
        organization=organization,
        run=run,
        format="html",
        name=f"{MARK}.html",
        file=f"reports/{MARK}.html",
        size_bytes=1,
    )


def _report() -> dict[str, object]:
    """Of a file with no row in it."""
    empty = FileReport(
        format="csv",
        version=MARK,
        columns=(MARK,),
        unknown_columns=(),
        row_count=0,
        bad_row_count=0,
        bad_rows=(),
        charge_period_start=None,
        charge_period_end=None,
        period_sums=(),
        service_sums=(),
        charge_categories={},
        findings=(),
        finding_counts=(),
    )
    return empty.as_json()


def _snapshot(connection: ProviderConnection) -> SyncSnapshot:
    tenant = {"organization": connection.organization}
    billing_file = BillingFile.objects.create(
        **tenant,
        connection=connection,
        name=f"{MARK}.csv",
        file=f"billing_files/{MARK}.csv",
        sha256="0" * 64,
        size_bytes=1,
        status=BillingFileStatus.INSPECTED,
        report=_report(),
    )
    snapshot = SyncSnapshot.objects.create(
        **tenant,
        connection=connection,
        status=SyncStatus.PARTIAL,
        trigger=SyncTrigger.MANUAL,
        billing_file=billing_file,
        requested_at=NOW,
        started_at=NOW,
        observed_at=NOW,
        finished_at=NOW,
        is_current=True,
        resource_count=1,
        findings=[{"code": MARK, "message": MARK, "params": {}}],
    )
    ScopeCoverage.objects.create(
        **tenant, snapshot=snapshot, scope=f"{MARK}/scope", status="failed", message=MARK
    )
    SyncTrace.objects.create(
        **tenant,
        snapshot=snapshot,
        steps=[{"name": MARK, "seconds": 1.0, "error": MARK}],
        calls=[
            {"step": MARK, "api": MARK, "call": MARK, "region": MARK, "requests": 1, "statuses": {"200": 1}}
        ],
        earlier=[{"attempt": 1, "error": {"code": MARK, "message": MARK, "params": {}}}],
    )
    SnapshotTotal.objects.create(
        **tenant,
        snapshot=snapshot,
        currency="RUB",
        billed_daily_cost=Decimal(10),
        resources_daily_cost=Decimal(10),
        unexplained_daily_cost=Decimal(0),
    )
    UnrecognizedResource.objects.create(
        **tenant,
        snapshot=snapshot,
        connection=connection,
        provider_type=connection.provider_type,
        resource_id=f"{MARK}-id",
        resource_name=f"{MARK} unknown",
        native_type=f"{MARK}_type",
        observed_at=NOW,
    )
    complete = CompleteSync.objects.create(
        organization=connection.organization,
        status=SyncStatus.PARTIAL,
        trigger=SyncTrigger.MANUAL,
        mode="sequential",
        requested_at=NOW,
        finished_at=NOW,
        daily_costs={"RUB": "10"},
        resource_count=1,
    )
    ProviderSyncReference.objects.create(
        **tenant,
        complete_sync=complete,
        connection=connection,
        position=1,
        snapshot=snapshot,
        status=SyncStatus.ERROR,
        error={"code": MARK, "message": MARK, "params": {}},
    )
    return snapshot


def _resource(connection: ProviderConnection, snapshot: SyncSnapshot) -> Resource:
    tenant = {"organization": connection.organization}
    resource = Resource.objects.create(
        **tenant,
        connection=connection,
        resource_id=f"{MARK}-1",
        native_type="vps",
        resource_type="server",
        name=f"{MARK} server",
        first_seen_at=NOW,
        owner=f"{MARK} owner",
    )
    ResourceState.objects.create(
        **tenant,
        connection=connection,
        resource=resource,
        opened_at=NOW,
        opened_by=snapshot,
        action=ResourceState.Action.CREATED,
        name=f"{MARK} server",
        scope=f"{MARK}/scope",
        status="running",
        configuration={"note": MARK},
        configuration_hash="0" * 32,
        daily_cost=Decimal(10),
        currency="RUB",
    )
    Tag.objects.create(**tenant, resource=resource, key=MARK, value=MARK, source=TagSource.USER)
    TagCategory.objects.create(**tenant, key=MARK)
    ResourceNote.objects.create(**tenant, resource=resource, text=MARK)
    SoftwareComponent.objects.create(**tenant, resource=resource, name=MARK)
    MetricPoint.objects.create(
        **tenant, resource=resource, metric="cpu_percent", observed_at=NOW, value=1.0, maximum=2.0
    )
    UsageSummary.objects.create(
        **tenant,
        resource=resource,
        metric="cpu_percent",
        period_days=30,
        computed_at=NOW,
        average=1.0,
        maximum=2.0,
        minimum=0.5,
        sample_count=1,
    )
    return resource


def _expectations(connection: ProviderConnection, resource: Resource) -> None:
    """What is planned, what was not expected."""
    tenant = {"organization": connection.organization}
    day, money = date(2026, 11, 20), Decimal(10)
    part = {"resource": resource.pk, "name": f"{MARK} server", "actual": "10", "expected": "1"}
    Anomaly.objects.create(
        **tenant,
        connection=connection,
        level="resource",
        service_name=MARK,
        resource=resource,
        first_date=day,
        last_date=day,
        expected_cost=Decimal(1),
        actual_cost=money,
        days=[[day.isoformat(), "10", "1"]],
        parts=[part],
        causes=[
            {
                **{key: part[key] for key in ("resource", "name")},
                "kind": "use",
                "label": MARK,
                "before": "1",
                "after": "2",
                "unit": "GB",
                "amount": "9",
            }
        ],
        found_at=NOW,
    )
    budget = Budget.objects.create(**tenant, name=f"{MARK} budget", amount=money, first_date=day)
    BudgetPeriod.objects.create(
        **tenant,
        budget=budget,
        first_date=date(2026, 11, 1),
        last_date=date(2026, 11, 30),
        amount=money,
        actual_cost=money,
        computed_at=NOW,
    )
    BudgetAlert.objects.create(
        **tenant,
        budget=budget,
        first_date=date(2026, 11, 1),
        basis="actual",
        percent=100,
        cost=money,
        limit=money,
        raised_at=NOW,
    )
    PlannedChange.objects.create(**tenant, name=f"{MARK} change", first_date=day, amount=money)
    RunwayAlert.objects.create(**tenant, connection=connection, threshold_days=7, days_left=5, raised_at=NOW)


def _money(connection: ProviderConnection, snapshot: SyncSnapshot, resource: Resource) -> None:
    tenant = {"organization": connection.organization}
    batch = ChargeBatch.objects.create(
        **tenant,
        connection=connection,
        snapshot=snapshot,
        source=MARK,
        period_start=NOW,
        period_end=NOW + timedelta(days=30),
        published_at=NOW,
    )
    ChargeLine.objects.create(
        **tenant,
        batch=batch,
        resource=resource,
        charge_category="Usage",
        charge_description=MARK,
        charge_period_start=NOW,
        charge_period_end=NOW + timedelta(days=1),
        billed_cost=Decimal(1),
        effective_cost=Decimal(1),
        list_cost=Decimal(1),
        contracted_cost=Decimal(1),
        currency="RUB",
    )
    dimensions = _context(connection, resource)
    amounts = {
        "billed_cost": Decimal(10),
        "effective_cost": Decimal(10),
        "list_cost": Decimal(10),
        "billed_cost_rub": Decimal(10),
        "effective_cost_rub": Decimal(10),
    }
    told = {**tenant, "connection": connection, "dimensions": dimensions, "date": date(2026, 11, 20)}
    total = DailyTotal.objects.create(**told, charge_category="Usage", currency="RUB", **amounts)
    sum_up(connection_id=total.connection_id, day=total.date)
    CostShare.objects.create(
        **told,
        resource=resource,
        charge_category="Usage",
        source="price",
        currency="RUB",
        weight=Decimal(1),
        **amounts,
    )
    DailyCost.objects.create(
        **tenant,
        connection=connection,
        resource=resource,
        dimensions=dimensions,
        date=date(2026, 11, 20),
        charge_category="Usage",
        source="price",
        currency="RUB",
        billed_cost=Decimal(10),
        effective_cost=Decimal(10),
        list_cost=Decimal(10),
        rub_rate=Decimal(1),
        billed_cost_rub=Decimal(10),
        effective_cost_rub=Decimal(10),
    )
    CostRevision.objects.create(
        **tenant,
        connection=connection,
        date=date(2026, 11, 20),
        currency="RUB",
        changed_at=NOW,
        before_billed_cost=Decimal(1),
        after_billed_cost=Decimal(2),
    )


def _context(connection: ProviderConnection, resource: Resource) -> CostDimensions:
    tenant = {"organization": connection.organization}
    ContextNode.objects.create(**tenant, dimension="owner", name=f"{MARK} owner", description=MARK)
    ContextAssignment.objects.create(
        **tenant, resource=resource, dimension="owner", value=f"{MARK} owner", valid_from=date(2026, 11, 20)
    )
    TagFeed.objects.create(**tenant, dimension="feature", keys=[MARK])
    rule = AllocationRule.objects.create(**tenant, name=f"{MARK} rule")
    RuleVersion.objects.create(
        **tenant,
        rule=rule,
        valid_from=date(2026, 11, 20),
        position=1,
        conditions=[{"field": "name", "operator": "contains", "value": MARK}],
        values={"owner": f"{MARK} owner"},
    )
    dimensions: CostDimensions = CostDimensions.objects.create(
        **tenant,
        connection=connection,
        resource_type="server",
        owner=f"{MARK} owner",
        provenance={"owner": "person"},
        fingerprint="0" * 32,
    )
    return dimensions
