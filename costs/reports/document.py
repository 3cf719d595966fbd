"""A report put together: its sections computed one after the other, a failing one told and left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Organization
from costs.explorer.periods import Span, span_of
from costs.explorer.queries import today_of
from costs.reports.content import Document, Section
from costs.reports.models import Report
from costs.reports.sections import Frame, section_kinds
from costs.reports.state import DataState, data_state

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A document and the state of the data that it stands on."""

    document: Document
    state: DataState


def make_document(
    report: Report,
    *,
    now: datetime,
    span: Span | None = None,
    step: Callable[[], None] = lambda: None,
) -> Made:
    """The report in its own language, of `span` or of its period today; `step` is called after each section."""
    organization: Organization = report.organization
    today = today_of(organization, now)
    days = span or span_of(report.period, today)
    frame = Frame(organization=organization, period=str(days), span=days, today=today, now=now)
    with translation.override(report.language):
        state = data_state(organization, days, today)
        sections, failed = _sections(report.sections, frame, step)
        document = Document(
            title=report.name,
            organization=organization.name,
            span=days,
            made_at=now.astimezone(ZoneInfo(organization.time_zone)),
            language=report.language,
            state=state.sentences(),
            is_whole=state.is_whole and not failed,
            sections=sections,
            failed=failed,
        )
    return Made(document=document, state=state)


def _sections(
    wanted: Sequence[Mapping[str, Any]], frame: Frame, step: Callable[[], None]
) -> tuple[list[Section], list[str]]:
    kinds = section_kinds()
    sections, failed = [], []
    for one in wanted:
        kind = kinds.get(one["kind"])
        if kind is None:  # of an app that is not installed any more
            failed.append(str(one["kind"]))
            continue
        title = kind.title(one["options"])
        try:
            sections.append(kind.build(frame, one["options"]))
        except Exception:  # one section must not cost the reader all others
            logger.exception("section %s of a report failed", one["kind"])
            failed.append(title)
            sections.append(Section(title=title, remarks=[_("This section could not be computed.")]))
        step()
    return sections, failed
