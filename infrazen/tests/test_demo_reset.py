"""The demo begins anew: through real syncs, with what belongs to others untouched, and never half."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Membership, Organization, Role
from accounts.tests.factories import UserFactory
from common import clock
from costs import laws as cost_laws
from costs.queries import run_rate
from infrazen import embedded
from infrazen.demo import operations, switches
from infrazen.demo.errors import DemoError
from infrazen.demo.forward import forward
from infrazen.demo.operations import demo_organization
from infrazen.demo.reset import reset
from infrazen.tests.demo_folder import NOW, Demo
from infrazen.tests.estate import marked_estate
from inventory.models import Resource, Tag
from providers.models import ProviderConnection
from syncs import laws as sync_laws
from syncs.laws import violations
from syncs.models import ResourceState, SyncSnapshot

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def monthly(organization: Organization) -> Decimal:
    rate = run_rate(organization).monthly
    assert rate is not None
    return rate.quantize(Decimal("0.01"))


def test_the_demo_is_as_at_its_first_start(small_demo: Demo) -> None:
    first = monthly(small_demo.organization)
    switches.switch_on(key="cost-jump", now=timezone.now())
    forward(days=1)
    assert monthly(small_demo.organization) != first

    new = reset()

    assert demo_organization() == new != small_demo.organization
    assert monthly(new) == first
    assert new.name == "Демо"
    assert SyncSnapshot.objects.of(new).count() == 1
    assert Tag.objects.of(new).filter(resource__name="vps-app-01", key="env").get().value == "prod"
    assert (small_demo.state.switched, small_demo.state.ahead) == ((), timedelta())
    assert abs(timezone.now() - clock.machine_now()) < timedelta(seconds=1)
    assert ProviderConnection.objects.due(NOW + timedelta(hours=8)).get().organization == new


def test_nothing_of_the_old_demo_stays(small_demo: Demo) -> None:
    old = small_demo.organization.pk

    reset()

    assert not Organization.objects.filter(pk=old).exists()
    assert Organization.objects.filter(is_demo=True).count() == 1
    assert not Resource.objects.filter(organization_id=old).exists()


def test_other_organizations_stay_as_they_are(small_demo: Demo) -> None:
    others, owner = marked_estate()
    before = {
        model: list(model.objects.of(others).order_by("pk").values())
        for model in (ProviderConnection, Resource, ResourceState, SyncSnapshot, Tag)
    }

    reset()

    for model, rows in before.items():
        assert list(model.objects.of(others).order_by("pk").values()) == rows
        assert rows
    assert others.memberships.get().user == owner


def test_who_belonged_to_the_demo_belongs_to_it_again(small_demo: Demo) -> None:
    guest = Membership.objects.create(
        organization=small_demo.organization, user=UserFactory(), role=Role.VIEWER
    )
    person = small_demo.organization.memberships.get(role=Role.OWNER).user

    new = reset()

    assert set(new.memberships.values_list("user", "role")) == {
        (guest.user_id, Role.VIEWER),
        (person.pk, Role.OWNER),
    }
    person.refresh_from_db()
    assert person.is_superuser


def test_day_0_is_today_again(small_demo: Demo) -> None:
    with time_machine.travel(NOW + timedelta(days=9), tick=True):
        reset()

    assert small_demo.state.anchor == date(2026, 11, 30)
    assert small_demo.connection().last_sync_at >= NOW + timedelta(days=9)


def test_while_it_is_served_visitors_see_the_old_one_until_the_new_one_is_whole(small_demo: Demo) -> None:
    """And the server's emulators go back with the clock, not before."""
    with small_demo.served() as server:
        server.set_clock(NOW + timedelta(days=3), running=True)
        seen: list[tuple[Organization | None, int, timedelta]] = []

        def listen(done: int, total: int) -> None:
            seen.append(
                (
                    demo_organization(),
                    ProviderConnection.objects.due(NOW + timedelta(days=9)).count(),
                    server.clock.now() - NOW,
                )
            )

        new = reset(listener=listen)

        assert [(organization, due) for organization, due, _ahead in seen] == [(small_demo.organization, 1)]
        assert seen[0][2] > timedelta(days=2)
        assert demo_organization() == new
        assert abs(server.clock.now() - timezone.now()) < timedelta(seconds=5)
        assert server.events == ()


def test_a_reset_that_breaks_off_leaves_the_old_demo_whole(
    small_demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    switches.switch_on(key="cost-jump", now=timezone.now())
    before = small_demo.state

    def broken(**arguments: Any) -> None:
        arguments["progress"](0, 91)
        raise RuntimeError("a slip of ours")

    monkeypatch.setattr("infrazen.demo.reset.read_history", broken)

    with pytest.raises(RuntimeError):
        reset()

    assert demo_organization() == small_demo.organization
    assert Organization.objects.filter(is_demo=True).count() == 1
    assert small_demo.state.switched == before.switched
    assert small_demo.state.operation is not None
    assert small_demo.state.operation.error == {"message": "", "params": {}}


def test_what_a_killed_reset_left_is_removed_by_the_next_one(small_demo: Demo) -> None:
    left_over = Organization.objects.create(name="Демо", is_demo=True)

    new = reset()

    assert not Organization.objects.filter(pk=left_over.pk).exists()
    assert demo_organization() == new


def test_the_clock_stays_ahead_where_somebody_else_lives_there(small_demo: Demo) -> None:
    """A connection that was read tomorrow could not be read today."""
    forward(days=2)
    others, _owner = marked_estate()
    SyncSnapshot.objects.of(others).update(observed_at=timezone.now())

    reset()

    assert small_demo.state.ahead > timedelta(days=1, hours=23)
    assert small_demo.state.anchor == date(2026, 11, 23)
    assert small_demo.connection().last_sync_at > NOW + timedelta(days=1)


def test_a_demo_organization_that_was_deleted_is_made_again(small_demo: Demo) -> None:
    small_demo.organization.delete()

    new = reset()

    assert demo_organization() == new
    assert new.memberships.get().user.is_superuser


def test_the_new_demo_keeps_all_laws(small_demo: Demo) -> None:
    reset()

    assert violations((*sync_laws.LAWS, *cost_laws.LAWS)) == []


def test_without_a_demo_nothing_is_reset(db: None, demo_data: Path) -> None:
    others, _owner = marked_estate()

    with pytest.raises(DemoError, match="There is no demo"):
        reset()

    assert Organization.objects.get() == others


def test_production_is_never_reset(bare_demo: Demo, settings: Any) -> None:
    settings.IS_PRODUCTION = True

    with pytest.raises(DemoError, match="This is a production installation"):
        reset()

    assert demo_organization() == bare_demo.organization


def test_two_do_not_reset_at_once(bare_demo: Demo) -> None:
    with operations.alone(), pytest.raises(DemoError, match="The demo is being worked on"):
        reset()


def test_a_server_that_does_not_serve_the_demo_is_left_alone(bare_demo: Demo) -> None:
    with embedded.only_one(bare_demo.data), pytest.raises(DemoError, match="does not serve the demo"):
        reset()

    assert demo_organization() == bare_demo.organization
