"""Evaluate a connection: facts in, stored findings brought in line, what was seen kept for "why is there none?".

A connection is evaluated whole once a day and whenever settings or prices changed; after another sync of the same day
only what that sync changed, with the families it belongs to. Evidence ends at midnight, so nothing else can have moved.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from costs.facts import QUANTUM
from costs.queries import rates_on
from providers.models import ProviderConnection
from recommendations import proof
from recommendations.counting import recount
from recommendations.engine.calculations import HUNDREDTH
from recommendations.engine.contract import Category, Finding, Metric, NotMatched, Rule, Skip, SkipReason
from recommendations.engine.evaluation import Outcome, evaluate_connection, evaluate_resources, outcome_word
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.pricing import PriceBook
from recommendations.evidence import Evidence, Lookback
from recommendations.models import (
    LIVE,
    CloseReason,
    ConnectionEvaluation,
    EventKind,
    Recommendation,
    RecommendationEvent,
    ResourceEvaluation,
    Status,
)
from recommendations.rulebook import Rulebook
from syncs.models import ResourceState, SyncSnapshot

logger = logging.getLogger(__name__)

PATIENCE = timedelta(days=14)
"""How long a finding stays while its facts cannot be read."""
MATERIAL = Decimal("0.1")
"""A saving that moved by less has not changed what the finding says."""
BATCH = 500
WHOLE_FROM = 2000
"""Where a sync touched so many resources or more, everything is evaluated."""
DATA_MISSING = frozenset(
    {
        SkipReason.NO_COST,
        SkipReason.NO_METRICS,
        SkipReason.TOO_FEW_SAMPLES,
        SkipReason.NO_PRICE,
        SkipReason.NO_EVIDENCE,
        SkipReason.SCOPE_INCOMPLETE,
        SkipReason.STALE,
        SkipReason.RULE_FAILED,
    }
)
"""Why a rule could not look: what it found before stays, marked."""
FINDING_FIELDS = (
    "resource_pks",
    "covered_pks",
    "category",
    "summary",
    "facts",
    "formula",
    "steps",
    "notes",
    "alternatives",
    "metrics",
    "matters",
    "fingerprint",
    "currency",
    "current_monthly",
    "target_monthly",
    "saving_monthly",
    "saving_monthly_rub",
    "one_off_cost",
    "confidence",
    "effort",
    "risk",
    "is_excluded",
)
STATE_FIELDS = (
    "status",
    "refreshed_at",
    "stale_since",
    "stale_reason",
    "snoozed_until",
    "dismiss_reason",
    "closed_at",
    "close_reason",
    "applied_at",
    "before",
    "counted_monthly_rub",
    "updated_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What one evaluation did."""

    resource_count: int
    is_whole: bool
    made: int
    changed: int
    closed: int


@dataclass(slots=True)
class _Seen:
    """Everything that an evaluation saw: outcomes by resource, findings by key, who was looked at."""

    outcomes: dict[int, dict[str, str]] = field(default_factory=dict)
    answers: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    facts: dict[int, _Form] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    categories: dict[int, set[str]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        word = outcome_word(outcome.answer)
        mine = self.outcomes.setdefault(outcome.resource_pk, {})
        if mine.get(outcome.rule.id) != "matched":
            mine[outcome.rule.id] = word
        self.answers[outcome.rule.id, subject_key(outcome)] = outcome
        if outcome.finding is not None and not outcome.is_excluded:
            for pk in outcome.finding.resource_pks:
                category = str(outcome.finding.category or outcome.rule.category)
                self.categories.setdefault(pk, set()).add(category)
        if word == SkipReason.RULE_FAILED:
            self.errors[outcome.rule.id] = word

    def look(self, facts: ResourceFacts) -> None:
        self.facts[facts.pk] = _Form.of(facts)


@dataclass(frozen=True, slots=True)
class _Form:
    """What tells whether advice was followed: when the resource last changed."""

    changed_at: datetime

    @classmethod
    def of(cls, facts: ResourceFacts) -> _Form:
        moments = (facts.status_since, facts.resized_at, facts.changed_at)
        return cls(max(moment for moment in moments if moment is not None))


def evaluate(
    connection: ProviderConnection,
    *,
    rulebook: Rulebook,
    prices: PriceBook,
    prices_version: str,
    now: datetime,
    changed: Collection[int] | None = None,
) -> Evaluated:
    """Bring the connection's findings in line with its facts. Idempotent.

    `changed` are the resources that a sync touched; None evaluates everything.
    """
    lookback = Lookback.of(rulebook.rules.values(), rulebook.longest())
    evidence = Evidence(connection, prices=prices, lookback=lookback, now=now)
    inputs = rulebook.inputs_hash(prices_version)
    last = ConnectionEvaluation.objects.filter(connection=connection).first()
    is_whole = changed is None or last is None or last.day != evidence.today or last.inputs_hash != inputs
    only = None if is_whole else evidence.family_of(changed or ())
    if only is not None and len(only) >= WHOLE_FROM:
        is_whole, only = True, None
    seen = _see(evidence, rulebook, only)
    with transaction.atomic():
        ConnectionEvaluation.objects.get_or_create(
            connection=connection,
            defaults={
                "organization_id": connection.organization_id,
                "day": evidence.today,
                "evaluated_at": now,
                "inputs_hash": "",
            },
        )
        mark = ConnectionEvaluation.objects.select_for_update().get(connection=connection)
        is_new_input = mark.inputs_hash not in ("", inputs)
        writer = _Writer(evidence, seen, now, trust=rulebook.trust, is_new_input=is_new_input)
        writer.write(only, whole_rules=is_whole)
        _keep_outcomes(connection, seen, only, set(evidence.members))
        if is_whole:
            mark.counts = _counts(seen)
            mark.errors = seen.errors
        mark.day = evidence.today
        mark.evaluated_at = now
        mark.inputs_hash = inputs
        mark.resource_count = len(evidence.members)
        mark.save()
        recount(connection, now=now)
    return Evaluated(
        resource_count=len(seen.facts),
        is_whole=is_whole,
        made=writer.made_count,
        changed=writer.changed_count,
        closed=writer.closed_count,
    )


def touched_by(snapshot: SyncSnapshot) -> set[int]:
    """Resources that a snapshot opened or closed a state of, or whose scope it read otherwise than the one before."""
    states = ResourceState.objects.filter(connection=snapshot.connection)
    touched = set(
        states.filter(Q(opened_by=snapshot) | Q(closed_by=snapshot)).values_list("resource_id", flat=True)
    )
    before = (
        SyncSnapshot.objects.finished()
        .filter(connection=snapshot.connection, observed_at__lt=snapshot.observed_at)
        .order_by("-observed_at")
        .first()
    )
    now_read = dict(snapshot.coverage.values_list("scope", "status"))
    then_read = dict(before.coverage.values_list("scope", "status")) if before else {}
    moved = [scope for scope in {*now_read, *then_read} if now_read.get(scope) != then_read.get(scope)]
    if moved:
        touched.update(states.open().filter(scope__in=moved).values_list("resource_id", flat=True))
    return touched


def outcomes_of(
    connection: ProviderConnection, resource_pk: int, *, rulebook: Rulebook, prices: PriceBook, now: datetime
) -> list[Outcome]:
    """What every rule says of one resource now, in words; nothing is stored."""
    lookback = Lookback.of(rulebook.rules.values(), rulebook.longest())
    evidence = Evidence(connection, prices=prices, lookback=lookback, now=now)
    excluded = rulebook.excluded(connection)

    def is_excluded(rule: type[Rule], facts: ResourceFacts) -> bool:
        return facts.pk in excluded.get("", ()) or facts.pk in excluded.get(rule.id, ())

    for batch in evidence.trees(evidence.family_of([resource_pk])):
        mine = [facts for facts in batch if facts.pk == resource_pk]
        if mine:
            return list(evaluate_resources(rulebook.rules.values(), mine, rulebook.options_for, is_excluded))
    return []


def subject_key(outcome: Outcome) -> str:
    """What tells findings of one rule apart."""
    if outcome.subject:
        return f"group:{outcome.subject}"[:160]
    variant = outcome.answer.variant if isinstance(outcome.answer, Finding) else ""
    return f"resource:{outcome.resource_pk}" + (f":{variant}" if variant else "")


def _see(evidence: Evidence, rulebook: Rulebook, only: Collection[int] | None) -> _Seen:
    """All rules over all facts; those that look at a whole connection only where all of it is looked at."""
    seen = _Seen()
    rules = list(rulebook.rules.values())
    together = [rule for rule in rules if rule.subject == "connection"]
    types = frozenset().union(*(rule.applies_to for rule in together)) if together else frozenset()
    metrics = _metrics_of(together)
    excluded = rulebook.excluded(evidence.connection)

    def is_excluded(rule: type[Rule], facts: ResourceFacts) -> bool:
        return facts.pk in excluded.get("", ()) or facts.pk in excluded.get(rule.id, ())

    kept: list[ResourceFacts] = []
    for batch in evidence.trees(only):
        for facts in batch:
            seen.look(facts)
        for outcome in evaluate_resources(rules, batch, rulebook.options_for, is_excluded):
            seen.add(outcome)
        if only is None:
            for facts in batch:
                facts.keep_series(metrics.get(facts.resource_type, ()))
            kept += [facts for facts in batch if facts.resource_type in types]
    if only is None:
        for facts in kept:
            facts.open_categories = frozenset(seen.categories.get(facts.pk, ()))
        for outcome in evaluate_connection(together, kept, rulebook.options_for, is_excluded):
            seen.add(outcome)
    return seen


def _metrics_of(rules: Iterable[type[Rule]]) -> dict[str, set[str]]:
    """{type: series that these rules look at}."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        names = {need.name for need in rule.needs if isinstance(need, Metric)}
        for kind in rule.applies_to:
            found.setdefault(kind, set()).update(names)
    return found


def _counts(seen: _Seen) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for outcomes in seen.outcomes.values():
        for rule, word in outcomes.items():
            counts = found.setdefault(rule, {})
            counts[word] = counts.get(word, 0) + 1
    return found


def _keep_outcomes(
    connection: ProviderConnection, seen: _Seen, only: Collection[int] | None, there: Collection[int]
) -> None:
    """Write only what moved; what is gone from the inventory goes."""
    rows = ResourceEvaluation.objects.filter(connection=connection)
    if only is not None:
        rows = rows.filter(resource_id__in=only)
    else:
        rows.exclude(resource_id__in=there).delete() if len(there) < BATCH else _forget(rows, there)
    known = {row.resource_id: row for row in rows.iterator(2000)}
    made, moved = [], []
    for pk in seen.facts:
        outcomes = seen.outcomes.get(pk, {})
        row = known.get(pk)
        if row is None:
            made.append(
                ResourceEvaluation(
                    organization_id=connection.organization_id,
                    connection=connection,
                    resource_id=pk,
                    outcomes=outcomes,
                )
            )
        elif only is None and row.outcomes != outcomes:
            row.outcomes = outcomes
            moved.append(row)
        elif only is not None and any(row.outcomes.get(rule) != word for rule, word in outcomes.items()):
            row.outcomes = {**row.outcomes, **outcomes}
            moved.append(row)
    ResourceEvaluation.objects.bulk_create(made, batch_size=BATCH)
    ResourceEvaluation.objects.bulk_update(moved, ["outcomes"], batch_size=BATCH)


def _forget(rows: Any, there: Collection[int]) -> None:
    gone = [pk for pk in rows.values_list("resource_id", flat=True) if pk not in there]
    for start in range(0, len(gone), BATCH):
        rows.filter(resource_id__in=gone[start : start + BATCH]).delete()


class _Writer:
    """Brings the stored findings of one connection in line with what was seen."""

    def __init__(
        self,
        evidence: Evidence,
        seen: _Seen,
        now: datetime,
        *,
        trust: Mapping[str, Decimal],
        is_new_input: bool,
    ) -> None:
        self.trust = trust
        self.evidence = evidence
        self.connection = evidence.connection
        self.seen = seen
        self.now = now
        self.is_new_input = is_new_input
        currencies = {o.finding.currency for o in seen.answers.values() if o.finding is not None}
        self.rates = rates_on(currencies, evidence.today)
        self.events: list[tuple[Recommendation, EventKind, dict[str, Any]]] = []
        self.made_count = self.changed_count = self.closed_count = 0

    def write(self, only: Collection[int] | None, *, whole_rules: bool) -> None:
        live = Recommendation.objects.filter(connection=self.connection, status__in=LIVE)
        if only is not None:
            live = live.filter(resource_id__in=only)
        stored = {(row.rule_id, row.subject_key): row for row in live.select_for_update().order_by("pk")}
        made, moved = [], []
        for key, outcome in self.seen.answers.items():
            if outcome.finding is None:
                continue
            row = stored.pop(key, None)
            if row is None:
                made.append(self._new(outcome, outcome.finding, key))
            elif self._refresh(row, outcome, outcome.finding):
                moved.append(row)
        for key, row in stored.items():
            is_group = row.subject_key.startswith("group:")
            if (whole_rules or not is_group) and self._lost(row, self.seen.answers.get(key)):
                moved.append(row)
        Recommendation.objects.bulk_create(made, batch_size=BATCH)
        for row in moved:
            row.updated_at = self.now
        Recommendation.objects.bulk_update(moved, [*FINDING_FIELDS, *STATE_FIELDS], batch_size=100)
        self.made_count, self.changed_count = len(made), len(moved) - self.closed_count
        RecommendationEvent.objects.bulk_create(
            [
                RecommendationEvent(
                    organization_id=self.connection.organization_id,
                    recommendation=row,
                    kind=kind,
                    at=self.now,
                    data=data,
                )
                for row, kind, data in self.events
            ],
            batch_size=BATCH,
        )

    # ---- found --------------------------------------------------------------------------------------------

    def _new(self, outcome: Outcome, finding: Finding, key: tuple[str, str]) -> Recommendation:
        row = Recommendation(
            organization_id=self.connection.organization_id,
            connection=self.connection,
            resource_id=finding.resource_pks[0],
            rule_id=key[0],
            subject_key=key[1],
            detected_at=self.now,
            refreshed_at=self.now,
            **self._values(outcome, finding),
        )
        self.events.append((row, EventKind.FOUND, _saving_data(row)))
        return row

    def _refresh(self, row: Recommendation, outcome: Outcome, finding: Finding) -> bool:
        """Whether anything of the row moved. Detection and decisions stay; a dismissed one returns when it is another."""
        values = self._values(outcome, finding)
        is_other = row.fingerprint != values["fingerprint"] and _is_material(row, values)
        before = {
            name: getattr(row, name) for name in (*FINDING_FIELDS, "status", "stale_since", "applied_at")
        }
        if is_other:
            changed = {"before": _saving_data(row)}
            if row.status == Status.DISMISSED:
                row.status, row.dismiss_reason = Status.PENDING, ""
                self.events.append((row, EventKind.RETURNED, changed))
            else:
                self.events.append((row, EventKind.CHANGED, changed))
        if row.status == Status.SNOOZED and row.snoozed_until and row.snoozed_until <= self.evidence.today:
            row.status, row.snoozed_until = Status.PENDING, None
            self.events.append((row, EventKind.WOKEN, {}))
        row.applied_at, row.before = None, {}  # what was seen applied is so no more
        if row.status == Status.IMPLEMENTED and self._is_overdue(row):
            row.status = Status.PENDING
            self.events.append((row, EventKind.NOT_SEEN, {}))
        if not is_other:  # noise within a step is no news, and is not written each day
            keep = {"matters", "fingerprint"}
            values |= {name: before[name] for name in keep}
        for name, value in values.items():
            setattr(row, name, value)
        row.stale_since, row.stale_reason = None, ""
        has_moved = any(getattr(row, name) != value for name, value in before.items())
        if has_moved:
            row.refreshed_at = self.now
        return has_moved

    def _is_overdue(self, row: Recommendation) -> bool:
        return row.implemented_at is not None and self.now - row.implemented_at >= PATIENCE

    def _values(self, outcome: Outcome, finding: Finding) -> dict[str, Any]:
        rate = self.rates.get(finding.currency)
        saving = finding.saving_monthly
        return {
            "resource_pks": list(finding.resource_pks),
            "covered_pks": list(finding.covers),
            "category": str(finding.category or outcome.rule.category),
            "summary": finding.summary.as_json(),
            "facts": [[label, value] for label, value in finding.facts.items()],
            "formula": finding.formula.as_json(),
            "steps": [step.as_json() for step in finding.steps],
            "notes": [note.as_json() for note in finding.notes],
            "alternatives": [each.as_json() for each in finding.alternatives],
            "metrics": list(finding.metrics),
            "matters": {name: str(value) for name, value in finding.matters.items()},
            "fingerprint": finding.fingerprint(outcome.rule.id),
            "currency": finding.currency,
            "current_monthly": finding.current_monthly,
            "target_monthly": finding.target_monthly,
            "saving_monthly": saving,
            "saving_monthly_rub": None
            if saving is None or rate is None
            else (saving * rate).quantize(QUANTUM),
            "one_off_cost": finding.one_off_cost,
            "confidence": (finding.confidence * self.trust.get(outcome.rule.id, Decimal(1))).quantize(
                HUNDREDTH
            ),
            "effort": str(finding.effort or outcome.rule.effort),
            "risk": str(finding.risk or outcome.rule.risk),
            "is_excluded": outcome.is_excluded,
        }

    # ---- not found any more -------------------------------------------------------------------------------

    def _lost(self, row: Recommendation, outcome: Outcome | None) -> bool:
        """What a finding becomes that the rule does not make any more; whether the row moved."""
        if row.status == Status.IMPLEMENTED and row.applied_at is not None:
            return False  # seen before: it waits for its proof, whose fortnight must not begin anew
        answer = outcome.answer if outcome is not None else None
        is_there = row.resource_id in self.evidence.members
        if is_there and isinstance(answer, Skip) and answer.reason in DATA_MISSING:
            return self._cannot_look(row, answer.reason)
        if row.status == Status.DISMISSED:
            self._close(row, CloseReason.NO_LONGER_TRUE if is_there else CloseReason.RESOURCE_DELETED)
            return True
        if not is_there:
            is_advised = row.category == Category.CLEANUP or row.status == Status.IMPLEMENTED
            self._close(row, CloseReason.APPLIED if is_advised else CloseReason.RESOURCE_DELETED)
        elif self._has_changed(row) and (answer is None or isinstance(answer, NotMatched | Skip)):
            self._close(row, CloseReason.APPLIED)
        elif self.is_new_input or answer is None:
            self._close(row, CloseReason.OPTIONS_CHANGED)
        else:
            self._close(row, CloseReason.NO_LONGER_TRUE)
        return True

    def _cannot_look(self, row: Recommendation, reason: SkipReason) -> bool:
        if row.stale_since is None:
            row.stale_since, row.stale_reason = self.now, reason.value
            return True
        if self.now - row.stale_since >= PATIENCE and row.status != Status.IMPLEMENTED:
            self._close(row, CloseReason.DATA_MISSING)
            return True
        return False

    def _has_changed(self, row: Recommendation) -> bool:
        """Whether one of its resources took another form since the finding was made."""
        forms = [self.seen.facts[pk] for pk in row.resource_pks if pk in self.seen.facts]
        gone = any(pk not in self.evidence.members for pk in row.resource_pks)
        return gone or any(form.changed_at > row.detected_at for form in forms)

    def _close(self, row: Recommendation, reason: CloseReason) -> None:
        self.closed_count += 1
        row.counted_monthly_rub = Decimal(0)
        row.stale_since, row.stale_reason = None, ""
        if reason == CloseReason.APPLIED and row.saving_monthly is not None and row.saving_monthly > 0:
            row.applied_at = self.now
            row.before = proof.before(row, today=self.evidence.today)
            if row.status == Status.IMPLEMENTED:
                self.events.append((row, EventKind.APPLIED, {}))
                return
        row.status, row.closed_at, row.close_reason = Status.CLOSED, self.now, reason
        self.events.append((row, EventKind.CLOSED, {"reason": reason.value}))


def _is_material(row: Recommendation, values: Mapping[str, Any]) -> bool:
    """A saving that wavers around the edge of a step is no other finding."""
    if dict(row.matters) != values["matters"] or row.resource_pks != values["resource_pks"]:
        return True
    old, new = row.saving_monthly, values["saving_monthly"]
    if old is None or new is None:
        return old is not new
    return bool(abs(new - old) > abs(old) * MATERIAL)


def _saving_data(row: Recommendation) -> dict[str, str]:
    return {} if row.saving_monthly is None else {"saving": str(row.saving_monthly), "currency": row.currency}
