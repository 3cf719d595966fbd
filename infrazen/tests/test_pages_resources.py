"""The list of resources: exact results of filters, sums and moments, who may see and change it, what it costs."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import Organization, Role
from accounts.tests.factories import OrganizationFactory, member_of
from costs.tests.factories import ExchangeRateFactory
from infrazen.pages.resources_queries import (
    PAGE_ROWS,
    ResourceFilter,
    choices,
    exported,
    listing,
    matching,
    page_of_rows,
    rows,
)
from inventory.models import Resource, ResourceType, Tag
from inventory.tests.factories import MetricPointFactory, ResourceFactory, TagFactory, UsageSummaryFactory
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory
from syncs.models import ResourceState
from syncs.tests.factories import (
    ResourceStateFactory,
    ScopeCoverageFactory,
    SnapshotFactory,
    UnrecognizedResourceFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

DAY = timedelta(days=1)
SEEN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
LIST = "/resources/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def connection(organization: Organization) -> ProviderConnection:
    return ConnectionFactory(organization=organization, connection_name="Cloud")


@pytest.fixture
def owner(client: Client, organization: Organization) -> Client:
    client.force_login(member_of(organization))
    return client


def seen(
    connection: ProviderConnection, name: str, daily: str | None = "22", **fields: object
) -> ResourceState:
    """A resource with an open state; `kind` is its type, `parent` another state."""
    kind = fields.pop("kind", ResourceType.SERVER)
    parent = fields.pop("parent", None)
    resource = ResourceFactory(connection=connection, name=name, resource_id=f"id-{name}", resource_type=kind)
    return ResourceStateFactory(
        resource=resource,
        daily_cost=None if daily is None else Decimal(daily),
        parent=parent.resource if parent else None,
        **fields,
    )


def names(organization: Organization, moment: datetime | None = None, **wanted: str) -> list[str]:
    found = matching(organization, ResourceFilter(**wanted), moment)
    return sorted(found.values_list("name", flat=True))


def rows_of(organization: Organization, **wanted: str) -> list[str]:
    return sorted(rows(organization, ResourceFilter(**wanted), None).values_list("name", flat=True))


# What a filter finds


def test_each_condition_finds_exactly_what_it_names(organization, connection) -> None:
    other = ConnectionFactory(organization=organization)
    web = seen(connection, "web-1", region_id="ru1", ip_addresses=["198.51.100.7"])
    seen(connection, "media", kind=ResourceType.S3_BUCKET, region_id="ru2", ip_addresses=[])
    seen(other, "stopped-1", status="stopped", region_id="ru2")
    TagFactory(resource=web.resource, key="env", value="prod")

    assert names(organization, resource_type="s3_bucket") == ["media"]
    assert names(organization, status="stopped") == ["stopped-1"]
    assert names(organization, region="ru2") == ["media", "stopped-1"]
    assert names(organization, connection=str(connection.pk)) == ["media", "web-1"]
    assert names(organization, tag="env=prod") == ["web-1"]
    assert names(organization, tag="env") == ["web-1"]
    assert names(organization, tag="env=dev") == []
    assert names(organization, region="ru2", resource_type="server") == ["stopped-1"]


@pytest.mark.parametrize("text", ["web-1", "WEB", "198.51.100", "id-web", "env=pro", "prod"])
def test_search_finds_name_address_id_and_tag(organization, connection, text) -> None:
    web = seen(connection, "web-1", ip_addresses=["198.51.100.7"])
    seen(connection, "media")
    TagFactory(resource=web.resource, key="env", value="prod")

    assert names(organization, search=text) == ["web-1"]


def test_marks_find_their_kind_of_trouble(organization, connection) -> None:
    snapshot = SnapshotFactory(connection=connection)
    ScopeCoverageFactory(snapshot=snapshot, scope="mail", status="failed", last_complete_at=SEEN)
    seen(connection, "zombie", status="deleted_billed")
    seen(connection, "orphan", is_orphan=True)
    seen(connection, "stale", scope="mail")
    gpu = seen(connection, "gpu", kind=ResourceType.OTHER)
    UnrecognizedResourceFactory(snapshot=snapshot, resource_id=gpu.resource.resource_id)
    seen(connection, "other", kind=ResourceType.OTHER)
    seen(connection, "fine")

    assert names(organization, mark="zombie") == ["zombie"]
    assert names(organization, mark="orphan") == ["orphan"]
    assert names(organization, mark="stale") == ["stale"]
    assert names(organization, mark="unrecognized") == ["gpu"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"resource_type": "nonsense"},
        {"connection": "nonsense"},
        {"connection": "9" * 30},
        {"connection": "²"},
        {"mark": "nonsense"},
    ],
)
def test_unknown_value_finds_nothing(organization, connection, wanted) -> None:
    seen(connection, "web-1")

    assert names(organization, **wanted) == []


def test_part_stands_in_its_parent_unless_only_the_part_matches(organization, connection) -> None:
    server = seen(connection, "db-1", "100")
    seen(connection, "db-1-disk", "30", kind=ResourceType.VOLUME, parent=server)
    seen(connection, "free-disk", "5", kind=ResourceType.VOLUME, is_orphan=True)

    assert rows_of(organization) == ["db-1", "free-disk"]
    assert rows_of(organization, resource_type="volume") == ["db-1-disk", "free-disk"]
    assert rows_of(organization, search="db-1") == ["db-1"]


def test_part_of_a_resource_that_is_gone_stands_by_itself(organization, connection) -> None:
    server = seen(connection, "db-1", closed_at=SEEN + DAY)
    seen(connection, "db-1-disk", kind=ResourceType.VOLUME, parent=server)

    assert rows_of(organization) == ["db-1-disk"]


# Sums


def test_sums_count_every_cost_once_whatever_the_filter(organization, connection) -> None:
    server = seen(connection, "db-1", "100")
    seen(connection, "db-1-disk", "30", kind=ResourceType.VOLUME, parent=server)
    seen(connection, "free-disk", "5", kind=ResourceType.VOLUME, is_orphan=True)
    seen(connection, "old", "7", status="deleted_billed")
    seen(connection, "new", None)

    everything = listing(organization, ResourceFilter(), None).totals
    volumes = listing(organization, ResourceFilter(resource_type="volume"), None).totals
    servers = listing(organization, ResourceFilter(search="db-1"), None).totals

    assert (everything.cost.daily, everything.row_count, everything.part_count) == (
        Decimal("142.000000"),
        4,
        1,
    )
    assert (everything.zombie_count, everything.zombie_cost.daily) == (1, Decimal("7.000000"))
    assert (everything.orphan_count, everything.orphan_cost.daily) == (1, Decimal("5.000000"))
    assert everything.waste_monthly == Decimal("360.000000")
    assert (volumes.cost.daily, volumes.row_count, volumes.part_count) == (Decimal("35.000000"), 2, 0)
    assert (servers.cost.daily, servers.row_count, servers.part_count) == (Decimal("130.000000"), 1, 1)


def test_other_currencies_are_converted_where_a_rate_is_known(organization, connection) -> None:
    ExchangeRateFactory(currency="USD", rub_per_unit=Decimal("90.5"))
    seen(connection, "here", "100")
    seen(connection, "there", "2", currency="USD")
    seen(connection, "elsewhere", "3", currency="EUR")

    found = listing(organization, ResourceFilter(), None)

    assert found.totals.cost.daily == Decimal("281.000000")
    assert found.totals.cost.unconverted == {"EUR": Decimal("3.000000")}


def test_sums_are_of_everything_and_not_of_the_page(organization, connection, owner) -> None:
    for number in range(PAGE_ROWS + 3):
        seen(connection, f"server-{number:02}", "10")

    first = owner.get(LIST)
    second = owner.get(LIST, {"group": connection.pk, "page": 2})

    for page in (first, second):
        assertContains(page, "₽530.00")
    assertContains(first, 'class="resource-row"', count=PAGE_ROWS)
    assertContains(second, 'class="resource-row"', count=3)


def test_dearest_stands_first_with_its_components(organization, connection) -> None:
    ExchangeRateFactory(currency="USD", rub_per_unit=Decimal("90"))
    small = seen(connection, "small", "10")
    seen(connection, "disk", "40", kind=ResourceType.VOLUME, parent=small)
    seen(connection, "middle", "45")
    seen(connection, "dollars", "1", currency="USD")
    seen(connection, "unknown", None)

    found = page_of_rows(
        organization,
        ResourceFilter(),
        None,
        connections=[connection.pk],
        page=1,
        rates=listing(organization, ResourceFilter(), None).rates,
    )[connection.pk]

    assert [row.state.name for row in found] == ["dollars", "small", "middle", "unknown"]
    assert [row.state.total_daily_cost for row in found] == [1, 50, 45, None]
    assert [part.name for part in found[1].parts] == ["disk"]


# As of a moment


def test_list_shows_what_was_there_at_a_moment(organization, connection) -> None:
    before = SnapshotFactory(connection=connection, earlier=True, observed_at=SEEN)
    SnapshotFactory(connection=connection, observed_at=SEEN + 3 * DAY)
    ScopeCoverageFactory(snapshot=before, scope="vps", status="failed")
    web = seen(connection, "web-1", "22", closed_at=SEEN + 2 * DAY)
    ResourceStateFactory(resource=web.resource, opened_at=SEEN + 2 * DAY, daily_cost=Decimal(30))
    seen(connection, "gone", "5", closed_at=SEEN + DAY)
    seen(connection, "later", "7", opened_at=SEEN + 2 * DAY)

    then = listing(organization, ResourceFilter(), SEEN + timedelta(hours=1)).totals
    now = listing(organization, ResourceFilter(), None).totals

    assert (then.cost.daily, then.count, then.stale_count) == (Decimal("27.000000"), 2, 2)
    assert (now.cost.daily, now.count, now.stale_count) == (Decimal("37.000000"), 2, 0)
    assert names(organization, SEEN + 2 * DAY) == ["later", "web-1"]
    assert names(organization, SEEN - DAY) == []


def test_moment_is_told_and_nothing_can_be_written(organization, connection, owner) -> None:
    seen(connection, "web-1")
    MetricPointFactory(resource=Resource.objects.get(name="web-1"), observed_at=SEEN, value=37.0)

    page = owner.get(LIST, {"at": "2026-03-02T10:00:00+00:00"})

    assertContains(page, "This is the state of 2 Mar".replace(" Mar", "\u00a0Mar"))
    assertContains(page, "Tags are set on the present state only.")
    assertContains(page, "37%")
    assertNotContains(page, 'name="key"')


@pytest.mark.parametrize("text", ["2999-01-01T00:00", "nonsense", "2026-13-45", "2026-13-45T10:00", "-1", ""])
def test_moment_that_is_no_past_moment_is_now(organization, connection, owner, text) -> None:
    seen(connection, "web-1")

    page = owner.get(LIST, {"at": text})

    assert page.context["moment"] is None
    assertContains(page, "web-1")


# The page


def test_page_without_resources_says_what_to_do(owner) -> None:
    assertContains(owner.get(LIST), reverse("providers:provider_choose"))


def test_filter_that_finds_nothing_can_be_reset(connection, owner) -> None:
    seen(connection, "web-1")

    page = owner.get(LIST, {"tag": "team=ml"})

    assertContains(page, "No resources match this filter.")
    assertNotContains(page, "web-1")


def test_row_shows_components_addresses_tags_use_and_marks(connection, owner) -> None:
    state = seen(
        connection, "db-1", "100", vcpus=8, memory_mib=32768, storage_gib=240, ip_addresses=["198.51.100.7"]
    )
    seen(connection, "db-1-disk", "30", kind=ResourceType.VOLUME, parent=state, storage_gib=500)
    seen(connection, "free-disk", "5", kind=ResourceType.VOLUME, is_orphan=True)
    TagFactory(resource=state.resource, key="team", value="data")
    UsageSummaryFactory(resource=state.resource, metric="cpu_percent", average=12.4)

    page = owner.get(LIST)

    for text in (
        "8\u00a0vCPU",
        "db-1-disk, 500\u00a0GB",
        "198.51.100.7",
        "data",
        "12%",
        "₽130.00",
        "₽3,900/mo",
    ):
        assertContains(page, text)
    assertContains(page, "Not in use")
    assertContains(page, "Orphan")
    assertContains(page, "not measured", count=1)


def test_long_lists_open_one_section_and_load_the_others_on_opening(organization, connection, owner) -> None:
    other = ConnectionFactory(organization=organization, connection_name="Second")
    for number in range(PAGE_ROWS + 1):
        seen(connection, f"server-{number:02}")
    seen(other, "elsewhere")

    page = owner.get(LIST)
    rows_alone = owner.get(LIST, {"group": other.pk}, headers=HTMX)

    assertContains(page, "Second")
    assertNotContains(page, "elsewhere")
    assertContains(page, f'hx-get="?group={other.pk}"')
    assertContains(rows_alone, "elsewhere")
    assertNotContains(rows_alone, "<html")
    assertNotContains(rows_alone, "server-01")


def test_fragment_has_the_list_and_its_sums_and_pushes_a_clean_address(connection, owner) -> None:
    seen(connection, "web-1")

    answer = owner.get(LIST, {"type": "server", "q": "", "at": "", "sort": "cost"}, headers=HTMX)

    assertNotContains(answer, "<html")
    assertContains(answer, 'id="resource-sums" hx-swap-oob="true"')
    assert answer["HX-Push-Url"] == "/resources/?type=server"


def test_table_of_everything_adds_up_and_holds_no_formula(organization, connection, owner) -> None:
    server = seen(connection, "db-1", "100")
    seen(connection, "=cmd()", "30", kind=ResourceType.VOLUME, parent=server)
    seen(connection, "alone", "5", kind=ResourceType.S3_BUCKET)

    answer = owner.get(LIST, {"format": "csv"})
    table = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert [row["resource_name"] for row in table] == ["alone", "db-1", "'=cmd()"]
    assert sum(Decimal(row["daily_cost"]) for row in table) == Decimal("135.000000")
    assert [row["part_of"] for row in table] == ["", "", "db-1"]
    assert exported(organization, ResourceFilter(resource_type="s3_bucket"), None).count() == 1


def test_choices_are_of_what_there_is(organization, connection) -> None:
    web = seen(connection, "web-1", region_id="ru1")
    seen(connection, "media", kind=ResourceType.S3_BUCKET, region_id="", status="stopped")
    TagFactory(resource=web.resource, key="env", value="prod")

    found = choices(organization, None)

    assert (found.types, found.statuses) == (("server", "s3_bucket"), ("running", "stopped"))
    assert (found.regions, found.tags) == (("ru1",), ("env=prod",))


# Who


def test_stranger_finds_nothing_and_a_viewer_cannot_select(client, organization, connection) -> None:
    seen(connection, "web-1")
    client.force_login(member_of(OrganizationFactory()))
    assertNotContains(client.get(LIST), "web-1")
    assertNotContains(client.get(LIST, {"connection": connection.pk}), "Cloud")
    assert client.get(LIST, {"group": connection.pk}, headers=HTMX).status_code == 404

    client.force_login(member_of(organization, Role.VIEWER))
    page = client.get(LIST)
    assertContains(page, "web-1")
    assertNotContains(page, 'name="resource"')


def test_anonymous_reader_is_sent_to_sign_in(client) -> None:
    assertRedirects(
        client.get(LIST), f"{reverse('account_login')}?next={LIST}", fetch_redirect_response=False
    )


def test_bulk_tag_is_set_on_the_selected_resources_of_the_organization(
    organization, connection, owner
) -> None:
    mine, foreign = seen(connection, "web-1"), seen(ConnectionFactory(), "foreign")
    seen(connection, "unselected")

    answer = owner.post(
        "/resources/tags/",
        {
            "resource": [mine.resource_id, foreign.resource_id, "x"],
            "key": "team",
            "value": "qa",
            "next": "/resources/?q=web",
        },
    )

    assertRedirects(answer, "/resources/?q=web", fetch_redirect_response=False)
    assert [(t.resource.name, str(t), t.source) for t in Tag.objects.all()] == [("web-1", "team=qa", "user")]


def test_bulk_tag_leads_nowhere_else_and_needs_a_key(organization, connection, owner) -> None:
    mine = seen(connection, "web-1")

    answer = owner.post(
        "/resources/tags/", {"resource": [mine.resource_id], "key": "a=b", "next": "https://evil.example/"}
    )

    assertRedirects(answer, LIST, fetch_redirect_response=False)
    assert Tag.objects.count() == 0


# What it costs


@pytest.mark.parametrize("address", [LIST, f"{LIST}?at=2026-03-02T10:00", f"{LIST}?q=server&sort=measured"])
def test_number_of_queries_does_not_grow(
    organization, connection, owner, django_assert_num_queries, address
) -> None:
    def fill(count: int) -> None:
        for number in range(count):
            other = ConnectionFactory(organization=organization)
            SnapshotFactory(connection=other)
            state = seen(other, f"server-{Resource.objects.count()}")
            seen(other, f"server-{number}-disk-{state.pk}", kind=ResourceType.VOLUME, parent=state)
            TagFactory(resource=state.resource)
            UsageSummaryFactory(resource=state.resource)

    fill(1)
    owner.get(address)
    with django_assert_num_queries(15):
        owner.get(address)
    fill(10)
    with django_assert_num_queries(15):
        owner.get(address)
