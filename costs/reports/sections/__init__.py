"""Kinds of sections: one class each, named in `settings.REPORT_SECTIONS`, so that an app above adds its own.

    class Waste(SectionKind):
        key, label, description = "waste", _("Waste"), _("What runs without being used.")

        def build(self, frame: Frame, options: Options) -> Section: ...

A kind with options has a `form` for them; what the form cleans is what is stored, so it must be JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import Organization
from costs.explorer.periods import Span
from costs.reports.content import Section

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Whose report it is, of which days, and when it is made; `period` as the explorer writes it."""

    organization: Organization
    period: str
    span: Span
    today: date
    now: datetime


class OptionsForm(forms.Form):
    """Options of one section; reads of the tenant start from `organization`."""

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = organization


class SectionKind:
    """`label` and `description` are for the builder."""

    key: ClassVar[str]
    label: ClassVar[Any]
    description: ClassVar[Any]
    form: ClassVar[type[OptionsForm] | None] = None

    def title(self, options: Options) -> str:
        """What the section is called with these options, without a query."""
        return str(self.label)

    def build(self, frame: Frame, options: Options) -> Section:
        raise NotImplementedError


def section_kinds() -> dict[str, SectionKind]:
    """By key, in the order of the settings."""
    kinds: list[SectionKind] = [import_string(path)() for path in settings.REPORT_SECTIONS]
    return {kind.key: kind for kind in kinds}
