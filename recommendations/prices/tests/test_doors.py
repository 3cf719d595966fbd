"""The command and the tasks."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.audit.models import AuditEntry
from accounts.tests.factories import OrganizationFactory, UserFactory
from infrazen.schedules import SCHEDULES
from providers.contract.errors import ProviderUnavailable
from providers.contract.plugin import complete, not_complete
from providers.tests.factories import ConnectionFactory
from recommendations.prices import tasks
from recommendations.prices.models import Price, PriceReading
from recommendations.prices.tests.factories import PriceFactory, vcpu

pytestmark = pytest.mark.django_db

HEAD = "provider,sku,type,name,amount,currency,period"
DOWN = ProviderUnavailable("The provider does not answer.", provider="fake", operation="prices")


def run(*arguments: Any) -> str:
    out = io.StringIO()
    call_command("prices", *[str(each) for each in arguments], stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def organization(lists):
    return ConnectionFactory(last_sync_status="success").organization


def test_read_tells_what_was_found(organization, lists) -> None:
    lists(vcpu("a"), complete("prices"))

    said = run("read")

    assert said == f"fake of organization {organization.pk}: success, 1 prices, 1 new, 0 changed, 0 gone\n"
    assert run("read") == ""
    assert "0 new" in run("read", "--organization", organization.pk)
    assert run("read", "--organization", organization.pk, "--provider", "beget") == ""


def test_read_that_was_partial_fails_and_names_the_list(organization, lists) -> None:
    lists(vcpu("a"), complete("prices", "vps"), not_complete(("prices", "databases"), DOWN))

    with pytest.raises(CommandError, match="1 price lists"):
        run("read")

    assert Price.objects.count() == 1


def test_read_for_an_organization_that_is_none_fails(lists) -> None:
    with pytest.raises(CommandError, match="no organization 999"):
        run("read", "--organization", 999)


def test_imported_file_is_exported_again(lists, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(f"{HEAD}\nfake,a,server,A,1.5,RUB,month\n", encoding="utf-8")

    assert run("import", file) == "fake: 1 new, 0 changed, 0 gone, 0 as before\n"
    assert run("import", file, "--replace") == "fake: 0 new, 0 changed, 0 gone, 1 as before\n"

    file.write_text(run("export"), encoding="utf-8")
    assert run("import", file) == "fake: 0 new, 0 changed, 0 gone, 1 as before\n"


def test_export_of_an_organization_has_its_own_prices_alone(lists) -> None:
    organization = OrganizationFactory()
    PriceFactory(sku_id="own", organization=organization, plugin=True)
    PriceFactory(sku_id="shared")

    own, shared = run("export", "--organization", organization.pk), run("export")

    assert [line.split(",")[1] for line in own.splitlines()] == ["sku", "own"]
    assert [line.split(",")[1] for line in shared.splitlines()] == ["sku", "shared"]


def test_refused_import_names_its_places_and_stores_nothing(lists, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(f"{HEAD}\nfake,a,server,A,dear,RUB,month\n", encoding="utf-8")
    out = io.StringIO()

    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command("prices", "import", str(file), stdout=out, stderr=out)

    assert "row 2, amount: This is no number." in out.getvalue()
    assert not Price.objects.exists()


def test_import_of_a_file_that_is_not_there_fails(lists, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run("import", tmp_path / "none.csv")


def test_scheduled_task_reads_what_is_due(organization, lists) -> None:
    lists(vcpu("a"), complete("prices"))

    tasks.read_due_prices()
    tasks.read_due_prices()

    assert PriceReading.objects.get().status == "success"
    assert Price.objects.get().amount == Decimal(300)
    assert not AuditEntry.objects.filter(action="price.read").exists()


def test_task_of_a_person_is_told_to_the_audit(organization, lists) -> None:
    person = UserFactory()
    lists(complete("prices"))

    tasks.read_prices(organization_id=organization.pk, provider_type="fake", by_id=person.pk)

    assert AuditEntry.objects.get(action="price.read").actor_id == person.pk


def test_task_that_finds_another_one_reading_leaves_it_alone(organization, lists) -> None:
    lists(vcpu("a"), complete("prices"))
    PriceReading.objects.create(
        organization=organization,
        provider_type="fake",
        status="running",
        started_at=timezone.now() - timedelta(minutes=1),
    )

    tasks.read_prices(organization_id=organization.pk, provider_type="fake")

    assert not Price.objects.exists()


def test_schedule_names_the_task() -> None:
    assert tasks.read_due_prices.name in {schedule.task for schedule in SCHEDULES}
