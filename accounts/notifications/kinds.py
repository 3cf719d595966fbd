"""What people can be told about: one entry for each kind of event, registered by the app that knows it.

    register(Kind(code="sync.failed", label=_("A sync failed"), default=Mode.AT_ONCE, roles=WRITERS))

The words are in `templates/notifications/sync_failed.txt`: the first line is the title, the rest the text. They are
made in the reader's language with the notification's `data` and what `enrich` adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import Role
from accounts.notifications.models import Mode

EVERYBODY = tuple(Role.values)
WRITERS = (Role.OWNER.value, Role.MANAGER.value)
OWNERS = (Role.OWNER.value,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a message; `name` is what the reader sees."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`roles` hear of it; `default` is when, unless the person chose otherwise.

    `attach` gives the files that go with it, made when it is sent, through channels that take files.
    """

    code: str
    label: Any
    default: Mode = Mode.AT_ONCE
    roles: tuple[str, ...] = EVERYBODY
    enrich: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    attach: Callable[[Mapping[str, Any]], Sequence[Attachment]] | None = None

    @property
    def template(self) -> str:
        return f"notifications/{self.code.replace('.', '_')}.txt"


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Called from an app's `ready`; the same code twice is a mistake."""
    if kind.code in _kinds and _kinds[kind.code] is not kind:
        raise ValueError(f"the kind {kind.code} is registered already")
    _kinds[kind.code] = kind


def find(code: str) -> Kind:
    """Raises LookupError for a kind that nobody registered."""
    return _kinds[code]


def all_kinds() -> list[Kind]:
    return list(_kinds.values())
