"""Names of scopes for people."""

from __future__ import annotations

import pytest

from providers.scopes import place_name, scope_name

PROJECT = "59c0af28be435b32b9495be188508be0"


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (("backups", "mysql"), "backups / MySQL"),
        (("usage", "31e0dfa8-925d-561c-b175-c819535593c8"), "measurements"),
        (("billing", "World/acc-1"), "billing / World/acc-1"),
        (("project", PROJECT, "region", "ru-1", "floating_ips"), "floating IPs / ru-1 / Shop"),
        (("project", "other", "region", "ru-1", "servers"), "servers / ru-1 / other"),
        (("project", PROJECT.replace("5", "6"), "zones"), "DNS zones / 69c0af28…"),
        (("project", PROJECT), "projects / Shop"),
        (("newly-sold",), "newly-sold"),
        ((), ""),
    ],
)
def test_a_scope_says_what_is_read_and_where(scope, name) -> None:
    assert scope_name(scope, {PROJECT: "Shop"}) == name


def test_a_place_is_told_without_what_is_read_there() -> None:
    assert place_name(("project", PROJECT, "region", "ru-1", "servers"), {PROJECT: "Shop"}) == "ru-1 / Shop"
    assert place_name(("backups", "mysql")) == ""
