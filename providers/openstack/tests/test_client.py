"""Tokens, catalogue and calls over recorded answers: what leaves the process, where to, and what failures become."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
import responses
from keystoneauth1.access.access import AccessInfo

from providers.contract.errors import (
    AuthenticationFailed,
    DeadlineExceeded,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    UnexpectedResponse,
)
from providers.contract.plugin import PluginContext
from providers.contract.records import ScopeStatus
from providers.contract.trace import CallName
from providers.http import Clock, Route
from providers.openstack.client import (
    AllowedHosts,
    Cloud,
    Login,
    SecondFactorRequired,
    ServiceClient,
    public_urls,
)
from providers.openstack.inventory import Inventory, Project, service_url

from .conftest import AUTH, NOW

NOVA = "https://nova.example.org/v2.1"
CINDER = "https://cinder.example.org/v3/p1"
SERVERS = f"{NOVA}/servers/detail"


def token(*entries: dict[str, Any]) -> dict[str, Any]:
    catalogue = entries or (entry("compute", NOVA), entry("volumev3", CINDER))
    return {
        "token": {
            "methods": ["password"],
            "user": {"id": "u1", "name": "reader", "domain": {"id": "d1", "name": "acme"}},
            "project": {"id": "p1", "name": "prod", "domain": {"id": "d1", "name": "acme"}},
            "issued_at": "2026-03-03T09:00:00.000000Z",
            "expires_at": "2099-03-04T09:00:00.000000Z",
            "roles": [{"id": "r1", "name": "reader"}],
            "catalog": list(catalogue),
        }
    }


def entry(kind: str, url: str, *, region: str = "ru-3") -> dict[str, Any]:
    public = {"id": kind, "interface": "public", "region": region, "region_id": region, "url": url}
    admin = {**public, "id": f"{kind}-admin", "interface": "admin", "url": "http://10.0.0.1:8774/v2.1"}
    return {"type": kind, "name": kind, "id": kind, "endpoints": [admin, public]}


def sign_in(*entries: dict[str, Any], number: int = 1) -> None:
    responses.post(
        f"{AUTH}/auth/tokens", json=token(*entries), status=201, headers={"X-Subject-Token": f"tok-{number}"}
    )


@pytest.fixture
def compute(cloud: Cloud, login: Login) -> ServiceClient:
    return ServiceClient(
        cloud,
        login,
        url=NOVA,
        routes=[Route(method="GET", path="/servers/detail")],
        headers={"OpenStack-API-Version": "compute 2.69"},
    )


def inventory(cloud: Cloud) -> Inventory:
    return Inventory(cloud, auth_url=AUTH, versions={"compute": "2.69"})


def servers(client: ServiceClient) -> Any:
    return client.get("/servers/detail", interpret=lambda body: body["servers"])


@responses.activate
def test_a_call_carries_token_and_version(compute):
    sign_in()
    responses.get(SERVERS, json={"servers": []})

    assert servers(compute) == []

    sent = responses.calls[-1].request
    assert (sent.headers["X-Auth-Token"], sent.headers["OpenStack-API-Version"]) == ("tok-1", "compute 2.69")


@responses.activate
def test_a_token_that_is_refused_is_renewed_once(compute):
    sign_in(number=1)
    sign_in(number=2)
    responses.get(SERVERS, status=401)
    responses.get(SERVERS, json={"servers": [{"id": "a"}]})

    assert servers(compute) == [{"id": "a"}]

    tokens = [
        call.request.headers["X-Auth-Token"] for call in responses.calls if call.request.method == "GET"
    ]
    assert tokens == ["tok-1", "tok-2"]


@responses.activate
def test_sign_ins_on_the_way_are_counted_with_their_call(cloud, login):
    client = ServiceClient(
        cloud,
        login,
        url=NOVA,
        routes=[Route(method="GET", path="/servers/detail")],
        api="compute",
        region="ru-3",
    )
    sign_in(number=1)
    sign_in(number=2)
    responses.get(SERVERS, status=401)
    responses.get(SERVERS, json={"servers": []})

    servers(client)

    (call,) = cloud.context.trace.figures().calls
    assert call.name == CallName(api="compute", call="GET /servers/detail", region="ru-3")
    assert call.statuses == {"201": 2, "401": 1, "200": 1}


@responses.activate
def test_a_sign_in_alone_is_a_call_of_the_identity_service(cloud, login):
    sign_in()

    ServiceClient(cloud, login, url=AUTH, routes=()).access()

    (call,) = cloud.context.trace.figures().calls
    assert call.name == CallName(api="identity", call="POST /auth/tokens")
    assert (call.statuses, call.size_bytes > 0) == ({"201": 1}, True)
    assert "s3cret" not in repr(call)


@responses.activate
def test_a_second_refusal_is_the_end(compute):
    sign_in()
    responses.get(SERVERS, status=401)

    with pytest.raises(AuthenticationFailed):
        servers(compute)

    assert sum(call.request.method == "GET" for call in responses.calls) == 2


@responses.activate
def test_signing_in_is_tried_again_when_the_cloud_is_busy(compute, clock):
    responses.post(f"{AUTH}/auth/tokens", status=503, headers={"Retry-After": "7"})
    sign_in()
    responses.get(SERVERS, json={"servers": []})

    assert servers(compute) == []
    assert clock.slept == [7.0]


@responses.activate
@pytest.mark.parametrize(
    ("status", "error"),
    [(429, RateLimited), (413, RateLimited), (500, ProviderUnavailable), (504, ProviderUnavailable)],
)
def test_a_long_retry_after_is_capped_and_the_last_try_says_why(compute, clock, status, error):
    sign_in()
    responses.get(SERVERS, status=status, headers={"Retry-After": "3600"})

    with pytest.raises(error):
        servers(compute)

    assert clock.slept == [60.0] * 4


@responses.activate
def test_a_redirect_is_not_followed(compute):
    sign_in()
    responses.get(SERVERS, status=302, headers={"Location": "https://evil.example.net/"})

    with pytest.raises(UnexpectedResponse):
        servers(compute)

    assert {call.request.url.split("/")[2] for call in responses.calls} == {
        "keystone.example.org",
        "nova.example.org",
    }


@responses.activate
def test_a_version_that_is_not_spoken_is_said_clearly(compute):
    sign_in()
    responses.get(SERVERS, status=406, json={"choices": []})

    with pytest.raises(UnexpectedResponse) as raised:
        servers(compute)

    assert "does not speak the API version “compute 2.69”" in str(raised.value)


@responses.activate
def test_a_wrong_password_stands_in_no_message(compute):
    responses.post(
        f"{AUTH}/auth/tokens", status=401, json={"error": {"code": 401, "message": "s3cret is wrong"}}
    )

    with pytest.raises(AuthenticationFailed) as raised:
        servers(compute)

    told = "".join(traceback.format_exception(raised.value))
    assert "s3cret" not in f"{raised.value} {raised.value.params} {told}"


@responses.activate
def test_a_sign_in_that_is_forbidden_is_one_that_is_not_accepted(compute):
    responses.post(f"{AUTH}/auth/tokens", status=403, json={"error": {"code": 403}})

    with pytest.raises(AuthenticationFailed, match="rejected the credentials"):
        servers(compute)


@responses.activate
def test_a_second_factor_that_is_asked_for_is_named(compute):
    responses.post(
        f"{AUTH}/auth/tokens",
        status=401,
        headers={"Openstack-Auth-Receipt": "gAAAA"},
        json={
            "receipt": {"methods": ["password"], "expires_at": "2026-04-01T09:05:00.000000Z"},
            "required_auth_methods": [["password", "totp"]],
        },
    )

    with pytest.raises(SecondFactorRequired, match="Acme asks for a second factor"):
        servers(compute)


@responses.activate
@pytest.mark.parametrize("body", ["<html>busy</html>", "", '{"token": null}', "[]"])
def test_a_sign_in_without_a_token_is_an_unexpected_response(compute, body):
    responses.post(f"{AUTH}/auth/tokens", status=201, body=body)

    with pytest.raises(UnexpectedResponse):
        servers(compute)


@pytest.mark.parametrize(
    "url", ["https://nova.example.net/v2.1", "http://nova.example.org/v2.1", "http://127.0.0.1:8774/v2.1"]
)
@responses.activate
def test_an_endpoint_elsewhere_is_refused_and_nothing_is_sent(cloud, login, url):
    sign_in(entry("compute", url), entry("volumev3", CINDER))
    responses.get(f"{CINDER}/volumes/detail", json={"volumes": []})
    responses.get(f"{CINDER}/snapshots/detail", json={"snapshots": []})
    responses.get(f"{CINDER}/backups/detail", status=404)
    reader = inventory(cloud)
    (project,) = reader.enter([login])

    results = {result.scope[-1]: result for result in reader.records([project])}

    assert results["servers"].error_code == "request_refused"
    assert results["volumes"].status is ScopeStatus.COMPLETE
    assert results["backups"].status is ScopeStatus.ABSENT
    assert results["shares"].status is ScopeStatus.ABSENT
    assert not any(url in call.request.url for call in responses.calls)


def test_a_sign_in_address_elsewhere_is_refused(cloud):
    login = Login.password("https://keystone.example.net/v3", username="a", password="b", domain="c")
    client = ServiceClient(cloud, login, url=NOVA, routes=())

    with pytest.raises(RequestRefused):
        client.access()


@responses.activate
def test_only_public_endpoints_count(cloud, login):
    sign_in()
    (project,) = inventory(cloud).enter([login])

    assert isinstance(project, Project)
    assert project.urls("compute") == {"ru-3": NOVA}
    assert project.urls("volumev3", "block-storage") == {"ru-3": CINDER}
    assert project.urls("metric") == {}


@responses.activate
def test_the_catalogue_is_searched_once_however_many_lists_ask(cloud, login, monkeypatch):
    sign_in()
    asked: list[AccessInfo] = []
    monkeypatch.setattr(
        "providers.openstack.inventory.public_urls",
        lambda access: asked.append(access) or public_urls(access),
    )
    (project,) = inventory(cloud).enter([login])

    assert project.urls("compute") == project.urls("compute") == {"ru-3": NOVA}
    assert len(asked) == 1


@responses.activate
def test_a_project_that_is_not_open_is_denied_by_name(cloud, login):
    responses.post(f"{AUTH}/auth/tokens", status=401)

    (result,) = inventory(cloud).enter([login])

    assert (result.scope, result.status) == (("project", "p1"), ScopeStatus.DENIED)
    assert "project “prod”" in result.message % result.params


@responses.activate
def test_time_that_is_over_ends_every_list(clock, login):
    cloud = Cloud(
        context=PluginContext(credentials={}, now=NOW, deadline_seconds=5),
        provider="acme",
        provider_name="Acme",
        hosts=AllowedHosts(".example.org"),
        clock=Clock(sleep=clock.sleep, monotonic=clock.monotonic, spread=clock.spread),
    )
    client = ServiceClient(cloud, login, url=NOVA, routes=[Route(method="GET", path="/servers/detail")])
    clock.passed = 6

    with pytest.raises(DeadlineExceeded):
        servers(client)

    assert len(responses.calls) == 0


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("https://n/network", "/v2.0", "https://n/network/v2.0"),
        ("https://n/network/v2.0", "/v2.0", "https://n/network/v2.0"),
        ("https://n/lb", "/v2/lbaas", "https://n/lb/v2/lbaas"),
        ("https://n/lb/v2.0", "/v2/lbaas", "https://n/lb/v2/lbaas"),
        ("https://n/lb/v2", "/v2/lbaas", "https://n/lb/v2/lbaas"),
        ("https://n/image", "/v2", "https://n/image/v2"),
        ("https://n/volume/v3/p1", "", "https://n/volume/v3/p1"),
    ],
)
def test_catalogue_urls_get_the_version_that_they_lack(url, base, expected):
    assert service_url(url, base) == expected


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("a.example.org", True),
        ("EXAMPLE.net", True),
        ("example.org", False),
        ("evil-example.org", False),
        ("", False),
    ],
)
def test_hosts_are_names_or_domains(host, is_allowed):
    assert (host in AllowedHosts(".example.org", "example.net", "")) is is_allowed
