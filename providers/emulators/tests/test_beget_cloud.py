"""The cloud API: sign-in, paging, schema, figures."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import BegetClient, call, control
from providers.emulators.tests.conftest import NOON
from providers.emulators.tests.schema import Schemas

LISTS = (
    "/v1/vps/server/list",
    "/v1/vps/server/statuses",
    "/v1/vps/configuration",
    "/v1/vps/configurator/info?region=ru1&configuration_group=normal_cpu",
    "/v1/vps/configurator/calculation?params.cpu_count=2&params.memory=2048&params.disk_size=30720&region=ru1",
    "/v1/vps/configurator/calculation?params.cpu_count=two",
    "/v1/vps/region",
    "/v1/vps/network",
    "/v1/vps/snapshot",
    "/v1/vps/snapshot/restore",
    "/v1/vps/backup",
    "/v1/vps/backup/orders?limit=100&offset=0",
    "/v1/vps/sshKey",
    "/v1/image?offset=0&limit=100",
    "/v1/image/region",
    "/v1/cloud?offset=0&limit=100&view=SERVICE_VIEW_FULL",
    "/v1/cloud/configuration",
    "/v1/cloud/projects/list?offset=0&limit=100",
    "/v1/cloud/s3/quota",
    "/v1/cloud/s3/price",
    "/v1/cloud/cdn/price",
    "/v1/cloud/mysql/backup",
    "/v1/cloud/mysql/backup/orders",
    "/v1/cloud/postgresql/backup",
    "/v1/cloud/postgresql/backup/orders",
)
MACHINE_KINDS = ("cpu", "memory", "disk", "disk-usage", "network", "load-average", "cpu-details")
PERIODS = ("HOUR", "DAY", "WEEK", "MONTH")


def test_sign_in_answers_a_token_with_login_and_expiry(lab: EmulatorServer, labone: BegetClient) -> None:
    header, payload, signature = labone.token.split(".")

    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

    assert claims["customerLogin"] == "labone"
    assert claims["exp"] == int((NOON + timedelta(hours=1)).timestamp())
    assert header
    assert signature


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"login": "labone", "password": "wrong"}, "INCORRECT_CREDENTIALS"),
        ({"login": "labone", "password": "lab-secret-api"}, "INCORRECT_CREDENTIALS"),
        ({"login": "nobody", "password": "lab-secret-account"}, "INCORRECT_CREDENTIALS"),
        ({"password": "lab-secret-account"}, "EMPTY_LOGIN"),
        ({"login": "labone"}, "EMPTY_PASSWORD"),
        ({"login": "labcode", "password": "lab-secret-code"}, "CODE_REQUIRED"),
        ({"login": "labcode", "password": "lab-secret-code", "code": "1"}, "INCORRECT_CODE"),
    ],
)
def test_sign_in_refuses(lab: EmulatorServer, body: dict[str, str], error: str) -> None:
    reply = call("POST", f"{lab.url}/beget/cloud/v1/auth", body=json.dumps(body).encode())

    assert (reply.status, reply.json) == (200, {"error": error})


def test_sign_in_with_the_code_succeeds(lab: EmulatorServer) -> None:
    client = BegetClient(lab.url, "labcode", "", "lab-secret-code")

    assert "token" in client.sign_in(code="123456")


@pytest.mark.parametrize("token", ["", "a.b.c", "rubbish"])
def test_reading_without_a_valid_token_is_refused(lab: EmulatorServer, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    reply = call("GET", f"{lab.url}/beget/cloud/v1/vps/server/list", headers=headers)

    assert (reply.status, reply.json) == (401, {"code": 401, "message": "Unauthorized"})


def test_a_token_with_a_changed_payload_is_refused(lab: EmulatorServer, labone: BegetClient) -> None:
    header, payload, signature = labone.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["customerLogin"] = "labmany"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    assert labone.cloud("/v1/vps/server/list", token=f"{header}.{forged}.{signature}").status == 401


def test_a_token_expires_by_the_clock_and_a_refreshed_one_lasts(
    lab: EmulatorServer, labone: BegetClient
) -> None:
    first = labone.token
    lab.clock.advance(timedelta(minutes=40))
    second = labone.cloud("/v1/auth/refresh", method="POST").json["token"]
    lab.clock.advance(timedelta(minutes=20))

    assert labone.cloud("/v1/vps/server/list", token=first).status == 401
    assert labone.cloud("/v1/vps/server/list", token=second).status == 200


def test_a_token_ends_with_sign_out(lab: EmulatorServer, labone: BegetClient) -> None:
    assert labone.cloud("/v1/auth/logout", method="POST").json == {}

    assert labone.cloud("/v1/vps/server/list").status == 401


def test_tokens_keep_accounts_apart(labone: BegetClient, labmany: BegetClient) -> None:
    assert labone.read("/v1/vps/server/list")["total_count"] == 3
    assert labmany.read("/v1/vps/server/list")["total_count"] == 250


def test_pages_hold_a_hundred_at_most_and_together_everything(labmany: BegetClient) -> None:
    pages = [
        labmany.read(f"/v1/vps/server/list?offset={offset}&limit=250")["vps"] for offset in (0, 100, 200, 300)
    ]

    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert len({vps["id"] for page in pages for vps in page}) == 250


def test_a_page_may_be_smaller(labmany: BegetClient) -> None:
    page = labmany.read("/v1/vps/server/list?offset=10&limit=3")

    assert [vps["display_name"] for vps in page["vps"]] == ["web-11", "web-12", "web-13"]
    assert page["total_count"] == 250


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("login", ["labone", "labmany"])
def test_lists_match_the_schema(schemas: Schemas, request: Any, login: str, path: str) -> None:
    client: BegetClient = request.getfixturevalue(login)

    assert schemas.errors("GET", path, client.read(path)) == []


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("login", ["demoprod", "demodev"])
def test_lists_of_the_demo_match_the_schema(schemas: Schemas, request: Any, login: str, path: str) -> None:
    client: BegetClient = request.getfixturevalue(login)

    assert schemas.errors("GET", path, client.read(path)) == []


def test_sign_in_and_refusal_match_the_schema(schemas: Schemas, labone: BegetClient) -> None:
    refused = BegetClient(labone.url, "labone", "", "wrong").sign_in()

    assert schemas.errors("POST", "/v1/auth", labone.sign_in()) == []
    assert schemas.errors("POST", "/v1/auth", refused) == []
    refreshed = labone.cloud("/v1/auth/refresh", method="POST").json
    assert schemas.errors("POST", "/v1/auth/refresh", refreshed) == []


@pytest.mark.parametrize("period", PERIODS)
def test_single_things_and_series_match_the_schema(
    schemas: Schemas, labone: BegetClient, period: str
) -> None:
    vps = labone.read("/v1/vps/server/list")["vps"][0]["id"]
    services = {each["type"]: each["id"] for each in labone.read("/v1/cloud")["service"]}
    paths = [
        f"/v1/vps/server/{vps}",
        f"/v1/vps/{vps}/history",
        f"/v1/vps/{vps}/software",
        *(f"/v1/vps/statistic/{kind}/{vps}" for kind in MACHINE_KINDS),
        *(f"/v1/cloud/{identifier}" for identifier in services.values()),
        f"/v1/cloud/mysql/{services['MYSQL8']}/db",
        f"/v1/cloud/postgresql/{services['POSTGRESQL15']}/db",
        *(f"/v1/cloud/mysql/{services['MYSQL8']}/statistic/{kind}" for kind in MACHINE_KINDS),
        *(f"/v1/cloud/postgresql/{services['POSTGRESQL15']}/statistic/{kind}" for kind in MACHINE_KINDS),
        *(
            f"/v1/cloud/s3/{services['S_3']}/statistic/{kind}"
            for kind in ("quota", "traffic-usage", "network", "count-request")
        ),
        *(
            f"/v1/cloud/cdn/{services['CDN']}/statistic/{kind}"
            for kind in ("traffic-usage", "network", "count-request")
        ),
    ]

    wrong = {path: schemas.errors("GET", path, labone.read(f"{path}?period={period}")) for path in paths}

    assert {path: errors for path, errors in wrong.items() if errors} == {}


def test_an_unknown_identifier_is_not_found_as_text(labone: BegetClient) -> None:
    reply = labone.cloud("/v1/vps/server/0f3a6c1e-0000-0000-0000-000000000000")

    assert (reply.status, reply.body) == (404, b"404 Not Found")


def test_default_values_are_left_out_where_the_scenario_says_so(
    demoprod: BegetClient, demodev: BegetClient
) -> None:
    whole = demoprod.read("/v1/vps/server/list")["vps"][0]
    sparse = demodev.read("/v1/vps/server/list")["vps"][0]

    assert whole["archived"] is False
    assert "archived" not in sparse
    assert demodev.read("/v1/vps/snapshot") == {}


def test_units_follow_the_documentation(labone: BegetClient) -> None:
    vps = labone.read("/v1/vps/server/list")["vps"][0]
    database = next(each for each in labone.read("/v1/cloud")["service"] if each["type"] == "MYSQL8")
    snapshot = labone.read("/v1/vps/snapshot")["snapshot"][0]

    assert vps["configuration"]["memory"] == 2048
    assert (vps["disk_used"], vps["disk_left"]) == ("10240", "20480")
    assert database["mysql8"]["disk_used"] == str(4 * 1024**3)
    assert snapshot["size"] == str(8 * 1024**3)


def test_a_snapshot_outlives_its_server(lab: EmulatorServer, labone: BegetClient) -> None:
    then = control("PUT", lab.url, "clock", {"now": "2026-03-20T12:00:00+03:00"})
    before = labone.read("/v1/vps/snapshot")["snapshot"][0]
    control("PUT", lab.url, "clock", {"now": "2026-03-22T12:00:00+03:00"})
    after = BegetClient(lab.url, "labone", "", "lab-secret-account").read("/v1/vps/snapshot")["snapshot"][0]

    assert then["running"] is False
    assert before["vps_exists"] is True
    assert after["vps_exists"] is False
    assert before["vps_id"] == after["vps_id"]


def test_secrets_are_in_the_answers(labone: BegetClient) -> None:
    vps = labone.read("/v1/vps/server/list")["vps"][0]
    bucket = next(each for each in labone.read("/v1/cloud")["service"] if each["type"] == "S_3")["s3"]

    assert [field["type"] for field in vps["software"]["field_value"]] == ["EMAIL", "PASSWORD"]
    assert bucket["secret_key"] == "demo-secret-secret-media"
    assert bucket["ftp"]["password"] == "demo-secret-ftp-media"


def test_the_calculator_agrees_with_every_price_of_the_demo(
    demoprod: BegetClient, demodev: BegetClient
) -> None:
    for client in (demoprod, demodev):
        for vps in client.read("/v1/vps/server/list")["vps"]:
            size = vps["configuration"]
            answer = client.read(
                f"/v1/vps/configurator/calculation?params.cpu_count={size['cpu_count']}"
                f"&params.memory={size['memory']}&params.disk_size={size['disk_size']}"
                f"&region={size['region']}&configuration_group={size['group']}"
            )

            assert answer["success"]["price_day"] == size["price_day"], vps["display_name"]


def test_usage_times_rate_is_the_price_of_the_demos_buckets(demoprod: BegetClient) -> None:
    monthly = {
        bucket["name"]: bucket["storage_size"] * Decimal(str(bucket["storage_rate"]))
        + bucket["traffic_amount"] * Decimal(str(bucket["traffic_rate"]))
        for bucket in demoprod.read("/v1/cloud/s3/price")["bucket"]
    }

    assert monthly == {"obj-storage-prod": Decimal("6000.00"), "backup-service": Decimal("10000.00")}


@pytest.mark.parametrize(
    "path", ["/v1/vps/subdomain/reserve", "/v1/image/5/link", "/v1/cloud/cdn/x/purge-all-cache"]
)
def test_a_get_that_would_change_something_is_counted(
    lab: EmulatorServer, labone: BegetClient, path: str
) -> None:
    assert labone.read(path) == {}

    assert [(each.method, each.path, each.provider) for each in lab.violations] == [
        ("GET", f"/beget/cloud{path}", "beget")
    ]


def test_a_write_is_counted(lab: EmulatorServer, labone: BegetClient) -> None:
    labone.cloud("/v1/vps/server/x/stop", method="POST")
    labone.cloud("/v1/auth/refresh", method="POST")

    assert [each.path for each in lab.violations] == ["/beget/cloud/v1/vps/server/x/stop"]
