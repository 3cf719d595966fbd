"""Types of resources that may be there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, override

from inventory.models import ResourceType
from recommendations.engine.contract import Option, Options, Text, term
from recommendations.policies.contract import (
    Answer,
    Broken,
    InvalidParameters,
    Kept,
    Kind,
    Moment,
    Subject,
    Unknown,
)


class AllowedTypes(Kind):
    """A type that the taxonomy does not know (`other`) proves nothing."""

    id = "allowed_types"
    title = gettext_lazy("Allowed types")
    description = gettext_lazy("Only resources of these types are there.")
    options = (Option(name="types", label=gettext_lazy("Types"), default=()),)

    @classmethod
    def choices(cls) -> Mapping[str, Iterable[tuple[str, Any]]]:
        return {"types": [each for each in ResourceType.choices if each[0] != ResourceType.OTHER]}

    @classmethod
    def refuse(cls, options: Options) -> None:
        unknown = set(options["types"]) - set(ResourceType.values)
        if unknown:
            raise InvalidParameters(_("There is no type “%(name)s”.") % {"name": sorted(unknown)[0][:60]})
        if not options["types"]:
            raise InvalidParameters(_("Choose at least one type."))

    def check(self, subject: Subject, options: Options, moment: Moment) -> Answer:
        if subject.resource_type in options["types"]:
            return Kept()
        if subject.resource_type == ResourceType.OTHER:
            return Unknown()
        label: Any = ResourceType(subject.resource_type).label
        return Broken(Text(gettext_noop("It is of the type: %(type)s."), {"type": term(_english(label))}))


def _english(label: Any) -> str:
    """The msgid of a lazy label, so that it is put into the reader's words when it is shown."""
    with override("en"):
        return str(label)
