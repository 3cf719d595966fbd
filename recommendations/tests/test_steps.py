"""Steps: the provider's command where one is known, words alone where not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine import steps
from recommendations.tests.facts import connection, resource, server


def at(provider_type, **changes):
    return server(
        connection=connection(provider_type=provider_type), resource_id="u-1", name="app", **changes
    )


@pytest.mark.parametrize(
    ("provider_type", "command"),
    [
        ("selectel", "openstack --os-region-name ru-1 server stop u-1"),
        ("openstack", "openstack --os-region-name ru-1 server stop u-1"),
        ("beget", "POST https://api.beget.com/v1/vps/server/u-1/stop"),
    ],
)
def test_step_bears_the_provider_s_command(provider_type, command):
    step = steps.stop_server(at(provider_type))

    assert step.params == {"name": "app", "command": command}
    assert "%(command)s" in step.message


def test_step_without_a_known_command_is_words_alone():
    assert steps.stop_server(at("csv")).as_json() == {
        "message": "Stop “%(name)s”.",
        "params": {"name": "app"},
    }
    assert steps.command(at("beget"), "shelve") == ""


def test_id_and_name_from_outside_are_quoted():
    odd = server(connection=connection(provider_type="selectel"), resource_id="a b;rm", region_id="")

    assert steps.command(odd, "delete") == "openstack server delete 'a b;rm'"


def test_beget_s_own_id_stands_without_our_prefix():
    snapshot = resource("snapshot", connection=connection(provider_type="beget"), resource_id="snapshot:55")

    assert steps.delete(snapshot).params["command"] == "DELETE https://api.beget.com/v1/vps/snapshot/55"


def test_what_disappears_names_the_disks_and_their_sizes():
    whole = server(name="app")
    whole.components.append(resource("volume", name="data", storage_gib=Decimal("50.00")))

    assert steps.what_disappears(whole).params == {"names": "app, data (50 GiB)"}


def test_deletion_ends_after_a_mark_and_a_wait():
    messages = [step.message for step in steps.after_a_copy(at("csv"), 7)]

    assert [message.split()[0] for message in messages] == ["Mark", "Wait", "What", "Delete"]


@pytest.mark.parametrize(
    ("owner", "asked"), [("ann", {"owner": "ann", "name": "app"}), ("", {"name": "app"})]
)
def test_owner_is_asked_by_name_where_known(owner, asked):
    assert steps.ask_owner(at("csv", owner=owner)).params == asked


def test_size_in_words_leaves_out_what_is_not_known():
    assert steps.size_in_words(Decimal(4), 8192, Decimal("100.5")) == "4 vCPU, 8 GiB, 100.5 GiB"
    assert steps.size_in_words(None, 512) == "0.5 GiB"
    assert steps.plain(Decimal(100)) == "100"
