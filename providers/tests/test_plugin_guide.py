"""The worked example of docs/plugins.md: it is the text of the guide, it keeps the contract, and the product reads it."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from accounts.tests.factories import OrganizationFactory, member_of
from providers import registry, services
from providers.contract.errors import AuthenticationFailed, UnexpectedResponse
from providers.models import ProviderConnection
from providers.tests.still_clock import StillClock
from syncs.models import ResourceState, ScopeCoverage, SnapshotTotal, SyncStatus, SyncTrigger
from syncs.services import request_sync, run_snapshot

DOCS = Path(settings.BASE_DIR) / "docs"
GUIDE = (DOCS / "plugins.md").read_text(encoding="utf-8")
PACKAGE = DOCS / "examples" / "infrazen_example"

sys.path.insert(0, str(PACKAGE))  # what installing it would do
conformance = importlib.import_module("infrazen_example.tests.test_conformance")
cloud_module = importlib.import_module("infrazen_example.tests.cloud")
provider_module = importlib.import_module("infrazen_example.provider")

NOON = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
ONE = datetime(2026, 4, 1, 10, 0, tzinfo=UTC)
BLOCK = re.compile(r"^(?:<!-- from ([\w./]+) -->\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = "console"


class TestExampleConforms(conformance.TestExampleConforms):
    """The example's own tests, run here."""


def test_guide_shows_the_text_of_the_example() -> None:
    shown = BLOCK.findall(GUIDE)

    unmarked = [text for path, language, text in shown if not path and language != SHELL]
    drifted = [
        path for path, _, text in shown if path and text not in (PACKAGE / path).read_text(encoding="utf-8")
    ]
    assert unmarked == []
    assert drifted == []


def test_guide_shows_every_module_of_the_example() -> None:
    shown = {path for path, _, _ in BLOCK.findall(GUIDE)}

    modules = {f"infrazen_example/{name}.py" for name in ("client", "normalize", "provider")}
    assert modules | {"pyproject.toml", "infrazen_example/tests/test_conformance.py"} <= shown


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example as pip would leave it: its entry points in the metadata of a distribution."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = tmp_path / "infrazen_example-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = project["entry-points"][registry.GROUP]
    lines = [f"{name} = {target}\n" for name, target in points.items()]
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{''.join(lines)}")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.plugins.cache_clear()
    yield
    registry.plugins.cache_clear()


@pytest.fixture
def cloud() -> Iterator[object]:
    with cloud_module.ExampleCloud() as server:
        yield server


@pytest.fixture
def connection(
    installed: None, cloud: object, settings: object, monkeypatch: pytest.MonkeyPatch
) -> ProviderConnection:
    """A connection to the example, made through the product's own service; no retry waits."""
    settings.EMULATOR_URL = cloud.root
    monkeypatch.setattr(provider_module.ExampleProvider.__init__, "__kwdefaults__", {"clock": StillClock()})
    return services.create_connection(
        organization=OrganizationFactory(),
        provider_type="example",
        connection_name="Example",
        credentials={"api_key": cloud_module.API_KEY},
        now=NOON,
    )


def _sync(connection: ProviderConnection, now: datetime) -> SyncStatus | None:
    snapshot, _ = request_sync(connection=connection, trigger=SyncTrigger.MANUAL, now=now)
    return run_snapshot(snapshot_id=snapshot.pk, now=now)


@pytest.mark.usefixtures("installed")
def test_installed_example_is_found_by_its_entry_point() -> None:
    assert registry.plugin_class("example") is provider_module.ExampleProvider


@pytest.mark.django_db
def test_wrong_key_is_refused_and_nothing_is_saved(connection: ProviderConnection) -> None:
    with pytest.raises(AuthenticationFailed, match="Example Cloud rejected the credentials"):
        services.create_connection(
            organization=connection.organization,
            provider_type="example",
            connection_name="Another",
            credentials={"api_key": "wrong"},
            now=NOON,
        )

    assert ProviderConnection.objects.count() == 1


@pytest.mark.django_db
def test_sync_reads_the_example_whole(connection: ProviderConnection) -> None:
    status = _sync(connection, NOON)

    states = ResourceState.objects.filter(connection=connection).order_by("name")
    assert status is SyncStatus.SUCCESS
    assert [(s.name, s.status, s.is_orphan, s.daily_cost) for s in states] == [
        ("lost", "running", True, Decimal(25)),
        ("old-1", "unknown", False, Decimal(10)),
        ("web-1", "running", False, Decimal(40)),
        ("web-1-boot", "running", False, Decimal(5)),
    ]
    assert states.get(name="web-1-boot").parent.name == "web-1"
    total = SnapshotTotal.objects.get(snapshot__connection=connection)
    assert (total.billed_daily_cost, total.resources_daily_cost) == (Decimal(80), Decimal(80))


@pytest.mark.django_db
def test_a_region_that_fails_takes_nothing_away(connection: ProviderConnection, cloud: object) -> None:
    _sync(connection, NOON)
    cloud.failing = {"south"}

    status = _sync(connection, ONE)

    assert status is SyncStatus.PARTIAL
    assert ResourceState.objects.open().filter(connection=connection).count() == 4
    unread = ScopeCoverage.objects.filter(snapshot__is_current=True, status="failed").order_by("scope")
    assert [row.scope for row in unread] == ["region/south/servers", "region/south/volumes"]


@pytest.mark.django_db
def test_example_brings_its_own_guide_in_both_languages(connection: ProviderConnection) -> None:
    client = Client()
    client.force_login(member_of(connection.organization))

    english = client.get("/connections/guides/example/").content.decode()
    russian = client.get("/connections/guides/example/", headers={"Accept-Language": "ru"}).content.decode()

    assert "<li>Create a key with the role <em>Reader</em> and copy it: it is shown once.</li>" in english
    assert "Ключи API" in russian


def test_an_answer_that_breaks_the_promise_names_the_field(cloud: object) -> None:
    cloud.lists["/v1/regions/north/servers"] = [{**cloud_module.WEB, "cores": "two"}]
    plugin = provider_module.ExampleProvider(conformance.context(cloud))

    test = plugin.test_connection()

    broken = next(result for result in test.scopes if result.scope == ("region", "north", "servers"))
    assert broken.error_code == UnexpectedResponse.code
    assert broken.params["reason"] == "Expected `int`, got `str` - at `$[0].cores`"
