"""Tags that every resource must bear, with the values they may have."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from recommendations.engine.contract import Option, Options, Text
from recommendations.policies.contract import Answer, Broken, InvalidParameters, Kept, Kind, Moment, Subject

SEPARATOR = "|"


def wanted(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """{key: values it may have, none is any} of `team` and `env=prod|dev`."""
    found = {}
    for text in texts:
        key, _equals, values = text.partition("=")
        found[key.strip()] = tuple(each.strip() for each in values.split(SEPARATOR) if each.strip())
    return found


class RequiredTags(Kind):
    """A tag without a value counts as missing. Keys and values are compared without regard to case."""

    id = "required_tags"
    title = gettext_lazy("Required tags")
    description = gettext_lazy(
        "Every resource bears these tags, with one of the values where they are given."
    )
    needs = frozenset({"tags"})
    options = (
        Option(
            name="tags",
            label=gettext_lazy("Tags"),
            default=(),
            help_text=gettext_lazy("One a line: team, or with the values it may have: env=prod|dev."),
        ),
    )

    @classmethod
    def refuse(cls, options: Options) -> None:
        if not options["tags"] or not all(wanted(options["tags"])):
            raise InvalidParameters(_("Name at least one tag: team, or env=prod|dev."))

    def check(self, subject: Subject, options: Options, moment: Moment) -> Answer:
        missing, wrong = [], []
        for key, values in wanted(options["tags"]).items():
            value = subject.tags.get(key.casefold(), "")
            if not value:
                missing.append(key)
            elif values and value.casefold() not in {each.casefold() for each in values}:
                wrong.append(f"{key}={value}")
        if missing and wrong:
            message = gettext_noop("Without the tags: %(missing)s. Not an allowed value: %(wrong)s.")
            return Broken(Text(message, {"missing": ", ".join(missing), "wrong": ", ".join(wrong)}))
        if missing:
            return Broken(
                Text(gettext_noop("Without the tags: %(missing)s."), {"missing": ", ".join(missing)})
            )
        if wrong:
            return Broken(Text(gettext_noop("Not an allowed value: %(wrong)s."), {"wrong": ", ".join(wrong)}))
        return Kept()
