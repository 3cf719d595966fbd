"""Every fault, over the wire."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from http.client import IncompleteRead
from typing import Any

import pytest

from providers.emulators.faults import Fault
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.emulators.tests.client import BegetClient, call, control
from providers.emulators.tests.conftest import ANCHOR, NOON

LIST = "/v1/vps/server/list"


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_status_replaces_the_answer_of_its_family(
    lab: EmulatorServer, labone: BegetClient, status: int
) -> None:
    labone.read(LIST)
    lab.faults.add(Fault(kind="status", status=status, family="beget.cloud"))

    assert labone.cloud(LIST).status == status
    assert len(labone.result("ftp/getList")) == 1


def test_too_many_requests_with_and_without_a_delay(lab: EmulatorServer, labone: BegetClient) -> None:
    labone.read(LIST)
    lab.faults.add(Fault(kind="status", status=429, retry_after=7, count=1))
    lab.faults.add(Fault(kind="status", status=429, path="v1/vps"))

    first, second = labone.cloud(LIST), labone.cloud(LIST)

    assert (first.status, first.headers.get("retry-after")) == (429, "7")
    assert (second.status, second.headers.get("retry-after")) == (429, None)


def test_a_count_ends_a_fault(lab: EmulatorServer, labone: BegetClient) -> None:
    labone.read(LIST)
    lab.faults.add(Fault(kind="status", status=503, count=2))

    assert [labone.cloud(LIST).status for _ in range(3)] == [503, 503, 200]


def test_a_fault_strikes_one_account_and_one_path_only(
    lab: EmulatorServer, labone: BegetClient, labmany: BegetClient
) -> None:
    lab.faults.add(Fault(kind="status", status=503, account="labone", path="/v1/vps/server"))

    assert labone.cloud(LIST).status == 503
    assert labone.cloud("/v1/vps/snapshot").status == 200
    assert labmany.cloud(LIST).status == 200


def test_a_fault_strikes_sign_in_by_the_login_in_its_body(lab: EmulatorServer, labone: BegetClient) -> None:
    lab.faults.add(Fault(kind="code_required", family="beget.cloud", account="labone"))

    assert labone.sign_in() == {"error": "CODE_REQUIRED"}


def test_other_refusals_of_sign_in_can_be_named(lab: EmulatorServer, labone: BegetClient) -> None:
    lab.faults.add(Fault(kind="error", code="IP_BLOCKED", path="v1/auth"))

    assert labone.sign_in() == {"error": "IP_BLOCKED"}


def test_slow_is_late_and_right(lab: EmulatorServer, labone: BegetClient) -> None:
    labone.read(LIST)
    lab.faults.add(Fault(kind="slow", seconds=0.2))

    started = time.monotonic()
    answer = labone.read(LIST)

    assert time.monotonic() - started >= 0.2
    assert answer["total_count"] == 3


def test_cut_ends_the_connection_in_the_middle_of_the_body(lab: EmulatorServer, labone: BegetClient) -> None:
    labone.read(LIST)
    lab.faults.add(Fault(kind="cut"))

    with pytest.raises(IncompleteRead):
        labone.cloud(LIST)


def test_malformed_is_not_json(lab: EmulatorServer, labone: BegetClient) -> None:
    labone.read(LIST)
    lab.faults.add(Fault(kind="malformed"))

    reply = labone.cloud(LIST)

    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (Fault(kind="missing_field", field="status"), "absent"),
        (Fault(kind="null_field", field="status"), None),
        (Fault(kind="unknown_value", field="status"), "NOT_SEEN_BEFORE"),
        (Fault(kind="unknown_value", field="status", value="FROZEN"), "FROZEN"),
    ],
)
def test_fields_are_distorted(lab: EmulatorServer, labone: BegetClient, fault: Fault, seen: Any) -> None:
    labone.read(LIST)
    lab.faults.add(fault)

    assert {vps.get("status", "absent") for vps in labone.read(LIST)["vps"]} == {seen}


def test_the_hosting_envelope_survives_a_field_that_is_missing_inside(
    lab: EmulatorServer, labone: BegetClient
) -> None:
    lab.faults.add(Fault(kind="missing_field", field="user_balance", family="beget.hosting"))

    assert "user_balance" not in labone.result("user/getAccountInfo")


def test_a_rate_limit_has_each_familys_own_shape(lab: EmulatorServer, labone: BegetClient) -> None:
    labone.read(LIST)
    lab.faults.add(Fault(kind="rate_limit"))

    assert labone.error("domain/getList")[0] == "LIMIT_ERROR"
    assert labone.cloud(LIST).status == 429


def test_a_section_can_be_switched_off(lab: EmulatorServer, labone: BegetClient) -> None:
    lab.faults.add(Fault(kind="section_disabled", family="beget.hosting", path="api/mysql"))

    assert labone.error("mysql/getList") == ("ACCESS_DENIED", "Cannot access method mysql")
    assert len(labone.result("ftp/getList")) == 1


def test_the_account_section_refuses_like_a_wrong_password(lab: EmulatorServer, labone: BegetClient) -> None:
    lab.faults.add(Fault(kind="section_disabled", path="api/user"))

    assert labone.hosting("user/getAccountInfo")["error_code"] == "AUTH_ERROR"


def test_errors_inside_http_200(lab: EmulatorServer, labone: BegetClient) -> None:
    lab.faults.add(Fault(kind="error", path="api/domain"))
    lab.faults.add(Fault(kind="error", path="api/site", code="AUTH_ERROR", message="No access"))
    lab.faults.add(Fault(kind="error", path="v1/vps"))

    assert labone.error("domain/getList") == ("METHOD_FAILED", "Internal error")
    assert labone.hosting("site/getList")["error_code"] == "AUTH_ERROR"
    assert labone.read(LIST) == {
        "error": {"code": "TEMPORARILY_UNAVAILABLE", "message": "Temporarily unavailable"}
    }


def test_a_scheduled_fault_strikes_in_its_window_and_again_after_going_back(
    demo: EmulatorServer, demoprod: BegetClient, demodev: BegetClient
) -> None:
    def answers(now: str) -> int:
        control("PUT", demo.url, "clock", {"now": now})
        return call("GET", f"{demo.url}/beget/hosting/api/domain/getList?login=demoprod").status

    noon, later = "2026-03-31T12:00:00+03:00", "2026-03-31T12:10:00+03:00"

    assert [answers(now) for now in (noon, noon, later)] == [429, 429, 200]
    assert len(demodev.result("domain/getList")) == 3
    assert answers(noon) == 429


def test_a_scheduled_fault_with_a_count_strikes_so_often_and_again_after_going_back() -> None:
    window = {"from_day": 0, "from_time": "11:00", "until_day": 0, "until_time": "13:00"}
    fault = {"kind": "status", "status": 503, "count": 1, **window}
    scenario = Scenario.from_mapping({"beget": {}, "faults": [fault]}, anchor=ANCHOR)

    with EmulatorServer(scenario, now=NOON) as server:
        first = [call("GET", f"{server.url}/beget/cloud/v1/vps").status for _ in range(2)]
        server.set_clock(NOON - timedelta(days=1))
        server.set_clock(NOON)
        second = call("GET", f"{server.url}/beget/cloud/v1/vps").status

    assert (first, second) == ([503, 401], 503)


def test_faults_are_driven_over_http(lab: EmulatorServer, labone: BegetClient) -> None:
    labone.read(LIST)

    control("PUT", lab.url, "faults", [{"kind": "status", "status": 503, "family": "beget.cloud"}])
    assert labone.cloud(LIST).status == 503
    [known] = control("GET", lab.url, "faults")["faults"]
    assert (known["kind"], known["hits"], known["scheduled"]) == ("status", 1, False)
    control("PUT", lab.url, "faults", [{"kind": "status", "status": 500}])
    assert labone.cloud(LIST).status == 500
    assert control("DELETE", lab.url, "faults") == {"faults": []}
    assert labone.cloud(LIST).status == 200


@pytest.mark.parametrize(
    "fault", [{"kind": "flood"}, {"status": 500}, {"kind": "status", "colour": "red"}, {"kind": "null_field"}]
)
def test_a_fault_nobody_knows_is_refused(lab: EmulatorServer, fault: dict[str, Any]) -> None:
    reply = call("POST", f"{lab.url}/_control/faults", body=json.dumps(fault).encode())

    assert reply.status == 400
    assert control("GET", lab.url, "faults") == {"faults": []}


def test_a_slow_answer_does_not_keep_the_server_from_stopping(lab: EmulatorServer) -> None:
    lab.faults.add(Fault(kind="slow", seconds=60))
    waiting = threading.Thread(
        target=lambda: call("GET", f"{lab.url}/beget/cloud/v1/vps/region"), daemon=True
    )
    waiting.start()
    while not lab.faults.as_json()[0]["hits"]:
        time.sleep(0.01)

    started = time.monotonic()
    lab.stop()

    assert time.monotonic() - started < 5
    waiting.join(timeout=5)
    assert not waiting.is_alive()
