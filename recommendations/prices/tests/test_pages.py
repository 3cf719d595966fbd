"""Pages and endpoints of prices: owner, viewer, stranger, anonymous, fragment, CSV, queries."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.audit.models import AuditEntry
from accounts.models import Role
from accounts.tests.factories import OrganizationFactory, member_of
from inventory.tests.factories import ResourceFactory, TagFactory
from providers.tests.factories import ConnectionFactory
from recommendations.prices import tasks
from recommendations.prices.models import PriceReading
from recommendations.prices.tests.factories import NOW, PriceFactory, server_prices
from syncs.tests.factories import ResourceStateFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lists")]

COMPARISON = reverse("prices:comparison")
LIST = reverse("prices:price_list")
HISTORY = reverse("prices:price_history")
READ = reverse("prices:reading_start")
API_PRICES = "/api/v1/prices/"
API_COMPARISON = "/api/v1/price-comparison/"
SPECIFICATION = {"vcpu": "4", "memory": "8", "disk": "100", "disk_class": "ssd", "traffic": "50"}


@pytest.fixture
def organization():
    return OrganizationFactory()


@pytest.fixture
def manager(client, organization):
    client.force_login(member_of(organization, Role.MANAGER))
    return client


@pytest.fixture
def server(organization):
    """Four vCPU at 100 a day, with a volume of 100 GiB at 20 a day and an address at 5."""
    connection = ConnectionFactory(organization=organization, provider_type="fake")
    resource = ResourceFactory(connection=connection, name="web-1")
    state = ResourceStateFactory(
        resource=resource,
        vcpus=Decimal(4),
        memory_mib=8192,
        storage_gib=None,
        daily_cost=Decimal(100),
        region_id="r-1",
    )
    for kind, cost, more in (
        ("volume", 20, {"storage_gib": Decimal(100), "configuration": {"volume_type": "ssd.r-1a"}}),
        ("floating_ip", 5, {}),
    ):
        part = ResourceFactory(connection=connection, resource_type=kind)
        ResourceStateFactory(
            resource=part, parent=resource, daily_cost=Decimal(cost), opened_by=state.opened_by, **more
        )
    return resource


def text(response: Any) -> str:
    return response.content.decode().replace("\xa0", " ").replace("\u202f", " ")


# ---- comparison -----------------------------------------------------------------------------------------------


def test_comparison_shows_every_provider_with_its_parts(manager) -> None:
    server_prices()
    server_prices("beget", vcpu_amount="500")

    response = manager.get(COMPARISON, SPECIFICATION)

    assert [
        (row["candidate"].quote.provider_type, row["candidate"].monthly) for row in response.context["rows"]
    ] == [("fake", Decimal(3050)), ("beget", Decimal(3850))]
    assert [amount for _word, amount in response.context["rows"][0]["parts"]] == [
        Decimal(1200),
        Decimal(800),
        Decimal(800),
        Decimal(150),
        Decimal(100),
    ]
    assert "Beget" in text(response)


def test_comparison_without_prices_says_so(manager) -> None:
    assert "No list prices are known yet" in text(manager.get(COMPARISON))


def test_comparison_that_nobody_sells_says_so(manager) -> None:
    server_prices()

    assert "No provider sells that" in text(manager.get(COMPARISON, {"disk_class": "nvme"}))


@pytest.mark.parametrize(
    "wrong", [{"vcpu": "many"}, {"memory": "-1"}, {"share": "0"}, {"tax": "perhaps"}, {"vcpu": ""}]
)
def test_specification_that_cannot_be_is_told(manager, wrong) -> None:
    server_prices()

    response = manager.get(COMPARISON, wrong)

    assert response.status_code == 422
    assert response.context["form"].errors.keys() == wrong.keys()


def test_server_fills_the_specification_and_is_compared_with(manager, server) -> None:
    server_prices(vcpu_amount="200")

    response = manager.get(COMPARISON, {"resource": server.pk})

    form, (row,) = response.context["form"], response.context["rows"]
    assert {name: form[name].value() for name in ("vcpu", "memory", "disk", "disk_class", "ip")} == {
        "vcpu": "4",
        "memory": "8",
        "disk": "100",
        "disk_class": "ssd",
        "ip": "1",
    }
    assert response.context["existing"].monthly == Decimal(125 * 30)
    candidate = row["candidate"]
    assert (candidate.monthly, candidate.difference) == (Decimal(2550), Decimal(-1200))
    assert response.context["one_off"] == Decimal(8 * 2000 + 100 * 2)
    assert candidate.payback_months == Decimal("13.5")


def test_what_is_typed_comes_before_what_the_server_has(manager, server) -> None:
    server_prices()

    response = manager.get(COMPARISON, {"resource": server.pk, "vcpu": "2", "hours": "1", "rate": "100"})

    assert response.context["form"]["vcpu"].value() == "2"
    assert response.context["one_off"] == Decimal(300)


def test_personal_data_is_shown_not_to_be_allowed_abroad(manager, server) -> None:
    TagFactory(resource=server, key="data", value="personal")
    server_prices()
    server_prices("beget", country="KZ", vcpu_amount="1")

    response = manager.get(COMPARISON, {"resource": server.pk})

    assert [(row["candidate"].country, row["candidate"].is_allowed) for row in response.context["rows"]] == [
        ("RU", True),
        ("KZ", False),
    ]
    assert "not allowed: personal data stays in Russia" in text(response)


def test_old_prices_are_marked(manager) -> None:
    server_prices(read_at=timezone.now() - timedelta(days=15))

    assert "older than 14 days" in text(manager.get(COMPARISON))


@pytest.mark.parametrize("asked", ["0", "x", "9" * 30])
def test_server_that_is_none_is_not_found(manager, asked) -> None:
    assert manager.get(COMPARISON, {"resource": asked}).status_code == 404
    assert manager.get(API_COMPARISON, {"resource": asked}).status_code == 404


def test_server_of_strangers_is_not_found(manager) -> None:
    strangers = ResourceStateFactory().resource

    assert manager.get(COMPARISON, {"resource": strangers.pk}).status_code == 404
    assert manager.get(API_COMPARISON, {"resource": strangers.pk}).status_code == 404


def test_fragment_is_the_table_alone(manager) -> None:
    server_prices()
    headers = {"HX-Request": "true", "HX-Target": "price-comparison"}

    response = manager.get(COMPARISON, SPECIFICATION, headers=headers)

    assert text(response).lstrip().startswith('<div class="stack" id="price-comparison">')
    assert "<form" not in text(response)


def test_csv_has_a_line_for_each_candidate_and_is_told_to_the_audit(manager) -> None:
    server_prices()

    response = manager.get(COMPARISON, {**SPECIFICATION, "format": "csv"})

    head, line = b"".join(response.streaming_content).decode().lstrip("\ufeff").splitlines()
    found = dict(zip(head.split(","), line.split(","), strict=True))
    assert (found["provider"], found["total_rub_month"]) == ("fake", "3050.00")
    assert found["disk_rub_month"] == "800.00"
    assert AuditEntry.objects.get(action="export.downloaded").details["what"] == "price-comparison.csv"


@pytest.mark.parametrize("count", [1, 8])
def test_queries_of_the_comparison_do_not_grow(manager, server, django_assert_num_queries, count) -> None:
    for number in range(count):
        server_prices(region_id=f"r-{number}")
    with django_assert_num_queries(9):
        assert len(manager.get(COMPARISON, {"resource": server.pk}).context["rows"]) == count


def test_page_of_a_server_leads_to_its_comparison_and_that_of_a_bucket_does_not(manager, server) -> None:
    bucket = ResourceFactory(connection=server.connection, resource_type="s3_bucket")
    ResourceStateFactory(resource=bucket)

    pages = [
        text(manager.get(reverse("inventory:resource_detail", args=[each.pk]))) for each in (server, bucket)
    ]

    assert f'href="{COMPARISON}?resource={server.pk}"' in pages[0]
    assert COMPARISON not in pages[1]


# ---- the list and the history ---------------------------------------------------------------------------------


def test_list_shows_own_and_shared_prices_and_never_strangers(manager, organization) -> None:
    PriceFactory(sku_id="own", organization=organization, plugin=True)
    PriceFactory(sku_id="shared")
    PriceFactory(sku_id="strange", organization=OrganizationFactory(), plugin=True)
    PriceFactory(sku_id="over", valid_until=NOW + timedelta(hours=1))

    response = manager.get(LIST)

    assert [row["price"].sku_id for row in response.context["rows"]] == ["own", "shared"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"provider": "beget"}, ["b"]),
        ({"type": "volume"}, ["c"]),
        ({"component": "storage_gib"}, ["c"]),
        ({"region": "r-9"}, ["a"]),
        ({"q": "B"}, ["b"]),
        ({"q": "nothing"}, []),
    ],
)
def test_list_is_narrowed(manager, filters, found) -> None:
    PriceFactory(sku_id="a", region_id="r-9")
    PriceFactory(sku_id="b", provider_type="beget")
    PriceFactory(sku_id="c", resource_type="volume", component="storage_gib")

    response = manager.get(LIST, filters)

    assert [row["price"].sku_id for row in response.context["rows"]] == found


def test_fragment_of_the_list_is_its_table(manager) -> None:
    PriceFactory()

    response = manager.get(LIST, headers={"HX-Request": "true", "HX-Target": "prices"})

    assert text(response).lstrip().startswith('<div class="stack" id="prices">')


def test_failed_list_is_told_with_its_reason(manager, organization) -> None:
    PriceReading.objects.create(
        organization=organization,
        provider_type="fake",
        status="partial",
        started_at=NOW,
        finished_at=NOW,
        scopes=[
            {"scope": "prices/vps", "status": "complete", "code": "", "message": "", "params": {}},
            {
                "scope": "prices/databases",
                "status": "denied",
                "code": "permission_denied",
                "message": "The role is missing.",
                "params": {},
            },
        ],
    )

    found = text(manager.get(LIST))

    assert "The role is missing." in found
    assert "Partial" in found


@pytest.mark.parametrize("count", [1, 20])
def test_queries_of_the_list_do_not_grow(manager, django_assert_num_queries, count) -> None:
    PriceFactory.create_batch(count)
    with django_assert_num_queries(9):
        assert len(manager.get(LIST).context["rows"]) == count


def test_history_has_every_row_and_a_step_for_each_change(manager) -> None:
    PriceFactory(sku_id="a/b", amount=1, valid_from=NOW - timedelta(days=20), valid_until=NOW)
    PriceFactory(sku_id="a/b", amount=2)

    response = manager.get(HISTORY, {"provider": "fake", "sku": "a/b"})

    assert [row["price"].amount for row in response.context["rows"]] == [Decimal(2), Decimal(1)]
    assert [Decimal(value) for value in response.context["chart"]["series"][0]["values"]][:2] == [
        Decimal(1),
        Decimal(2),
    ]


def test_history_of_what_is_not_known_or_strangers_is_not_found(manager) -> None:
    PriceFactory(sku_id="strange", organization=OrganizationFactory(), plugin=True)

    for sku in ("strange", "none", ""):
        assert manager.get(HISTORY, {"provider": "fake", "sku": sku}).status_code == 404


def test_queries_of_a_history_do_not_grow(manager, django_assert_num_queries) -> None:
    PriceFactory(sku_id="a", valid_until=NOW)
    for _ in range(2):
        with django_assert_num_queries(5):
            manager.get(HISTORY, {"provider": "fake", "sku": "a"})
        for number in range(9):
            PriceFactory(sku_id="a", valid_until=NOW, valid_from=NOW - timedelta(days=number))


# ---- reading now ----------------------------------------------------------------------------------------------


def test_manager_reads_the_lists_now(
    manager, organization, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    ConnectionFactory(organization=organization, last_sync_status="success")
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.read_prices, "delay", lambda **values: asked.append(values))

    with django_capture_on_commit_callbacks(execute=True):
        response = manager.post(READ, follow=True)

    assert [(each["organization_id"], each["provider_type"]) for each in asked] == [(organization.pk, "fake")]
    assert "being read" in text(response)


def test_nothing_to_read_is_told(manager) -> None:
    assert "None of your connections can read a price list now" in text(manager.post(READ, follow=True))


def test_viewer_looks_and_does_not_read(client, organization) -> None:
    client.force_login(member_of(organization, Role.VIEWER))
    PriceFactory(sku_id="a")

    assert client.post(READ).status_code == 403
    for url in (COMPARISON, LIST, f"{HISTORY}?provider=fake&sku=a", API_PRICES, API_COMPARISON):
        assert client.get(url).status_code == 200


@pytest.mark.parametrize("url", [COMPARISON, LIST, HISTORY])
def test_anonymous_readers_sign_in_first(client, url) -> None:
    assert client.get(url).status_code == 302
    assert client.get(API_PRICES).status_code in (401, 403)


# ---- API ------------------------------------------------------------------------------------------------------


def test_api_lists_own_and_shared_prices(manager, organization) -> None:
    PriceFactory(sku_id="own", organization=organization, plugin=True, period="hour", amount=1)
    PriceFactory(sku_id="shared")
    strange = PriceFactory(sku_id="strange", organization=OrganizationFactory(), plugin=True)

    found = manager.get(API_PRICES).json()["results"]

    assert [(each["sku_id"], each["is_own"], Decimal(each["monthly_amount"])) for each in found] == [
        ("own", True, Decimal(720)),
        ("shared", False, Decimal(300)),
    ]
    assert manager.get(f"{API_PRICES}{strange.pk}/").status_code == 404


def test_api_tells_history_when_asked(manager) -> None:
    PriceFactory(sku_id="a", amount=1, valid_until=NOW + timedelta(hours=1))
    PriceFactory(sku_id="a", amount=2)

    assert [each["amount"] for each in manager.get(API_PRICES, {"open": "true"}).json()["results"]] == [
        "2.0000000000"
    ]
    assert len(manager.get(API_PRICES, {"sku": "a"}).json()["results"]) == 2


def test_api_compares(manager, server) -> None:
    server_prices()

    found = manager.get(API_COMPARISON, {"resource": server.pk, "traffic": "50"}).json()

    (candidate,) = found["candidates"]
    assert (found["paid_monthly"], found["one_off_cost"]) == ("3750.00", "16200.00")
    assert (candidate["monthly"], candidate["difference"]) == ("3050.00", "-700.00")
    assert {part["word"]: part["monthly"] for part in candidate["parts"]}["vCPU"] == "1200.00"


def test_api_refuses_what_cannot_be(manager) -> None:
    response = manager.get(API_COMPARISON, {"vcpu": "many"})

    assert response.status_code == 400
    assert "vcpu" in response.content.decode()
