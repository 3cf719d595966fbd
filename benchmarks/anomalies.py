"""Precision and recall of the search for anomalies, on a labelled synthetic set.

    python -m benchmarks anomalies                the figures of docs/anomalies.md
    python -m benchmarks anomalies --accounts 50  a quick look

Every account has three services of four resources over seventy days, with weekdays that differ, slow growth, noise, a
fee on the first of the month, and a price rise of 4 % for everything. In two accounts of three something happens in
the last three weeks, to one resource: a jump of one to three days, a lasting rise, or a new resource; it costs at least
3 % of the account's usual day more. In the others nothing happens, or something that is no anomaly: a resource that
goes, or growth of half a per cent a day. A finding is right where it is about that resource (or the service or account
that it is in) and begins within a day of what happened.

A second set of as many accounts holds falls: a resource that costs less by six tenths or more for one to three days or
for good, one that is charged no more though nobody deleted it, and a service of which all of that is so. In the others
nothing happens, or a jump that passes, or growth.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from benchmarks.tools import print_table
from costs.anomalies.detection import (
    CONNECTION,
    RESOURCE,
    SCAN_DAYS,
    SERVICE,
    Finding,
    History,
    Key,
    detect,
    detect_falls,
)

DAYS = 70
FIRST = date(2026, 1, 12)
SERVICES = ("Compute", "Storage", "Network")
RESOURCES = 4
PLANTED = ("jump of a day", "jump of two or three days", "lasting rise", "new resource")
HARMLESS = ("nothing", "a resource goes", "fast growth")
FALLEN = ("fall of one to three days", "lasting fall", "a resource stops", "a service stops")
HARMLESS_TO_FALLS = ("nothing", "a jump that passes", "fast growth")
NOISES = (Decimal("0.01"), Decimal("0.05"), Decimal("0.15"))


@dataclass
class Account:
    kind: str
    noise: Decimal
    histories: dict[Key, History]
    key: Key | None = None
    day: date | None = None


@dataclass
class Score:
    planted: int = 0
    found: int = 0
    wrong: int = 0
    named: int = 0
    surplus_errors: list[Decimal] = field(default_factory=list)

    @property
    def precision(self) -> str:
        told = self.found + self.wrong
        return f"{100 * self.found / told:.1f} %" if told else "–"

    @property
    def recall(self) -> str:
        return f"{100 * self.found / self.planted:.1f} %" if self.planted else "–"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks anomalies", description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    _measure("Rises", detect, options, PLANTED, HARMLESS)
    _measure("Falls", detect_falls, options, FALLEN, HARMLESS_TO_FALLS)


def _measure(
    title: str,
    search: Callable[..., list[Finding]],
    options: argparse.Namespace,
    planted: Sequence[str],
    harmless: Sequence[str],
) -> None:
    scores: dict[str, Score] = {}
    since = FIRST + timedelta(days=DAYS - SCAN_DAYS)
    began = time.monotonic()
    for account in accounts(options.accounts, options.seed, planted, harmless):
        findings = search(account.histories, since=since)
        for name in (account.kind, f"noise of {account.noise:.0%}", "all"):
            _count(scores.setdefault(name, Score()), account, findings)
    seconds = time.monotonic() - began
    order = [*planted, *harmless, *(f"noise of {noise:.0%}" for noise in NOISES), "all"]
    print(f"\n{title}\n")
    print_table(
        ["accounts with", "planted", "found", "wrong", "precision", "recall", "resource named"],
        (
            [
                name,
                str(one.planted),
                str(one.found),
                str(one.wrong),
                one.precision,
                one.recall,
                f"{100 * one.named / one.found:.1f} %" if one.found else "–",
            ]
            for name, one in ((name, scores[name]) for name in order if name in scores)
        ),
    )
    print(
        f"\n{options.accounts} accounts, {seconds / options.accounts * 1000:.1f} ms each (with making them)"
    )


def accounts(
    count: int, seed: int, planted: Sequence[str] = PLANTED, harmless: Sequence[str] = HARMLESS
) -> Iterator[Account]:
    """Two of three with something in them; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311  # not for secrets
    for number in range(count):
        kind = chance.choice(planted) if number % 3 else chance.choice(harmless)
        yield _account(chance, kind, NOISES[number // 3 % len(NOISES)])


def _account(chance: random.Random, kind: str, noise: Decimal) -> Account:
    weekend = chance.choice([1.0, 1.0, 0.8, 0.4])
    growth = 0.005 if kind == "fast growth" else chance.uniform(0, 0.001)
    dearer = chance.randrange(20, DAYS - 5)
    levels = [chance.uniform(100, 1500) for _ in range(len(SERVICES) * RESOURCES)]
    events = _events(chance, kind, levels)
    series: dict[Key, dict[date, Decimal]] = {}
    planted: tuple[Key, date] | None = None
    for number, level in enumerate(levels):
        key = Key(RESOURCE, SERVICES[number // RESOURCES], number)
        series[key] = {}
        for index in range(DAYS):
            day = FIRST + timedelta(days=index)
            amount = level * (1 + growth * index) * (1.04 if index >= dearer else 1)
            amount *= weekend if day.weekday() >= 5 else 1
            amount *= max(0.0, chance.gauss(1, float(noise)))
            if number == 0 and day.day == 1:
                amount += level * 2
            if number == events.number or key.service == events.service:
                amount = events.on(index, amount)
            series[key][day] = Decimal(f"{amount:.2f}")
        if number == events.number and events.is_anomaly:
            found = Key(SERVICE, events.service) if events.service else key
            planted = found, FIRST + timedelta(days=events.start)
    return Account(
        kind=kind,
        noise=noise,
        histories={**series, **_sums(series)},
        key=planted[0] if planted else None,
        day=planted[1] if planted else None,
    )


@dataclass(frozen=True)
class _Events:
    """What happens to the resource of this number from day `start` to before day `end`."""

    number: int
    start: int
    end: int
    surplus: float
    is_anomaly: bool
    is_new: bool = False
    is_end: bool = False
    depth: float = 0.0
    service: str = ""

    def on(self, index: int, amount: float) -> float:
        if self.is_new:
            return self.surplus if index >= self.start else 0.0
        if self.depth:
            return amount * (1 - self.depth) if self.start <= index < self.end else amount
        if self.is_end:
            return 0.0 if index >= self.start else amount
        return amount + (self.surplus if self.start <= index < self.end else 0.0)


def _events(chance: random.Random, kind: str, levels: list[float]) -> _Events:
    number = chance.randrange(1, len(levels))
    start = chance.randrange(DAYS - SCAN_DAYS + 1, DAYS - 1)
    surplus = max(levels[number] * chance.uniform(0.5, 4), sum(levels) * 0.03)
    if kind == "jump of a day":
        return _Events(number, start, start + 1, surplus, is_anomaly=True)
    if kind == "jump of two or three days":
        return _Events(number, start, start + chance.choice([2, 3]), surplus, is_anomaly=True)
    if kind == "lasting rise":
        return _Events(number, start, DAYS, surplus, is_anomaly=True)
    if kind == "new resource":
        return _Events(
            number, start, DAYS, sum(levels) * chance.uniform(0.12, 0.4), is_anomaly=True, is_new=True
        )
    if kind in FALLEN:
        return _fall(chance, kind, levels, start)
    if kind == "a jump that passes":
        return _Events(number, start, start + chance.choice([1, 3, 5]), surplus, is_anomaly=False)
    if kind == "a resource goes":
        return _Events(number, start, DAYS, 0, is_anomaly=False, is_end=True)
    return _Events(-1, 0, 0, 0, is_anomaly=False)


def _fall(chance: random.Random, kind: str, levels: list[float], start: int) -> _Events:
    """By at least 3 % of the account's day."""
    depth = 1.0 if kind.endswith("stops") else chance.uniform(0.6, 1)
    large = [n for n, level in enumerate(levels) if n and level * depth >= sum(levels) * 0.03]
    number = chance.choice(large or [levels.index(max(levels))])
    length = chance.choice([1, 2, 3]) if kind == "fall of one to three days" else DAYS
    service = SERVICES[number // RESOURCES] if kind == "a service stops" else ""
    return _Events(number, start, min(start + length, DAYS), 0, is_anomaly=True, depth=depth, service=service)


def _sums(series: Mapping[Key, History]) -> dict[Key, History]:
    sums: dict[Key, dict[date, Decimal]] = {}
    for key, history in series.items():
        for above in (Key(SERVICE, key.service), Key(CONNECTION)):
            for day, amount in history.items():
                into = sums.setdefault(above, {})
                into[day] = into.get(day, Decimal(0)) + amount
    return dict(sums)


def _count(score: Score, account: Account, findings: list[Finding]) -> None:
    right = [finding for finding in findings if _is_right(account, finding)]
    score.planted += account.key is not None
    score.found += bool(right)
    score.wrong += len(findings) - len(right)
    score.named += (
        any(account.key.resource in (None, number) for one in right for number, _run in one.parts)
        if account.key
        else 0
    )


def _is_right(account: Account, finding: Finding) -> bool:
    if account.key is None or account.day is None:
        return False
    is_same = finding.key in (account.key, Key(SERVICE, account.key.service), Key(CONNECTION)) or (
        account.key.resource is None and finding.key.service == account.key.service
    )
    return is_same and abs((finding.run.first - account.day).days) <= 1
