"""Lists that come in pages, read until they end by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from common.text import gettext_noop
from providers.contract.errors import UnexpectedResponse

PASSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list; `total_count` is None where the provider does not say."""

    items: Sequence[Any]
    total_count: int | None = None


def offset_pages(
    fetch: Callable[[int, int], Page],
    *,
    limit: int,
    identity: Callable[[Any], object],
    provider: str,
    operation: str,
) -> Iterator[Any]:
    """Every item once, until the total is reached or an empty page comes; a short page ends nothing.

    When the total changes while we read, items may have slid past us: the list is read again, at most
    `PASSES` times, and only what was not seen yet is yielded. `identity` tells items apart.
    Raises UnexpectedResponse where the list ends before its own total or never moves on.
    """
    seen: set[object] = set()
    for _ in range(PASSES):
        totals: set[int] = set()
        for item in _one_pass(fetch, limit, totals, provider=provider, operation=operation):
            key = identity(item)
            if key not in seen:
                seen.add(key)
                yield item
        if len(totals) <= 1:
            return


def _one_pass(
    fetch: Callable[[int, int], Page], limit: int, totals: set[int], *, provider: str, operation: str
) -> Iterator[Any]:
    """The items of one reading; puts every total that was named into `totals`."""
    offset = 0
    previous: Sequence[Any] = ()
    total: int | None = None
    while True:
        page = fetch(offset, limit)
        if page.total_count is not None:
            total = page.total_count
            totals.add(total)
        if not page.items:
            if total is not None and offset < total:
                raise _broken(provider, operation, reason="the list ended before its own total")
            return
        if page.items == previous:
            raise _broken(provider, operation, reason="the same page came twice")
        yield from page.items
        previous = page.items
        offset += len(page.items)
        if total is not None and offset >= total:
            return


def _broken(provider: str, operation: str, *, reason: str) -> UnexpectedResponse:
    return UnexpectedResponse(
        gettext_noop(
            "A list of %(provider)s could not be read to its end. Data is unchanged; details are logged."
        ),
        provider=provider,
        operation=f"{operation}: {reason}",
        params={"provider": provider},
    )
