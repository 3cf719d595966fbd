"""How the reading of every scope ended, as the engine takes it. Pure.

Two things do not stand in what the plugin said:

- A scope that holds something and of which nothing was heard was not read. The reason is that of what it stands below
  (a project that let nobody in), or the bill's, or that the provider did not show it.
- A service that does not exist today and was read within the last day is doubted: behind a gateway that answers 404 for
  a while, everything that it holds would be gone. If it is still missing after a day, it is believed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from common.text import gettext_noop
from providers.contract.records import ScopeResult, ScopeStatus

from .collect import CHARGES, Collected, is_covered

DOUBT = timedelta(days=1)
BILLING = "billing/"
"""How the scope of what only the bill knows begins."""

NOT_SHOWN = gettext_noop(
    "The provider did not show this part in this sync. What is known of it stays as it was, nothing was removed."
)
DOUBTED = gettext_noop(
    "The provider says that this service does not exist here, and a day ago it did. What is known of it stays as it "
    "was; if the service is still missing in a day, it counts as gone."
)


@dataclass(frozen=True, slots=True)
class LastReading:
    """What the current snapshot says of a scope: whether it was absent there, and when it was last covered."""

    is_absent: bool
    last_complete_at: datetime | None


def settled(
    collected: Collected,
    *,
    held: Collection[str],
    is_listed: bool,
    before: Mapping[str, LastReading],
    observed_at: datetime,
) -> dict[str, ScopeResult]:
    """The results by scope key; `held` are the scopes of open states that no bill of today covers.

    With `is_listed` the provider has an inventory, so that a scope of which nothing was heard was not read.
    """
    results = dict(collected.scopes)
    for key in sorted(held):
        result = results.get(key)
        if result is None:
            if is_listed:
                results[key] = _unheard(key, collected)
        elif result.status is ScopeStatus.ABSENT and _is_doubtful(before.get(key), observed_at):
            results[key] = _failed(key, "absence_doubted", DOUBTED)
    return results


def _unheard(key: str, collected: Collected) -> ScopeResult:
    reasons = (collected.scopes.get(above) for above in _above(key))
    reason = next((each for each in reasons if each is not None and not is_covered(each)), None)
    if reason is None and key.startswith(BILLING):
        reason = collected.problems.get(CHARGES)
    return _failed(key, "not_shown", NOT_SHOWN) if reason is None else replace(reason, scope=_scope(key))


def _above(key: str) -> Iterator[str]:
    """Every scope that this one stands below, the nearest first."""
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key


def _is_doubtful(last: LastReading | None, observed_at: datetime) -> bool:
    if last is None or last.is_absent or last.last_complete_at is None:
        return False
    return observed_at - last.last_complete_at < DOUBT


def _failed(key: str, code: str, message: str) -> ScopeResult:
    return ScopeResult(scope=_scope(key), status=ScopeStatus.FAILED, error_code=code, message=message)


def _scope(key: str) -> tuple[str, ...]:
    return tuple(part.replace("%2F", "/") for part in key.split("/"))
