"""Where a person is signed in, and how it is ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.audit.services import record
from accounts.models import User

BROWSERS = (
    ("YaBrowser", "Yandex Browser"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
"""What a browser calls itself, the most telling word first: each also names those it descends from."""

SYSTEMS = (
    (r"iPhone|iPad", "iOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X|Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """One browser in which a person is signed in; `browser` and `system` are "" where they do not say."""

    pk: int
    browser: str
    system: str
    ip: str
    started_at: datetime
    is_current: bool


def signed_in_places(user: User, *, current_key: str | None) -> list[SignedIn]:
    """This one first, then the newest. Those that a password change has ended are left out. Two queries."""
    rows = list(UserSession.objects.filter(user=user).order_by("-created_at", "-pk"))
    stored = Session.objects.filter(
        session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
    )
    alive = {session.session_key for session in stored if _is_of(user, session.get_decoded())}
    places = [_place(row, current_key) for row in rows if row.session_key in alive]
    return sorted(places, key=lambda place: not place.is_current)


@transaction.atomic
def end_session(*, user: User, pk: int) -> bool:
    """Signs the person out in that browser; False where there is none of theirs under that number."""
    ended = _end(UserSession.objects.filter(user=user, pk=pk))
    if ended:
        record("user.session_ended", obj=user)
    return ended > 0


@transaction.atomic
def end_other_sessions(*, user: User, current_key: str | None) -> int:
    """Signs the person out everywhere but here; returns in how many browsers."""
    ended = _end(UserSession.objects.filter(user=user).exclude(session_key=current_key or ""))
    record("user.sessions_ended", obj=user, details={"sessions": ended})
    return ended


def _end(rows: QuerySet[Any]) -> int:
    ending = list(rows)
    get_adapter().end_sessions(ending)
    return len(ending)


def _is_of(user: User, data: dict[str, Any]) -> bool:
    """A session remembers its person's password in a hash: another password has ended it."""
    kept = str(data.get(HASH_SESSION_KEY, ""))
    wanted = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(kept, value) for value in wanted)


def _place(row: Any, current_key: str | None) -> SignedIn:
    agent: str = row.user_agent
    return SignedIn(
        pk=row.pk,
        browser=next((name for word, name in BROWSERS if word in agent), ""),
        system=next((name for words, name in SYSTEMS if re.search(words, agent)), ""),
        ip=row.ip,
        started_at=row.created_at,
        is_current=row.session_key == current_key,
    )
