"""An organization that is to be deleted: nothing is read for it any more, and all goes on once its owner keeps it."""

import pytest

from accounts.services import cancel_deletion
from accounts.tests.factories import OrganizationFactory
from providers.models import ProviderConnection
from syncs import complete, services
from syncs.models import SyncTrigger

from .world import World, connect, instant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]


@pytest.fixture
def connection() -> ProviderConnection:
    made = connect(OrganizationFactory(deletion_at=instant()), World(), name="cloud")
    ProviderConnection.objects.update(next_sync_at=instant(), created_at=instant(-1))
    return made


def test_no_sync_begins_by_itself_until_the_organization_is_kept(connection) -> None:
    assert services.request_due_syncs(now=instant()) == []
    assert complete.request_due_complete_syncs(now=instant(0.5)) == []

    cancel_deletion(organization=connection.organization)

    assert len(services.request_due_syncs(now=instant())) == 1
    assert len(complete.request_due_complete_syncs(now=instant(0.5))) == 1


def test_whoever_asks_for_a_sync_is_told_why_there_is_none(connection) -> None:
    asked = {"trigger": SyncTrigger.MANUAL, "now": instant()}

    with pytest.raises(services.SyncNotPossible, match="is about to be deleted"):
        services.request_sync(connection=connection, **asked)
    with pytest.raises(services.SyncNotPossible, match="is about to be deleted"):
        complete.request_complete_sync(organization=connection.organization, **asked)
