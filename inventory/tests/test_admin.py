"""The operator's view of the inventory."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import OrganizationFactory, UserFactory
from inventory.models import TagCategory
from inventory.tests.factories import (
    MetricPointFactory,
    ResourceFactory,
    ResourceNoteFactory,
    SoftwareComponentFactory,
    TagCategoryFactory,
    TagFactory,
    UsageSummaryFactory,
)

pytestmark = pytest.mark.django_db

FACTS = {
    "resource": ResourceFactory,
    "tag": TagFactory,
    "resourcenote": lambda: ResourceNoteFactory(author=UserFactory()),
    "softwarecomponent": SoftwareComponentFactory,
    "usagesummary": UsageSummaryFactory,
    "metricpoint": MetricPointFactory,
}
FACTORIES = {**FACTS, "tagcategory": TagCategoryFactory}


@pytest.fixture
def operator() -> Client:
    """An administrator who may manage resources."""
    user = UserFactory(administrator=True)
    user.user_permissions.set(Permission.objects.filter(codename="manage_resources"))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("model", FACTORIES)
def test_lists_do_not_ask_per_row(operator, model) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as captured:
            assert operator.get(f"/admin/inventory/{model}/?q=e").status_code == 200
        return len(captured)

    FACTORIES[model]()
    one = count()
    for _ in range(10):
        FACTORIES[model]()

    assert count() == one


@pytest.mark.parametrize("model", FACTS)
def test_facts_open_and_cannot_be_edited(operator, model) -> None:
    row = FACTS[model]()
    url = f"/admin/inventory/{model}/{row.pk}/change/"

    page = operator.get(url)

    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert operator.post(url, {}).status_code == 403
    assert operator.post(f"/admin/inventory/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_resource_shows_its_tags_software_and_notes(operator) -> None:
    resource = ResourceFactory()
    TagFactory(resource=resource, key="team", value="payments")
    SoftwareComponentFactory(resource=resource, name="Nextcloud")
    ResourceNoteFactory(resource=resource, text="Moves in May.")

    page = operator.get(f"/admin/inventory/resource/{resource.pk}/change/").content.decode()

    for text in ("payments", "Nextcloud", "Moves in May."):
        assert text in page


def test_allowed_values_are_written_one_a_line(operator) -> None:
    organization = OrganizationFactory()

    response = operator.post(
        "/admin/inventory/tagcategory/add/",
        {"organization": organization.pk, "key": "env", "allowed_values": "prod\n dev \n\nprod"},
    )

    category = TagCategory.objects.get()
    assert response.status_code == 302
    assert (category.key, category.allowed_values) == ("env", ["prod", "dev"])
    page = operator.get(f"/admin/inventory/tagcategory/{category.pk}/change/").content.decode()
    assert "prod\ndev" in page


def test_a_value_that_is_too_long_is_an_error_of_the_form(operator) -> None:
    response = operator.post(
        "/admin/inventory/tagcategory/add/",
        {"organization": OrganizationFactory().pk, "key": "env", "allowed_values": "x" * 257},
    )

    assert "256" in response.content.decode()
    assert not TagCategory.objects.exists()
