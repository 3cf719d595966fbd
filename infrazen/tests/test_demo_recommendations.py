"""The demo's recommendations: found on the facts of its scenario, their savings worked out here by hand.

`providers/emulators/scenarios/demo` says what an hour of everything costs, in kopecks; a month has 30 days.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Avg, QuerySet
from django.test import Client

from accounts.models import Organization
from common import clock
from common.templatetags.formatting import rub_round
from costs.explorer.periods import Span
from costs.queries import run_rate
from costs.reports.sections import Frame
from infrazen import demo
from infrazen.demo import history
from infrazen.demo.advice import set_rules
from infrazen.demo.plan import ZONE
from infrazen.pages.dashboard_savings import savings_cell
from infrazen.tests.demo_folder import NOW, make_demo
from inventory.models import MetricPoint, Resource
from providers.models import ProviderConnection
from recommendations import queries
from recommendations.engine.contract import Category
from recommendations.engine.registry import all_rules
from recommendations.models import (
    OPEN,
    CloseReason,
    Recommendation,
    RecommendationEvent,
    RuleSetting,
    Status,
)
from recommendations.report_section import Recommendations
from recommendations.services import evaluate_organization
from recommendations.settings_services import set_rule

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.slow]

PLAN = demo.Plan.load()
READ_BEFORE = {
    "Selectel BU-A": {90, 32, 20},
    "Selectel BU-B": {90, 62, 20},
    "Beget Prod": {90, 60, 30, *range(1, 16)},
    "Beget Dev": {90, 60, 30, *range(1, 16)},
}
"""Days before the last on which a connection is read: the first, for what is steady must be seen for so long, those
around what happens, and as many as the rules want the use of hour by hour of (Beget tells it so only shortly afterwards)."""
RULES_EVERY_DAYS = 35
"""So that the rules are asked on day -20, too."""
KOPECK = Decimal("0.01")
HOURS = 24 * 30
WHAT_STAYS = (
    "pk",
    "rule_id",
    "status",
    "fingerprint",
    "saving_monthly",
    "counted_monthly_rub",
    "close_reason",
)


def month(kopecks_an_hour: str | Decimal) -> Decimal:
    """Roubles a month of 30 days."""
    return rounded(Decimal(kopecks_an_hour) * HOURS / 100)


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(KOPECK, ROUND_HALF_EVEN)


D = Decimal
GB_RAM = 1024 * D("0.025390625")
"""26 kopecks an hour: a MB after the rise of day -60."""
DEDICATED, STANDARD_A, STANDARD_B, STANDARD_MOSCOW = D("315.796875"), D(209), D("199.5"), D(121)
UNIVERSAL, UNIVERSAL_MOSCOW = D("1.125"), D("1.111")

# Beget's: roubles a month for a vCPU and a GB of memory of the group normal_cpu
BEGET_CPU, BEGET_GB, BEGET_DISK_GB = D(500), D(250), D(25)

# ru-2 sells the standard class for 0.2083375 kopecks a GB and hour, 1.50003 roubles a month; by list 1.50, cold 0.90, archive 0.45
ARCHIVE_COST = month(10_000 * D("0.2083375"))
MEDIA_WRITES = 1575 * HOURS

DEV_NODE_HOUR = (4 * STANDARD_A + 16 * GB_RAM) / 100
"""Roubles."""
QUIET_HOURS = 7 * 24 - 5 * 9
"""Of a week: used from Monday to Friday between 9 and 18."""
QUIET_HOURS_OF_WHOLE_DAYS = 2 * 24
"""Beget charges by the day: only the weekend is not charged."""
WEEKS_IN_MONTH = D(30) / 7

FRONTEND_SERVER = 4 * D("366.375") + 16 * D(39)
WORKER_THERE = 8 * STANDARD_MOSCOW + 32 * GB_RAM + 64 * UNIVERSAL_MOSCOW

EXPECTED: dict[tuple[str, str], Decimal] = {
    # A smaller size. 14 % of 8 vCPU at most, 22 % of 32 GB
    ("server.rightsize", "api-backend-prod-01"): month((8 - 2) * DEDICATED + (32 - 9) * GB_RAM),
    # 19 % of 8, 34 % of 32 GB; its twin at 66 and 58 % sets the size
    ("server.rightsize", "k8s-worker-01"): month((8 - 6) * STANDARD_B + (32 - 23) * GB_RAM),
    ("server.rightsize", "vps-db-01"): (8 - 4) * BEGET_CPU + (32 - 14) * BEGET_GB,
    ("server.rightsize", "db-mysql-staging"): month((4 - 2) * STANDARD_A + (16 - 5) * GB_RAM),
    ("server.rightsize", "dev-db-01"): (4 - 1) * BEGET_CPU + (16 - 7) * BEGET_GB,
    # All that it costs: a preemptible server and its disk
    ("server.idle", "ci-runner-spot"): month(8 * D("120.5") + 8 * D(13) + 100 * UNIVERSAL),
    ("volume.orphan", "pg-backup-volume"): month(1000 * D("0.90275")),
    # Snapshots of volumes and servers that are gone, and of those that are there old ones with a younger one
    ("snapshot.orphan", "snapshot-storage-05"): month(100 * D("1.375")),
    ("snapshot.orphan", "snapshot-storage-06"): month(100 * D("1.375")),
    ("snapshot.orphan", "snapshot-storage-07"): month(100 * D("1.375")),
    ("snapshot.orphan", "snapshot-storage-08"): month(120 * D("1.375")),
    ("snapshot.orphan", "snapshot-storage-09"): month(128 * D("1.5")),
    ("snapshot.orphan", "snapshot-storage-11"): month(114 * D("1.375")),
    ("snapshot.orphan", "snapshot-storage-12"): month(120 * D("1.375")),
    ("snapshot.orphan", "extra-volumes 2/3: vps-legacy-01 system"): D(3100),
    ("snapshot.orphan", "extra-volumes 3/3: vps-legacy-01 data"): D(3100),
    ("snapshot.old", "snapshot-storage-03"): month(80 * D("1.375")),
    ("snapshot.old", "snapshot-storage-04"): month(80 * D("1.375")),
    ("ip.unused", "203.0.113.62"): month("20.875"),
    # 120 operations a second do with a class that gives 640
    ("volume.slower_class", "disk-for-db-postgres-prod-01"): month(500 * (UNIVERSAL_MOSCOW - D("0.75"))),
    # 35 % of 500 GB are 175; half as much again in steps of ten are 270
    ("volume.oversized", "postgres-data-volume"): month((500 - 270) * UNIVERSAL_MOSCOW),
    ("bucket.archive", "archive-cold-storage"): rounded(ARCHIVE_COST * (1 - D("0.45") / D("1.5"))),
    ("bucket.cold", "archive-cold-storage"): rounded(ARCHIVE_COST * (1 - D("0.9") / D("1.5"))),
    # 1 200 GB for 4.536 roubles; what is written each hour costs more there
    ("bucket.archive", "s3-media-bucket"): rounded(
        1200 * (D("4.536") - D("0.85")) - MEDIA_WRITES * (D("0.0002") - D("0.00005"))
    ),
    ("bucket.cold", "s3-media-bucket"): rounded(
        1200 * (D("4.536") - D("1.9")) - MEDIA_WRITES * (D("0.0001") - D("0.00005"))
    ),
    # 8 of 500 requests a second; the small plan takes 60
    ("lb.oversized", "lb-prod-01"): month(D("1111.125") - 600),
    ("server.schedule", "dev-k8s-node-01"): rounded(DEV_NODE_HOUR * QUIET_HOURS * WEEKS_IN_MONTH),
    ("server.schedule", "dev-k8s-node-02"): rounded(DEV_NODE_HOUR * QUIET_HOURS * WEEKS_IN_MONTH),
    ("server.schedule", "dev-vps-01"): rounded(D(8000) / HOURS * QUIET_HOURS_OF_WHOLE_DAYS * WEEKS_IN_MONTH),
    ("server.schedule", "dev-vps-02"): rounded(D(7000) / HOURS * QUIET_HOURS_OF_WHOLE_DAYS * WEEKS_IN_MONTH),
    # A year of 4 vCPU, 8 GB and 100 GB for 15 % less
    ("rate.commitment", "vps-app-01"): D(12500) - D("10625"),
    # Two servers at 45 % on workdays need both; at 9 % on two days of seven one does
    ("server.autoscale", "web-frontend-02"): rounded(FRONTEND_SERVER * HOURS / 100 * 2 / 7),
    ("server.cheaper_region", "k8s-worker-02"): month(
        8 * STANDARD_B + 32 * GB_RAM + 64 * UNIVERSAL - WORKER_THERE
    ),
}

NOT_NEEDED = {
    "ci-runner-spot",
    "pg-backup-volume",
    "203.0.113.62",
    *(f"snapshot-storage-{number:02}" for number in (3, 4, 5, 6, 7, 8, 9, 11, 12)),
    "extra-volumes 2/3: vps-legacy-01 system",
    "extra-volumes 3/3: vps-legacy-01 data",
}
IN_USE = {
    *("api-backend-prod-01", "disk-for-api-backend-prod-01", "db-postgres-prod-01", "postgres-data-volume"),
    *("disk-for-db-postgres-prod-01", "k8s-worker-01", "k8s-worker-02", "k8s-master-01", "lb-prod-01"),
    *("s3-cdn-static", "analytics-etl-01", "app-cache-redis", "archive-cold-storage", "203.0.113.10"),
    *("snapshot-storage-01", "snapshot-storage-02", "snapshot-storage-10"),
    *("web-frontend-01", "web-frontend-02", "db-mysql-staging", "dev-k8s-node-01", "dev-k8s-node-02"),
    *("s3-media-bucket", "test-runner-01", "load-balancer-dev", "vpn-gateway", "203.0.113.61"),
    *("vps-app-01", "vps-app-02", "vps-db-01", "vps-cache-01", "vps-batch-01", "vps-mq-01", "lb-service"),
    *("nat-firewall", "obj-storage-prod", "backup-service", "infrazen-demo.ru"),
    "extra-volumes 1/3: vps-db-01 before upgrade",
    *("dev-vps-01", "dev-vps-02", "dev-db-01", "stage-web-01", "s3-dev-bucket", "ci-dev-runner"),
    "dev-logs-storage",
}


@pytest.fixture
def organization(db: None, demo_data: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Organization:
    settings.AFTER_SYNC = ["costs.services.after_sync"]  # the rules are asked by the replay itself
    monkeypatch.setattr(history, "RULES_EVERY_DAYS", RULES_EVERY_DAYS)
    monkeypatch.setattr(history, "_is_read_on", is_read_on)
    return make_demo(demo_data, replace(PLAN, budgets=()), monkeypatch).organization


def is_read_on(plan: demo.Plan, connection: ProviderConnection, anchor: date, moment: datetime) -> bool:
    return (anchor - moment.astimezone(ZONE).date()).days in READ_BEFORE[connection.connection_name]


def test_the_demo_yields_what_its_scenario_promises(organization: Organization, client: Client) -> None:
    assert_every_kind_is_found_with_its_saving(organization)
    assert_the_servers_cheaper_at_beget(organization)
    assert_what_overlaps_is_counted_once(organization)
    assert_the_zombie_was_seen_and_is_gone(organization)
    assert_nothing_in_use_is_to_go(organization)
    assert_the_rules_are_as_its_person_set_them(organization)
    assert_every_door_says_the_same_sum(organization, client)
    assert_asking_again_changes_nothing(organization)
    assert_what_a_person_changes_stays(organization)


def assert_every_kind_is_found_with_its_saving(organization: Organization) -> None:
    rows = opened(organization)
    found = {(row.rule_id, row.resource.name): row.saving_monthly for row in rows}

    assert {key: found.get(key, "not found") for key in EXPECTED} == EXPECTED
    runway = next(row for row in rows if row.resource.name == "Start")
    assert runway.connection.connection_name == "Beget Dev"
    assert int(D("12990.40") / D(1395)) == 9  # what is left, and what a day costs
    assert (runway.rule_id, runway.saving_monthly) == ("account.runway", None)
    assert runway.summary["params"]["days"] == 9


def assert_the_servers_cheaper_at_beget(organization: Organization) -> None:
    """4 vCPU, 16 GB and 160 GB there, and its traffic for a rouble a GB; here with its address."""
    row = opened(organization).get(rule_id="server.cross_provider", resource__name="web-frontend-01")
    midnight = datetime(2026, 11, 21, tzinfo=ZONE)
    fortnight = MetricPoint.objects.of(organization).filter(
        observed_at__lt=midnight, observed_at__gte=midnight - timedelta(days=14)
    )
    sent = fortnight.filter(resource=row.resource, metric="network_tx").aggregate(mean=Avg("value"))["mean"]
    traffic = D(str(sent)) * HOURS * 3600 / 1024**3
    here = month(FRONTEND_SERVER + 160 * D(3)) + month("20.875")
    there = 4 * BEGET_CPU + 16 * BEGET_GB + 160 * BEGET_DISK_GB + traffic

    assert row.current_monthly == here
    assert row.saving_monthly == rounded(here - there)


def assert_what_overlaps_is_counted_once(organization: Organization) -> None:
    """What is done first leaves less for what comes after it."""
    counted = {(row.rule_id, row.resource.name): row.counted_monthly_rub for row in opened(organization)}

    whole = month(8 * STANDARD_B + 32 * GB_RAM + 64 * UNIVERSAL)
    left = whole - EXPECTED["server.rightsize", "k8s-worker-01"]
    assert counted["server.cheaper_region", "k8s-worker-02"] == rounded(
        EXPECTED["server.cheaper_region", "k8s-worker-02"] * left / whole
    )
    assert counted["rate.commitment", "vps-app-01"] == 1875
    for rule, name in (
        ("bucket.cold", "archive-cold-storage"),
        ("bucket.cold", "s3-media-bucket"),
        ("server.autoscale", "web-frontend-02"),
        ("server.rightsize", "ci-runner-spot"),
    ):
        assert counted[rule, name] == 0, name


def assert_the_zombie_was_seen_and_is_gone(organization: Organization) -> None:
    """Billed from day -33 to day -12 without being there: 120 GB."""
    row = Recommendation.objects.of(organization).get(rule_id="server.zombie")

    assert (row.resource.name, row.saving_monthly) == ("disk-for-old-report-01", month(120 * UNIVERSAL))
    assert (row.status, row.close_reason) == (Status.CLOSED, CloseReason.APPLIED)


def assert_nothing_in_use_is_to_go(organization: Organization) -> None:
    known = set(Resource.objects.of(organization).values_list("name", flat=True))
    to_go = opened(organization).filter(category=Category.CLEANUP)

    assert known >= IN_USE | NOT_NEEDED
    assert {row.resource.name for row in to_go} == NOT_NEEDED
    assert not IN_USE & NOT_NEEDED


def assert_the_rules_are_as_its_person_set_them(organization: Organization) -> None:
    assert not opened(organization).filter(rule_id="server.preemptible").exists()
    for row in opened(organization).filter(rule_id="server.rightsize"):
        assert row.saving_monthly is not None
        assert row.current_monthly is not None
        assert row.saving_monthly >= row.current_monthly / 4, row.resource.name


def assert_every_door_says_the_same_sum(organization: Organization, client: Client) -> None:
    client.force_login(organization.memberships.get().user)
    total = sum((row.counted_monthly_rub for row in opened(organization)), D(0))
    csv_rows = csv.DictReader(
        io.StringIO(client.get("/recommendations/?format=csv").getvalue().decode("utf-8-sig"))
    )
    answer = client.get("/api/v1/recommendations/summary/").json()
    now = clock.now()
    period = Span(date(2026, 11, 1), date(2026, 11, 30))
    section = Recommendations().build(
        Frame(organization=organization, period="month", span=period, today=NOW.date(), now=now), {}
    )

    assert queries.summary(organization).saving == total
    assert sum((D(row["counted_a_month_rub"]) for row in csv_rows), D(0)) == total
    assert D(answer["saving"]) == total
    assert sum((D(str(each["saving"])) for each in answer["categories"]), D(0)) == total
    assert sum((D(str(row[2])) for row in section.tables[0].rows), D(0)) == total
    rate = run_rate(organization)
    assert savings_cell(organization, rate)["figure"] == rub_round(total)
    assert rub_round(total) in client.get("/").content.decode()
    assert rate.monthly is not None
    assert total <= rate.monthly


def assert_asking_again_changes_nothing(organization: Organization) -> None:
    """Not to what was found, nor to what is told of it."""
    rows = Recommendation.objects.of(organization).order_by("pk")
    told = RecommendationEvent.objects.filter(recommendation__organization=organization)
    before = list(rows.values(*WHAT_STAYS)), told.count()

    evaluate_organization(organization=organization, now=clock.now())

    assert (list(rows.values(*WHAT_STAYS)), told.count()) == before


def assert_what_a_person_changes_stays(organization: Organization) -> None:
    by = organization.memberships.get().user
    rule = all_rules()["server.preemptible"]
    set_rule(rule=rule, organization=organization, is_enabled=True, options={}, by=by)
    set_rule(
        rule=all_rules()["server.rightsize"], organization=organization, is_enabled=None, options={}, by=by
    )

    set_rules(organization, PLAN)

    settings = RuleSetting.objects.filter(organization=organization)
    assert list(settings.values_list("rule_id", "is_enabled")) == [("server.preemptible", True)]


def opened(organization: Organization) -> QuerySet[Recommendation]:
    return queries.recommendations(organization).filter(status__in=OPEN)
