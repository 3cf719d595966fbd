"""Who may ask what: static tokens, account tokens, project tokens, and how often."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from providers.emulators.openstack.identity import Identity, Session, roles
from providers.emulators.selectel.account import Account
from providers.emulators.wire import Request

STATIC = "static"
ACCOUNT = "account"
PROJECT = "project"
BILLING_ROLES = frozenset({"member", "reader", "billing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An account and the kind of token that speaks for it; a static token has no session."""

    account: Account
    kind: str
    session: Session | None = None

    @property
    def may_read_billing(self) -> bool:
        if self.session is None:
            return True
        return bool(BILLING_ROLES & set(roles(self.session.user))) and self.session.may_read("billing", "all")


class Gate:
    """Recognizes callers, and counts their requests."""

    def __init__(
        self, accounts: Mapping[str, Account], identity: Identity, section: Mapping[str, Any]
    ) -> None:
        self._accounts = accounts
        self._identity = identity
        self._limit = int(section.get("rate_limit_per_minute", 0))
        self._recent: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def caller(self, request: Request) -> Caller | None:
        """Who sent a request; None for a wrong, expired or missing token."""
        static = request.headers.get("x-token")
        if static:
            account = self._accounts.get(static.rpartition("_")[2])
            is_right = account is not None and account.static_token == static
            return Caller(account=account, kind=STATIC) if account is not None and is_right else None
        session = self._identity.of(request)
        if session is None or session.cloud.domain not in self._accounts:
            return None
        if not session.is_account and session.project is None:
            return None
        return Caller(
            account=self._accounts[session.cloud.domain],
            kind=ACCOUNT if session.is_account else PROJECT,
            session=session,
        )

    def number(self, request: Request) -> str | None:
        """The account a request names, unverified."""
        static = request.headers.get("x-token")
        return static.rpartition("_")[2] if static else self._identity.domain_of(request)

    def is_over_limit(self, number: str, at: datetime) -> bool:
        """Whether this request is one too many within a minute; a refused one does not count."""
        if not self._limit:
            return False
        with self._lock:
            recent = self._recent.setdefault(number, deque())
            while recent and recent[0] <= at - timedelta(minutes=1):
                recent.popleft()
            if len(recent) >= self._limit:
                return True
            recent.append(at)
            return False
