"""The HTTP layer against answers that are played back; nothing sleeps, time moves while somebody waits."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses

from providers.contract.errors import (
    AnswerTooLarge,
    AuthenticationFailed,
    DeadlineExceeded,
    PermissionDenied,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    UnexpectedResponse,
)
from providers.contract.plugin import PluginContext
from providers.http import (
    REDACTED,
    Deadline,
    HttpClient,
    Limits,
    Page,
    Redaction,
    Route,
    TokenBucket,
    offset_pages,
)
from providers.tests.still_clock import StillClock

URL = "https://api.acme.test"
THINGS = f"{URL}/v1/things"
ROUTES = (
    Route(method="GET", path="/v1/things"),
    Route(method="GET", path="/v1/things/{id}"),
    Route(method="POST", path="/v1/token"),
)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def waits() -> list[tuple[float, str]]:
    return []


@pytest.fixture
def played() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def make_client(
    clock: StillClock, waits: list[tuple[float, str]] | None = None, **options: Any
) -> HttpClient:
    context = PluginContext(
        credentials={},
        now=datetime(2026, 4, 1, tzinfo=UTC),
        endpoints=options.pop("endpoints", {}),
        allow_loopback=options.pop("allow_loopback", False),
        deadline_seconds=options.pop("deadline_seconds", 900),
        on_wait=lambda seconds, reason: None if waits is None else waits.append((seconds, str(reason))),
    )
    arguments: dict[str, Any] = {"default_url": URL, "routes": ROUTES, **options}
    return HttpClient(
        context, provider="acme", provider_name="Acme", endpoint="acme.api", clock=clock, **arguments
    )


def read(client: HttpClient, path: str = "/v1/things", **arguments: Any) -> Any:
    return client.get(path, interpret=lambda payload: payload, **arguments)


# ---- what may be sent -----------------------------------------------------------------------------------------


def test_undeclared_call_is_refused_before_it_is_sent(played, clock):
    client = make_client(clock)

    with pytest.raises(RequestRefused) as refused:
        read(client, "/v1/secrets")
    with pytest.raises(RequestRefused):
        client.request("DELETE", "/v1/things", interpret=lambda payload: payload)

    assert len(played.calls) == 0
    assert refused.value.provider == "acme"
    assert refused.value.operation == "GET /v1/secrets"


@pytest.mark.parametrize("value", ["..", ".", "", "a/b", "a\\b", "/"])
def test_segment_that_leaves_its_place_is_refused(played, clock, value):
    with pytest.raises(RequestRefused):
        read(make_client(clock), "/v1/things/{id}", segments={"id": value})

    assert len(played.calls) == 0


def test_segment_is_quoted(played, clock):
    played.get(f"{THINGS}/a%3Fb%20c", json={"id": 1})

    assert read(make_client(clock), "/v1/things/{id}", segments={"id": "a?b c"}) == {"id": 1}


@pytest.mark.parametrize(
    ("endpoint", "allow_loopback"),
    [
        ("http://api.acme.test", False),
        ("http://api.acme.test", True),
        ("http://127.0.0.1:9000", False),
        ("https://127.0.0.1:9000", False),
        ("http://localhost:9000", False),
        ("https://user:password@api.acme.test", False),
        ("ftp://127.0.0.1", True),
    ],
)
def test_base_url_that_is_not_safe_is_refused(clock, endpoint, allow_loopback):
    with pytest.raises(RequestRefused) as refused:
        make_client(clock, endpoints={"acme.api": endpoint}, allow_loopback=allow_loopback)

    assert "password" not in str(refused.value)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:9000"])
def test_loopback_is_reached_without_tls_when_allowed(clock, endpoint):
    client = make_client(clock, endpoints={"acme.api": f"{endpoint}/acme/"}, allow_loopback=True)

    assert client.url == f"{endpoint}/acme"


def test_host_outside_the_list_is_refused(clock):
    with pytest.raises(RequestRefused):
        make_client(clock, default_url="https://elsewhere.test", hosts={"api.acme.test"})


def test_redirect_is_not_followed(played, clock):
    played.get(THINGS, status=302, headers={"Location": "https://evil.test/"})

    with pytest.raises(UnexpectedResponse) as error:
        read(make_client(clock))

    assert error.value.params["status"] == 302
    assert len(played.calls) == 1


# ---- answers --------------------------------------------------------------------------------------------------


def test_numbers_with_a_point_are_exact(played, clock):
    played.get(THINGS, body=b'{"price": 9.73, "count": 3, "text": "1.10", "none": null}')

    payload = read(make_client(clock))

    assert payload == {"price": Decimal("9.73"), "count": 3, "text": "1.10", "none": None}
    assert isinstance(payload["price"], Decimal)


@pytest.mark.parametrize("body", [b'{"answer": [', b"", b"<html></html>", b"\xff\xfe", b'{"a": NaN}'])
def test_answer_that_is_no_json_is_not_asked_for_again(played, clock, body):
    played.get(THINGS, body=body)

    with pytest.raises(UnexpectedResponse):
        read(make_client(clock))

    assert len(played.calls) == 1


def test_answer_without_content_is_none(played, clock):
    played.get(THINGS, status=204)

    assert read(make_client(clock)) is None


def test_answer_that_is_too_large_is_refused(played, clock):
    played.get(THINGS, body=b'"' + b"x" * 200_000 + b'"')

    with pytest.raises(AnswerTooLarge) as error:
        read(make_client(clock, limits=Limits(response_bytes=100_000)))

    assert error.value.params["reason"] == "the answer is too large"


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (401, AuthenticationFailed),
        (403, PermissionDenied),
        (404, UnexpectedResponse),
        (400, UnexpectedResponse),
    ],
)
def test_status_that_does_not_pass_is_not_asked_for_again(played, clock, status, error_class):
    played.get(THINGS, status=status, body=b"not for the reader")

    with pytest.raises(error_class) as error:
        read(make_client(clock))

    assert len(played.calls) == 1
    assert error.value.params["status"] == status
    assert "not for the reader" not in str(error.value)


def test_unreachable_host_is_unavailable(played, clock):
    played.get(THINGS, body=requests.ConnectionError("https://api.acme.test/?key=hidden"))

    with pytest.raises(ProviderUnavailable) as error:
        read(make_client(clock))

    assert len(played.calls) == 5
    assert "hidden" not in str(error.value)


# ---- retries and waits ----------------------------------------------------------------------------------------


def test_unavailable_is_asked_again_with_growing_pauses(played, clock, waits):
    for status in (500, 503, 504):
        played.get(THINGS, status=status)
    played.get(THINGS, json={"ok": True})

    assert read(make_client(clock, waits)) == {"ok": True}
    assert clock.slept == [1.0, 2.0, 4.0]
    assert waits == [(seconds, "provider_unavailable") for seconds in (1.0, 2.0, 4.0)]


def test_pauses_are_spread(played, clock):
    clock.jitter = 0.0
    played.get(THINGS, status=500)
    played.get(THINGS, json={})

    read(make_client(clock))

    assert clock.slept == [0.5]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "3600"}, 60.0),
        ({"Retry-After": "Wed, 01 Apr 2026 09:00:12 GMT", "Date": "Wed, 01 Apr 2026 09:00:00 GMT"}, 12.0),
        ({"Retry-After": "Wed, 01 Apr 2026 08:00:00 GMT", "Date": "Wed, 01 Apr 2026 09:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, 1.0),
        ({}, 1.0),
    ],
)
def test_retry_after_is_honoured_up_to_a_minute(played, clock, waits, headers, seconds):
    played.get(THINGS, status=429, headers=headers)
    played.get(THINGS, json={})

    read(make_client(clock, waits))

    assert clock.slept == [seconds] * bool(seconds)
    assert waits == [(seconds, "rate_limit")] * bool(seconds)


def test_limit_that_stays_is_told_with_its_end(played, clock):
    played.get(THINGS, status=429, headers={"Retry-After": "5"})

    with pytest.raises(RateLimited) as error:
        read(make_client(clock))

    assert error.value.retry_after == 5.0
    assert len(played.calls) == 5
    assert clock.slept == [5.0] * 4


def test_error_inside_an_answer_is_asked_again(played, clock):
    played.get(THINGS, json={"error": "busy"})
    played.get(THINGS, json={"ok": 1})

    def interpret(payload: dict[str, Any]) -> dict[str, Any]:
        if "error" in payload:
            raise ProviderUnavailable("busy", provider="acme", operation="read")
        return payload

    assert make_client(clock).get("/v1/things", interpret=interpret) == {"ok": 1}
    assert clock.slept == [1.0]


def test_host_that_is_down_is_asked_once_a_call_until_it_answers(played, clock):
    client = make_client(clock)
    for _ in range(6):
        played.get(THINGS, status=503)
    with pytest.raises(ProviderUnavailable):
        read(client)
    with pytest.raises(ProviderUnavailable):
        read(client)
    assert len(played.calls) == 6

    played.get(THINGS, json={})
    read(client)
    played.get(THINGS, status=503)
    played.get(THINGS, json={})
    read(client)

    assert len(played.calls) == 9


def test_wait_beyond_the_deadline_is_not_begun(played, clock, waits):
    played.get(THINGS, status=429, headers={"Retry-After": "50"})

    with pytest.raises(DeadlineExceeded):
        read(make_client(clock, waits, deadline_seconds=40))

    assert clock.slept == []
    assert waits == []


def test_call_after_the_deadline_is_not_sent(played, clock):
    client = make_client(clock, deadline_seconds=10)
    clock.passed = 10.0

    with pytest.raises(DeadlineExceeded) as error:
        read(client)

    assert len(played.calls) == 0
    assert error.value.params["seconds"] == 10


def test_deadline_is_shared_by_clients(clock):
    deadline = Deadline(30, clock)
    clock.passed = 12.0

    assert deadline.left() == 18.0


def test_calls_are_paced(played, clock, waits):
    played.get(THINGS, json={})
    client = make_client(clock, waits, bucket=TokenBucket(interval=1.0, clock=clock))

    for _ in range(3):
        read(client)
    clock.passed += 0.25
    read(client)

    assert clock.slept == [1.0, 1.0, 0.75]
    assert waits == [(1.0, "pace"), (1.0, "pace"), (0.75, "pace")]


def test_bucket_lets_a_burst_pass(clock):
    bucket = TokenBucket(interval=2.0, burst=3, clock=clock)

    assert [bucket.reserve() for _ in range(5)] == [0.0, 0.0, 0.0, 2.0, 4.0]


def test_bucket_does_not_save_up_beyond_its_burst(clock):
    bucket = TokenBucket(interval=2.0, burst=2, clock=clock)
    clock.passed = 100.0

    assert [bucket.reserve() for _ in range(3)] == [0.0, 0.0, 2.0]


# ---- secrets --------------------------------------------------------------------------------------------------


def test_secrets_are_replaced_by_name_by_place_and_by_type():
    redaction = Redaction(
        names=frozenset({"pin"}), nested=frozenset({("ftp", "login")}), value_types=frozenset({"PASSWORD"})
    )

    cleaned = redaction.clean(
        {
            "Password": "a",
            "has_password": True,
            "pin": 1234,
            "login": "acme",
            "ftp": {"login": "b", "port": 21, "token": {"value": "c"}},
            "fields": [
                {"type": "PASSWORD", "value": "d", "variable": "password"},
                {"type": "DOMAIN", "value": "acme.test"},
            ],
            "secret_key": "",
            "api_key": None,
        }
    )

    assert cleaned == {
        "Password": REDACTED,
        "has_password": True,
        "pin": REDACTED,
        "login": "acme",
        "ftp": {"login": REDACTED, "port": 21, "token": REDACTED},
        "fields": [
            {"type": "PASSWORD", "value": REDACTED, "variable": "password"},
            {"type": "DOMAIN", "value": "acme.test"},
        ],
        "secret_key": "",
        "api_key": None,
    }


def test_secrets_in_lists_of_a_named_object_are_replaced():
    redaction = Redaction(nested=frozenset({("ftp", "login")}))

    assert redaction.clean({"ftp": [{"login": "a"}]}) == {"ftp": [{"login": REDACTED}]}


def test_nul_characters_are_taken_out():
    assert Redaction().clean({"a": ["x\x00y", {"b": "\x00"}]}) == {"a": ["xy", {"b": ""}]}


def test_secret_that_a_call_is_made_for_is_kept(played, clock):
    played.post(f"{URL}/v1/token", json={"token": "t", "password": "p"})

    payload = make_client(clock).request(
        "POST", "/v1/token", json={}, keep=("token",), interpret=lambda payload: payload
    )

    assert payload == {"token": "t", "password": REDACTED}


def test_log_names_the_call_without_its_query_and_body(played, clock, caplog):
    caplog.set_level(logging.DEBUG)
    played.post(f"{URL}/v1/token", json={"token": "t0ken"})
    client = make_client(clock)

    client.request(
        "POST",
        "/v1/token",
        params={"key": "qu3ry"},
        form={"passwd": "f0rm"},
        headers={"Authorization": "h3ader"},
        interpret=lambda payload: payload,
    )

    assert "POST /v1/token -> 200 in 0.000 s" in caplog.messages
    assert not any(secret in caplog.text for secret in ("qu3ry", "f0rm", "h3ader", "t0ken"))


# ---- pages ----------------------------------------------------------------------------------------------------


def pages(answers: list[Page], limit: int = 2) -> tuple[list[Any], list[int]]:
    offsets: list[int] = []

    def fetch(offset: int, size: int) -> Page:
        assert size == limit
        offsets.append(offset)
        return answers[len(offsets) - 1]

    items = offset_pages(
        fetch, limit=limit, identity=lambda item: item, provider="acme", operation="GET /v1/things"
    )
    return list(items), offsets


def test_pages_end_with_the_total():
    answers = [Page(items=[1, 2], total_count=3), Page(items=[3], total_count=3)]

    assert pages(answers) == ([1, 2, 3], [0, 2])


def test_short_page_ends_nothing():
    answers = [Page(items=[1]), Page(items=[2, 3]), Page(items=[])]

    assert pages(answers) == ([1, 2, 3], [0, 1, 3])


def test_list_that_ends_before_its_total_is_broken():
    with pytest.raises(UnexpectedResponse):
        pages([Page(items=[1, 2], total_count=5), Page(items=[], total_count=5)])


def test_list_that_does_not_move_on_is_broken():
    with pytest.raises(UnexpectedResponse):
        pages([Page(items=[1, 2]), Page(items=[1, 2])])


def test_list_that_changed_meanwhile_is_read_again():
    """1 was deleted after the first page, so 3 slid to the place that had been read already."""
    answers = [
        Page(items=[1, 2], total_count=5),
        Page(items=[4, 5], total_count=4),
        Page(items=[2, 3], total_count=4),
        Page(items=[4, 5], total_count=4),
    ]

    assert pages(answers) == ([1, 2, 4, 5, 3], [0, 2, 0, 2])
