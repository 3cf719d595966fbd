from pathlib import Path

import pytest

from common import translations

PAGE = """\
{% load i18n %}
<p class="a">{% translate "Connections" %}</p>
      {# Translators: a verb #}
      {% translate "Sync" context "button" %}
   <b title="{% translate "It's" as its %}">
  {% blocktranslate trimmed count counter=servers|length with name=connection.name %}
    {{ name }} has {{ counter }} server
  {% plural %}
    {{ name }} has {{ counter }} servers
  {% endblocktranslate %}
 {% blocktranslate context "share" with part=part %}{{ part }} is 100%{% endblocktranslate %}
{{ value|default:_("nothing") }} {% if x == "y" %}def class({% endif %}
"""

CODE = """\
from django.utils.translation import gettext_lazy as _, ngettext, npgettext_lazy, pgettext

def gettext(text="not this"): ...

FIRST = _("Resources")
SECOND = ngettext("%(count)s day", "%(count)s days", 2) % {"count": 2}
THIRD = npgettext_lazy("time", "hour", "hours", 3)
FOURTH = pgettext("month", "May")
FIFTH = _(
    "a long "
    "text"
)
SIXTH = _(name)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "templates").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "templates" / "page.html").write_text(PAGE)
    (folder / "views.py").write_text(CODE)
    (folder / "tests" / "test_views.py").write_text('_("only a test")')
    return folder


def found(source: Path) -> list[translations.Text]:
    return list(translations.texts(source, relative_to=source.parent))


def test_texts_of_a_template_keep_context_plural_and_placeholders(source: Path) -> None:
    texts = {text.msgid: text for text in found(source) if text.location == "app/templates/page.html"}

    assert {msgid: text.context for msgid, text in texts.items()} == {
        "Connections": None,
        "Sync": "button",
        "It's": None,
        ("%(name)s has %(counter)s server", "%(name)s has %(counter)s servers"): None,
        "%(part)s is 100%%": "share",
        "nothing": None,
    }
    assert texts["Sync"].comments == ("Translators: a verb",)


def test_texts_of_code_are_those_that_are_marked(source: Path) -> None:
    texts = [(text.context, text.msgid) for text in found(source) if text.location == "app/views.py"]

    assert texts == [
        (None, "Resources"),
        (None, ("%(count)s day", "%(count)s days")),
        ("time", ("hour", "hours")),
        ("month", "May"),
        (None, "a long text"),
    ]


def test_template_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "bad.html").write_text(
        "{% blocktranslate %}{% if x %}{% endif %}{% endblocktranslate %}"
    )

    with pytest.raises(SyntaxError, match=r"templates/bad\.html"):
        list(translations.texts(tmp_path, relative_to=tmp_path))


def test_borrowed_texts_are_those_nobody_has_translated(source: Path, tmp_path: Path) -> None:
    catalogue = translations.read(tmp_path / "none.po", language="ru")
    catalogue.add("Resources", "Ресурсы")
    catalogue.add("May", "")
    catalogue.add("May", "Май", context="month")
    catalogue.add("nothing", "ничего", flags={"fuzzy"})
    translations.write(catalogue, tmp_path / "other" / "locale" / "ru" / "LC_MESSAGES" / "django.po")

    borrowed = list(translations.borrowed({"theme": source}, [tmp_path / "other"], language="ru"))

    assert {text.location for text in borrowed} == {"theme"}
    keys = {text.key for text in borrowed}
    assert ("", "nothing") in keys
    assert not keys & {("", "Resources"), ("month", "May")}


def test_merge_keeps_translations_and_drops_what_is_gone(source: Path, tmp_path: Path) -> None:
    path = tmp_path / "django.po"
    existing = translations.read(path, language="ru")
    existing.add("Resources", "Ресурсы")
    existing.add("Resource", "Ресурс")
    translations.write(existing, path)

    wanted = translations.template(found(source), language="ru")
    translations.write(translations.merge(wanted, translations.read(path, language="ru")), path)
    text = path.read_text()
    translations.write(translations.merge(wanted, translations.read(path, language="ru")), path)

    assert path.read_text() == text
    assert '#: app/views.py\nmsgid "Resources"\nmsgstr "Ресурсы"\n' in text
    assert 'msgid "Resource"\n' not in text
    assert "fuzzy" not in text
    assert '#, python-format\nmsgctxt "share"\nmsgid "%(part)s is 100%%"\n' in text


def test_problems_name_each_kind(tmp_path: Path) -> None:
    def text(msgid: str | tuple[str, str]) -> translations.Text:
        return translations.Text(msgid=msgid, context=None, comments=(), location="app/views.py")

    days = ("%(count)s day", "%(count)s days")
    wanted = translations.template(
        [text("new"), text("empty"), text("guessed"), text("%(a)s"), text(days), text("fine")], language="ru"
    )
    existing = translations.template([text("old"), text("empty")], language="ru")
    existing.add("guessed", "угадано", flags={"fuzzy"})
    existing.add("%(a)s", "%(b)s", flags={"python-format"})
    existing.add(days, ("%(count)s день", "%(count)s дня", ""), flags={"python-format"})
    existing.add("fine", "хорошо")

    assert translations.problems(wanted, existing) == [
        "missing: 'new' (app/views.py)",
        "no longer used: 'old' (app/views.py)",
        "not translated: 'empty' (app/views.py)",
        "fuzzy: 'guessed'",
        "unknown named placeholder 'b': '%(a)s'",
        "not translated: '%(count)s day'",
    ]


def test_compiled_catalogue_is_what_django_reads(tmp_path: Path, settings) -> None:
    from django.utils.translation import ngettext as translate_plural
    from django.utils.translation import override, pgettext, trans_real

    existing = translations.read(tmp_path / "none.po", language="ru")
    existing.add(("%(n)s marten", "%(n)s martens"), ("%(n)s куница", "%(n)s куницы", "%(n)s куниц"))
    existing.add("marten", "куница", context="animal")
    existing.add(("%(n)s lynx", "%(n)s lynxes"), ("%(n)s рысь", "", ""))
    (tmp_path / "ru" / "LC_MESSAGES").mkdir(parents=True)
    translations.compile_catalogue(existing, tmp_path / "ru" / "LC_MESSAGES" / "django.mo")

    settings.LOCALE_PATHS = [tmp_path]
    trans_real._translations.clear()
    try:
        with override("ru"):
            plural = [
                translate_plural("%(n)s marten", "%(n)s martens", n) % {"n": n} for n in (1, 2, 5, 11, 21)
            ]
            single = pgettext("animal", "marten")
            unfinished = translate_plural("%(n)s lynx", "%(n)s lynxes", 2)
    finally:
        trans_real._translations.clear()

    assert plural == ["1 куница", "2 куницы", "5 куниц", "11 куниц", "21 куница"]
    assert single == "куница"
    assert unfinished == "%(n)s lynxes"
