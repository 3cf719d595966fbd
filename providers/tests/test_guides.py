"""The guides beside the connection form: found in both languages, shown safely, linked where there is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import Role
from accounts.tests.factories import OrganizationFactory, member_of
from providers import guides, registry
from providers.tests.factories import FakeProvider

GUIDES = Path(settings.BASE_DIR) / "docs" / "providers"
OURS = sorted(registry.plugins())


def _client(role: Role = Role.OWNER) -> Client:
    client = Client()
    client.force_login(member_of(OrganizationFactory(), role))
    return client


@pytest.mark.parametrize("key", OURS)
def test_every_plugin_of_ours_has_a_guide_in_both_languages(key: str) -> None:
    plugin = registry.plugin_class(key)

    assert guides.guide_path(plugin, language="en") == GUIDES / f"{key}.md"
    assert guides.guide_path(plugin, language="ru") == GUIDES / f"{key}.ru.md"


@pytest.mark.parametrize("key", OURS)
def test_both_languages_have_the_same_shape(key: str) -> None:
    """Same headings, table rows and list items: a sentence that only one language has would show."""
    english, russian = (
        re.findall(r"^(#+|\||- |\d+\.)", (GUIDES / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in (f"{key}.md", f"{key}.ru.md")
    )

    assert english == russian


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("key", OURS)
def test_guides_use_only_what_is_understood(key: str, language: str) -> None:
    with translation.override(language):
        found = guides.guide(registry.plugin_class(key))

    assert found is not None
    assert found.title
    text = re.sub(r"<code>.*?</code>", "", found.body)
    assert re.findall(r"\*\*|^#|<p>\||\]\(", text, re.MULTILINE) == []


def test_a_language_without_a_guide_gets_the_english_one() -> None:
    assert guides.guide_path(registry.plugin_class("beget"), language="de") == GUIDES / "beget.md"


@pytest.mark.parametrize("name", ["", "../operations.md", "/etc/passwd", "providers/beget.md", "absent.md"])
def test_only_bare_names_of_files_that_are_there_are_guides(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeProvider, "guide", name)

    assert guides.guide(FakeProvider) is None


@pytest.mark.django_db
@pytest.mark.urls("providers.tests.urls")
class TestPages:
    def test_a_viewer_may_read_a_guide_and_is_not_offered_to_connect(self) -> None:
        response = _client(Role.VIEWER).get(reverse("providers:provider_guide", args=["beget"]))

        assertContains(response, '<h1 class="page-title">Connect Beget</h1>', html=True)
        assertContains(response, "<h2>At Beget</h2>", html=True)
        assertNotContains(response, reverse("providers:connection_create", args=["beget"]))

    def test_the_guide_is_in_the_readers_language(self) -> None:
        response = _client().get(
            reverse("providers:provider_guide", args=["beget"]), headers={"Accept-Language": "ru"}
        )

        assertContains(response, '<h1 class="page-title">Подключить Beget</h1>', html=True)
        assertContains(response, reverse("providers:connection_create", args=["beget"]))

    def test_strangers_are_sent_to_sign_in(self, client: Client) -> None:
        url = reverse("providers:provider_guide", args=["beget"])

        response = client.get(url)

        assertRedirects(response, f"{reverse('account_login')}?next={url}", fetch_redirect_response=False)

    @pytest.mark.parametrize("key", ["nobody", "fake"])
    def test_what_has_no_guide_is_not_found(self, key: str, fake_provider: type[FakeProvider]) -> None:
        assert _client().get(reverse("providers:provider_guide", args=[key])).status_code == 404

    @pytest.mark.parametrize("key", OURS)
    def test_the_form_links_the_guide(self, key: str) -> None:
        response = _client().get(reverse("providers:connection_create", args=[key]))

        assertContains(response, f'href="{reverse("providers:provider_guide", args=[key])}"')

    def test_the_form_of_a_plugin_without_a_guide_has_no_link(
        self, fake_provider: type[FakeProvider]
    ) -> None:
        response = _client().get(reverse("providers:connection_create", args=["fake"]))

        assertNotContains(response, "/connections/guides/")
