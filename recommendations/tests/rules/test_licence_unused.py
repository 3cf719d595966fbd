"""licence.unused: bound to a server that is off, deleted or absent, for long enough."""

from __future__ import annotations

import pytest

from recommendations.engine.contract import SkipReason
from recommendations.rules.licence_unused import LicenceUnused
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

GONE = connection(dead_sources={"s-1": ago(20)})


def licence(**changes):
    return resource("licence", **({"parent": server(status="stopped", status_since=ago(20))} | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "switched off"),
        ({"parent": server(status="stopped", status_since=ago(14))}, "switched off"),
        ({"parent": server(status="stopped", status_since=ago(13.9))}, NOT_MATCHED),
        ({"parent": server(status="deleted_billed", absent_since=ago(15))}, "deleted and still billed"),
        ({"parent": server(status="deleted_billed", absent_since=ago(13))}, NOT_MATCHED),
        ({"parent": server()}, NOT_MATCHED),
        ({"parent": server(status="error")}, NOT_MATCHED),
        ({"parent": None, "configuration": {"server_id": "s-1"}, "connection": GONE}, "gone"),
        ({"parent": None, "configuration": {"vps_id": "s-1"}, "connection": GONE}, "gone"),
        ({"parent": None, "configuration": {"server_id": "s-2"}, "connection": GONE}, SkipReason.NO_EVIDENCE),
        ({"parent": None}, SkipReason.NO_EVIDENCE),
        ({"parent": None, "is_orphan": True, "orphan_since": ago(14)}, "gone"),
        ({"parent": None, "is_orphan": True, "orphan_since": ago(13.9)}, NOT_MATCHED),
        ({"status": "deleted_billed"}, NOT_MATCHED),
        ({"changed_at": ago(1)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_cases(changes, expected):
    answer = ask(LicenceUnused, licence(**changes))

    if word(answer) == MATCHED:
        assert found(answer).facts["Its server is"] == {"kind": "term", "value": expected}
    else:
        assert word(answer) == expected


def test_scope_cost_and_saving():
    check_scope_and_cost(LicenceUnused, licence)
    check_whole_cost(LicenceUnused, licence)


def test_fingerprint_knows_what_became_of_the_server():
    check_fingerprint(
        LicenceUnused,
        licence(pk=7),
        licence(pk=7, parent=server(status="stopped", status_since=ago(30))),
        licence(pk=7, parent=server(status="deleted_billed", absent_since=ago(30))),
    )


def test_description_states_the_option():
    check_description(LicenceUnused, days=33)
