"""ip.unused: without a use for long enough, whatever the age."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.rules.ip_unused import IpUnused
from recommendations.tests.facts import ask, connection, resource, server
from recommendations.tests.rules.cases import (
    MATCHED,
    NOT_MATCHED,
    ago,
    check_description,
    check_fingerprint,
    check_scope_and_cost,
    check_whole_cost,
    found,
    word,
)


def address(**changes):
    values = {
        "name": "eip-spare",
        "is_orphan": True,
        "orphan_since": ago(70),
        "ip_addresses": ("203.0.113.62",),
        "status": "stopped",  # Neutron calls an address without a port DOWN
    }
    return resource("floating_ip", **(values | changes))


def of(owner):
    return {"is_orphan": False, "orphan_since": None, "parent": owner}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"orphan_since": ago(7)}, MATCHED),
        ({"orphan_since": ago(6.99)}, NOT_MATCHED),
        ({"is_orphan": False, "orphan_since": None}, SkipReason.NO_EVIDENCE),
        (of(server()), NOT_MATCHED),
        (of(server(status="stopped", status_since=ago(31))), MATCHED),
        (of(server(status="stopped", status_since=ago(30))), NOT_MATCHED),
        (of(resource("load_balancer", status="stopped")), NOT_MATCHED),
        ({"tags": {"reserved": "yes"}}, SkipReason.GUARDED),
        ({"name": "failover-1"}, SkipReason.GUARDED),
        ({"connection": connection(named_addresses=frozenset({"203.0.113.62"}))}, SkipReason.GUARDED),
        ({"connection": connection(named_addresses=frozenset({"203.0.113.63"}))}, MATCHED),
        ({"status": "deleted_billed"}, NOT_MATCHED),
    ],
)
def test_cases(changes, expected):
    assert word(ask(IpUnused, address(**changes))) == expected


def test_scope_cost_and_saving():
    check_scope_and_cost(IpUnused, address)
    check_whole_cost(IpUnused, address)
    assert found(ask(IpUnused, address())).confidence == Decimal("0.95")


def test_fingerprint_and_description():
    same, later = address(pk=5), address(pk=5, orphan_since=ago(9))
    check_fingerprint(IpUnused, same, later, address(pk=5, ip_addresses=("203.0.113.7",)))
    check_description(IpUnused, days=99, stopped_days=98)
