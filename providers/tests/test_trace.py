"""The trace of a reading: what the HTTP layer counts, and that it stays small, exact and silent about secrets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import responses

from providers.contract.errors import PermissionDenied, ProviderUnavailable
from providers.contract.plugin import PluginContext
from providers.contract.trace import (
    MAX_CALLS,
    MAX_STATUSES,
    MAX_TEXT,
    NO_ANSWER,
    OTHER_STATUS,
    CallFigures,
    CallName,
    ReadingTrace,
    WaitKind,
)
from providers.http import HttpClient, Limits, Route, TokenBucket
from providers.tests.still_clock import StillClock

URL = "https://api.acme.test"
THINGS = f"{URL}/v1/things"
LIST = CallName(api="cloud", call="GET /v1/things")


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def trace(clock: StillClock) -> ReadingTrace:
    return ReadingTrace(monotonic=clock.monotonic)


@pytest.fixture
def played() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def make_client(trace: ReadingTrace, clock: StillClock, **options: Any) -> HttpClient:
    return HttpClient(
        PluginContext(credentials={}, now=datetime(2026, 4, 1, tzinfo=UTC), trace=trace),
        provider="acme",
        provider_name="Acme",
        endpoint="acme.cloud",
        default_url=URL,
        routes=[Route(method="GET", path="/v1/things"), Route(method="GET", path="/v1/things/{id}")],
        clock=clock,
        **options,
    )


def read(client: HttpClient, path: str = "/v1/things", **arguments: Any) -> Any:
    return client.get(path, interpret=lambda payload: payload, **arguments)


def only_call(trace: ReadingTrace) -> CallFigures:
    (call,) = trace.figures().calls
    return call


# ---- what the client counts -----------------------------------------------------------------------------------


def test_calls_are_counted_with_their_answers_seconds_and_bytes(played, trace, clock):
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        clock.passed += 0.25
        return 200, {}, '{"things": []}'

    played.add_callback("GET", THINGS, callback=answer)
    client = make_client(trace, clock)

    with trace.step("resources") as step:
        read(client)
        read(client, params={"offset": 100})
        step.record_count += 7

    call = only_call(trace)
    assert (call.step, call.name, call.request_count) == ("resources", LIST, 2)
    assert (call.statuses, call.repeat_count, call.given_up_count) == ({"200": 2}, 0, 0)
    assert (call.wire_seconds, call.slowest_seconds, call.size_bytes) == (0.5, 0.25, 28)
    (step,) = trace.figures().steps
    assert (step.name, step.seconds, step.record_count, step.error_code) == ("resources", 0.5, 7, "")
    assert (trace.figures().seconds, trace.figures().request_count) == (0.5, 2)


def test_a_wait_that_the_provider_asked_for_is_told_from_our_own_patience(played, trace, clock):
    played.get(THINGS, status=429, headers={"Retry-After": "12"})
    played.get(THINGS, status=503)
    played.get(THINGS, body=requests.ConnectionError())
    played.get(THINGS, json={})

    read(make_client(trace, clock, limits=Limits(backoff_seconds=1)))

    call = only_call(trace)
    assert call.statuses == {"429": 1, "503": 1, NO_ANSWER: 1, "200": 1}
    assert (call.request_count, call.repeat_count, call.given_up_count) == (4, 3, 0)
    assert call.wait_seconds == {WaitKind.ASKED: 12.0, WaitKind.BACK_OFF: 2.0 + 4.0}
    assert trace.figures().wait_seconds == {WaitKind.ASKED: 12.0, WaitKind.BACK_OFF: 6.0}


def test_the_pace_that_we_keep_is_counted(played, trace, clock):
    played.get(THINGS, json={})
    client = make_client(trace, clock, bucket=TokenBucket(interval=1, clock=clock))

    for _ in range(3):
        read(client)

    assert only_call(trace).wait_seconds == {WaitKind.PACE: 2.0}


def test_a_call_that_is_given_up_says_after_how_many_tries(played, trace, clock):
    played.get(THINGS, status=503)
    client = make_client(trace, clock, limits=Limits(attempts=3))

    for _ in range(2):  # the second call asks once: the provider is known to be down
        with pytest.raises(ProviderUnavailable), trace.step("resources"):
            read(client)

    call = only_call(trace)
    assert (call.request_count, call.given_up_count, call.tries) == (4, 2, 3)
    assert trace.figures().steps[0].error_code == "provider_unavailable"


def test_a_refused_call_is_an_answer_and_not_given_up(played, trace, clock):
    played.get(THINGS, status=403)

    with pytest.raises(PermissionDenied):
        read(make_client(trace, clock))

    call = only_call(trace)
    assert (call.statuses, call.given_up_count) == ({"403": 1}, 0)


def test_region_and_part_of_the_provider_are_told(played, trace, clock):
    played.get(THINGS, json={})

    read(make_client(trace, clock, api="compute", region="ru-3"))

    assert only_call(trace).name == CallName(api="compute", call="GET /v1/things", region="ru-3")


def test_no_secret_and_no_address_comes_into_a_trace(played, trace, clock):
    played.get(
        f"{THINGS}/s3cret-segment", status=429, body="s3cret-body", headers={"X-Secret": "s3cret-answer"}
    )
    client = make_client(trace, clock, limits=Limits(attempts=2))

    with pytest.raises(ProviderUnavailable), trace.step("resources"):
        read(
            client,
            "/v1/things/{id}",
            segments={"id": "s3cret-segment"},
            params={"token": "s3cret-query"},
            headers={"Authorization": "Bearer s3cret-header"},
        )

    told = repr(trace.figures())
    assert "GET /v1/things/{id}" in told
    assert "s3cret" not in told
    assert "acme.test" not in told


# ---- its own promises -----------------------------------------------------------------------------------------


def test_a_trace_stays_small_whatever_is_asked_and_answered():
    trace = ReadingTrace()

    with trace.step("resources"):
        for number in range(10 * MAX_CALLS):
            name = CallName(api="a" * 1000, call=f"GET /{number}", region="r" * 1000)
            trace.answered(name, status=100 + number % 900, seconds=1, size_bytes=1)
        for status in range(100, 1000):
            trace.answered(LIST, status=status, seconds=0)

    figures = trace.figures()
    assert len(figures.calls) == MAX_CALLS + 1
    assert figures.request_count == 10 * MAX_CALLS + 900
    assert sum(sum(call.statuses.values()) for call in figures.calls) == figures.request_count
    (rest,) = [call for call in figures.calls if call.name == CallName()]
    assert rest.statuses[OTHER_STATUS] > 0
    assert max(len(call.statuses) for call in figures.calls) == MAX_STATUSES + 1
    assert max(len(call.name.api) for call in figures.calls) == MAX_TEXT


def test_threads_lose_nothing():
    trace = ReadingTrace()
    names = [CallName(api="compute", call="GET /servers", region=region) for region in ("ru-1", "ru-2")]
    together = threading.Barrier(8)

    def ask(number: int) -> None:
        together.wait(timeout=10)
        for _ in range(500):
            name = names[number % 2]
            trace.answered(name, status=200, seconds=1, size_bytes=1)
            trace.received(name, seconds=1, request_seconds=2, size_bytes=2)
            trace.repeated(name)
            with trace.waiting(name, WaitKind.PACE):
                pass

    with trace.step("resources"), ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))

    calls = trace.figures().calls
    assert {call.name for call in calls} == set(names)
    for call in calls:
        assert (call.request_count, call.statuses, call.repeat_count) == (2000, {"200": 2000}, 2000)
        assert (call.wire_seconds, call.size_bytes, call.step) == (4000, 6000, "resources")


def test_waits_at_the_same_time_count_once_by_the_clock(clock):
    trace = ReadingTrace(monotonic=clock.monotonic)
    other = CallName(api="network", call="GET /ports")

    with trace.waiting(LIST, WaitKind.ASKED):
        clock.passed += 4
        with trace.waiting(other, WaitKind.ASKED):
            clock.passed += 4
    with trace.waiting(LIST, WaitKind.ASKED):
        clock.passed += 2

    figures = trace.figures()
    assert {call.name: call.wait_seconds[WaitKind.ASKED] for call in figures.calls} == {
        LIST: 10.0,
        other: 4.0,
    }
    assert figures.wait_seconds == {WaitKind.ASKED: 10.0}


def test_a_wait_that_is_broken_off_ends_too(clock):
    trace = ReadingTrace(monotonic=clock.monotonic)

    with suppress(RuntimeError), trace.waiting(LIST, WaitKind.PACE):
        clock.passed += 3
        raise RuntimeError

    assert trace.figures().wait_seconds == {WaitKind.PACE: 3.0}


def test_figures_are_a_copy():
    trace = ReadingTrace()
    trace.answered(LIST, status=200, seconds=1)
    before = trace.figures()

    trace.answered(LIST, status=200, seconds=1)
    trace.answered(LIST, status=500, seconds=1)

    assert (before.calls[0].request_count, before.calls[0].statuses) == (1, {"200": 1})
