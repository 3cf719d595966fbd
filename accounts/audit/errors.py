"""What can go wrong with the audit trail.

AuditError
├── AppendOnly       somebody wanted to change or remove what is written
└── UnknownAction    an action that `actions.py` does not name: a slip of ours, caught by the first test that runs it
"""

from __future__ import annotations


class AuditError(Exception):
    """A rule of the audit trail forbids it."""


class AppendOnly(AuditError):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is append-only: rows are added, never changed or removed")


class UnknownAction(AuditError):
    def __init__(self, action: str) -> None:
        super().__init__(f"{action!r} is not an action: name it in accounts/audit/actions.py")
