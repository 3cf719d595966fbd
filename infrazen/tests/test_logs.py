"""What log lines carry, and what they never carry."""

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import structlog
from django.http import HttpResponse
from django.urls import path

from accounts.models import Membership, Role, User
from accounts.tests.factories import OrganizationFactory
from common import logs
from common.logs import MASK, configuration
from providers.contract.errors import ProviderUnavailable
from providers.emulators.faults import Fault
from providers.emulators.scenario import Scenario
from providers.emulators.server import EmulatorServer
from providers.plugins.beget.provider import BegetProvider
from providers.tests.factories import ConnectionFactory
from syncs import services
from syncs.models import SyncSnapshot, SyncTrigger

NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
CREDENTIALS = {
    "login": "demoprod",
    "api_password": "demo-secret-prod-api",
    "account_password": "demo-secret-prod-account",
}
SECRETS = (CREDENTIALS["api_password"], CREDENTIALS["account_password"])


@contextmanager
def written(style: logs.Style, level: int = logging.DEBUG) -> Iterator[io.StringIO]:
    """What the product's own formatter writes of every logger, whatever the level that settings give it."""
    made = logging.config.DictConfigurator(configuration(level="DEBUG", style=style))
    formatter = made.configure_formatter(made.config["formatters"]["line"])
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    names = [None, *logging.root.manager.loggerDict]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(level)
    logging.root.addHandler(handler)
    try:
        yield stream
    finally:
        logging.root.removeHandler(handler)
        for name, was in before.items():
            logging.getLogger(name).setLevel(was)


def events(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_secrets", {})


def test_json_line_has_its_fields_and_its_letters() -> None:
    with written("json") as stream:
        logging.getLogger("syncs.services").warning("sync %s lost its lease: %s", 7, "аренда")

    (event,) = events(stream)
    assert datetime.fromisoformat(event.pop("timestamp")).tzinfo is not None
    assert event == {
        "level": "warning",
        "logger": "syncs.services",
        "message": "sync 7 lost its lease: аренда",
    }
    assert "аренда" in stream.getvalue()


def test_traceback_is_one_json_line() -> None:
    with written("json") as stream:
        try:
            raise ValueError("no")
        except ValueError:
            logging.getLogger("x").exception("broke")

    (event,) = events(stream)
    assert event["exception"].endswith("ValueError: no")


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize(
    "say",
    [
        lambda log: log.info("signed in", password="hunter2!"),
        lambda log: log.info("signed in", api_key="hunter2!"),
        lambda log: log.info("called", headers={"X-Auth-Token": "hunter2!", "Accept": "a"}),
        lambda log: log.info("called", rows=[{"client_secret": "hunter2!"}]),
        lambda log: log.info("GET /api?login=a&passwd=hunter2!&x=1"),
        lambda log: log.info('got {"access_token": "hunter2!", "x": 1}'),
        lambda log: log.info("sent Authorization: Bearer hunter2!"),
    ],
)
def test_what_is_named_like_a_secret_is_masked(style: logs.Style, say: Callable) -> None:
    with written(style) as stream:
        say(structlog.get_logger("x"))

    assert "hunter2" not in stream.getvalue()
    assert MASK in stream.getvalue()


def test_harmless_fields_stay() -> None:
    with written("json") as stream:
        structlog.get_logger("x").info("sync", found=3, names=["web"], is_token_set=True, at=None)

    event = events(stream)[0]
    assert (event["found"], event["names"], event["is_token_set"], event["at"]) == (3, ["web"], True, None)


@pytest.mark.parametrize("form", [str, repr, lambda value: quote(value, safe=""), lambda value: f"a{value}b"])
def test_value_of_an_opened_credential_is_masked_wherever_it_stands(form: Callable[[str], str]) -> None:
    secret = "p&ss w'rd/ö"
    logs.remember_secrets([secret])

    with written("json") as stream:
        logging.getLogger("x").error("the provider said %s", form(secret))

    message = events(stream)[0]["message"]
    assert MASK in message
    assert "ss w" not in message
    assert "ss%20w" not in message


def test_each_line_of_a_key_is_masked() -> None:
    line = "MIIEvQIBADANBgkqhkiG9w0BAQ"
    logs.remember_secrets([f"-----BEGIN-----\n{line}\n-----END-----"])

    with written("json") as stream:
        logging.getLogger("x").error("near %s", line)

    assert events(stream)[0]["message"] == f"near {MASK}"


def test_remembered_values_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "REMEMBERED", 2)

    logs.remember_secrets(["first", "second", "third"])

    assert list(logs._secrets) == ["second", "third"]


def _page(request):
    logging.getLogger("x").info("inside")
    request.user.is_authenticated and bool(request.organization)
    logging.getLogger("x").info("looked up")
    return HttpResponse()


def _broken(request):
    raise ValueError("broken")


urlpatterns = [path("page", _page), path("broken", _broken)]


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_request_id_person_and_organization_are_on_the_lines(client) -> None:
    user = User.objects.create_user("a@example.com", "a long password")
    organization = OrganizationFactory()
    Membership.objects.create(user=user, organization=organization, role=Role.OWNER)
    client.force_login(user)

    with written("json", logging.INFO) as stream:
        client.get("/page?key=of-nobody")
        client.get("/page")

    lines = events(stream)
    assert [line["message"] for line in lines] == ["inside", "looked up", "request_finished"] * 2
    assert len({line["request_id"] for line in lines[:3]}) == 1
    assert lines[0]["request_id"] != lines[3]["request_id"]
    assert [line.get("organization_id") for line in lines[:3]] == [None, organization.pk, organization.pk]
    assert lines[2]["user_id"] == user.pk
    assert (lines[2]["request"], lines[2]["code"]) == ("GET /page", 200)
    assert "of-nobody" not in stream.getvalue()


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_an_error_is_logged_once_with_the_requests_id(client) -> None:
    client.raise_request_exception = False

    with written("json", logging.INFO) as stream:
        client.get("/broken")

    lines = events(stream)
    assert [line["logger"] for line in lines if "exception" in line] == ["django.request"]
    assert [line["code"] for line in lines if line["message"] == "request_finished"] == [500]
    assert len({line["request_id"] for line in lines}) == 1


@pytest.fixture
def emulator(settings) -> Iterator[EmulatorServer]:
    with EmulatorServer(Scenario.load("demo", anchor=NOW.date()), now=NOW) as server:
        settings.EMULATOR_URL = server.url
        settings.ALLOW_LOOPBACK_PROVIDERS = True
        yield server


def synced() -> SyncSnapshot:
    connection = ConnectionFactory(provider_type="beget", credentials=CREDENTIALS, account_id="")
    snapshot, _joined = services.request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=NOW)
    with suppress(ProviderUnavailable):  # it waits for its next try
        services.run_snapshot(snapshot_id=snapshot.pk, now=NOW)
    snapshot.refresh_from_db()
    return snapshot


FAULTS = {
    "none": None,
    "rejected": Fault(kind="status", status=401),
    "denied": Fault(kind="status", status=403),
    "malformed": Fault(kind="malformed"),
    "an error inside": Fault(
        kind="error", code="AUTH_ERROR", message=f"bad passwd={SECRETS[0]} {SECRETS[1]}"
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_secret_of_a_connection_is_logged_while_its_sync_fails(
    emulator: EmulatorServer, fault: str, style: logs.Style
) -> None:
    if FAULTS[fault]:
        emulator.faults.add(FAULTS[fault])

    with written(style) as stream:
        snapshot = synced()

    text = stream.getvalue()
    assert snapshot.status in ("success" if fault == "none" else ("error", "queued"))
    assert [secret for secret in SECRETS if secret in text] == []
    assert "urllib3" in text, "the quietest library was heard as well"
    if style == "json":
        own = [line for line in events(stream) if line["logger"] == "providers.http.client"]
        assert {line["sync_id"] for line in own} == {snapshot.pk}
        assert {line["organization_id"] for line in own} == {snapshot.organization_id}


@pytest.mark.django_db
@pytest.mark.parametrize("style", ["json", "console"])
def test_a_plugin_that_breaks_with_its_credentials_in_hand_tells_nobody(
    emulator: EmulatorServer, style: logs.Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resources(self):
        logging.getLogger("anybody").debug("reading with %s", dict(self.context.credentials))
        raise RuntimeError(f"could not read with {dict(self.context.credentials)!r}")

    monkeypatch.setattr(BegetProvider, "resources", resources)

    with written(style) as stream:
        snapshot = synced()

    assert snapshot.status == "error"
    assert "could not read with" in stream.getvalue()
    assert "reading with" in stream.getvalue()
    assert [secret for secret in SECRETS if secret in stream.getvalue()] == []
