"""A token's life: made in the settings, used by a program that only knows HTTP, revoked, useless."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from accounts.services import register_user
from infrazen.tests.browser.steps import PASSWORD, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_person_lets_a_program_in_and_out_again(live_server: Any, strict_page: Page) -> None:
    page = strict_page
    register_user(email="anna@example.com", password=PASSWORD, full_name="Anna Kim")
    sign_in(page, live_server.url)

    page.goto(f"{live_server.url}/settings/tokens/")
    page.get_by_label("Name").fill("nightly export")
    page.get_by_label("Valid for").select_option("30")
    page.get_by_role("button", name="Make the token").click()
    secret = page.get_by_label("Copy it now").input_value()

    def call(method: str, path: str) -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return requests.request(
            method, f"{live_server.url}/api/v1/{path}", headers=headers, timeout=10
        ).status_code

    assert call("GET", "connections/") == 200
    assert call("POST", "complete-syncs/") == 403  # it may only read

    page.goto(f"{live_server.url}/settings/tokens/")
    assert secret not in page.content()
    row = page.get_by_role("row", name="nightly export")
    expect(row).not_to_contain_text("never")
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("There are none.")).to_be_visible()

    assert call("GET", "connections/") == 401
