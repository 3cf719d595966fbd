"""The phases in order, between the spool and the drafts."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from common.text import gettext_noop
from providers.contract.plugin import BillingKind, ProviderPlugin
from providers.contract.records import (
    ChargeRecord,
    Finding,
    ResourceRecord,
    ResourceStatus,
    RunRateRecord,
    UsageRecord,
)
from syncs.models import Phase, SnapshotTotal, SyncSnapshot

from . import coverage, deliveries, match, persist
from .billing import BilledResource, Identities, Ledger, add_up, source_key, take_stated
from .collect import CHARGES, RUN_RATES, USAGE, Collected, is_covered
from .drafts import batched
from .grouping import EVERYTHING_ELSE, FILE_STORAGE, SERVERS, VOLUMES, Grouping
from .lease import Lease
from .records import AMOUNT_QUANTUM, Action, Carried, Cost, Form, Gone, Kept, OpenState, Outcome, scope_key
from .spool import Spool


@dataclass(slots=True)
class Tally:
    """Phase 8, completion: what the snapshot adds up to, counted while outcomes stream by."""

    resource_count: int = 0
    stale_count: int = 0
    deleted_count: int = 0
    unrecognized_count: int = 0
    by_type: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_status: dict[str, dict[str, Any]] = field(default_factory=dict)
    own_costs: dict[str, Decimal] = field(default_factory=dict)
    inside_total: dict[str, Decimal] = field(default_factory=dict)

    def add(
        self, *, resource_type: str, status: str, daily: Decimal | None, currency: str, inside: bool
    ) -> None:
        self.resource_count += 1
        for groups, key in ((self.by_type, resource_type), (self.by_status, status)):
            group = groups.setdefault(key, {"count": 0, "daily_cost": {}})
            group["count"] += 1
            if daily:
                sums = group["daily_cost"]
                sums[currency] = str(Decimal(sums.get(currency, "0")) + daily)
        if daily:
            self.own_costs[currency] = self.own_costs.get(currency, Decimal(0)) + daily
            if inside:
                self.inside_total[currency] = self.inside_total.get(currency, Decimal(0)) + daily


@dataclass(slots=True, kw_only=True)
class Result:
    """What the phases leave for the snapshot's row: counts, totals per currency, findings, seconds by phase with the
    reading before them."""

    tally: Tally
    counts: Mapping[Action, int]
    totals: list[SnapshotTotal]
    retyped: Mapping[tuple[str, str], Sequence[int]]
    findings: list[Finding]
    timings: dict[str, float]
    is_complete: bool


def process(
    *,
    snapshot: SyncSnapshot,
    plugin: ProviderPlugin,
    grouping: Grouping,
    collected: Collected,
    spool: Spool,
    lease: Lease,
) -> Result:
    """Run the eight phases over what was collected and write the drafts of this snapshot."""
    assert snapshot.observed_at is not None
    timings = {Phase.COLLECT.value: round(plugin.context.trace.figures().seconds, 3)}
    clock = _PhaseClock(lease, timings)
    states = persist.open_states(snapshot.connection_id)

    clock.enter(Phase.BILLING)
    ledger = Ledger()
    if collected.is_bill_complete:
        known = persist.known_currencies(snapshot.connection_id, collected.further_currencies)
        currencies = collected.main_currencies(known)
        ledger = _bill(snapshot, plugin, grouping, spool, lease, Identities(currencies))

    clock.enter(Phase.GROUPING)
    last_readings = persist.last_readings(snapshot.connection_id)
    # A billing source is the scope of what only the bill knows, and covered when its latest period was delivered.
    billed_scopes = {scope_key(("billing", source)) for source in ledger.sources}
    results = coverage.settled(
        collected,
        held={state.scope for state in states.values() if state.scope} - billed_scopes,
        is_listed=plugin.capabilities.has_inventory,
        before=last_readings,
        observed_at=snapshot.observed_at,
    )
    world = match.World(
        observed_at=snapshot.observed_at,
        has_inventory=plugin.capabilities.has_inventory,
        grouping=grouping,
        ledger=ledger,
        listed=collected.listed,
        complete_scopes=billed_scopes | {key for key, result in results.items() if is_covered(result)},
        open_states=_without_remainder(states, collected),
        known_parents=_known_parents(snapshot, collected),
        is_bill_complete=collected.is_bill_complete,
        is_inventory_complete=collected.is_inventory_complete,
    )
    writer = persist.StateWriter(
        snapshot=snapshot,
        states=states,
        tolerance=Decimal(plugin.cost_tolerance),
        on_batch=lease.report,
    )
    unread = {key for key, result in results.items() if not is_covered(result)}
    completion = _Completion(snapshot, plugin, states, writer, unread)

    names = match.ServerNames()
    phases: tuple[tuple[Phase, Iterator[Outcome]], ...] = (
        (Phase.SERVERS, match.servers(spool.read(SERVERS, ResourceRecord), world, names)),
        (Phase.VOLUMES, match.volumes(spool.read(VOLUMES, ResourceRecord), world, names)),
        (Phase.FILE_STORAGE, match.file_storage(spool.read(FILE_STORAGE, ResourceRecord), world)),
        (Phase.EVERYTHING_ELSE, match.everything_else(spool.read(EVERYTHING_ELSE, ResourceRecord), world)),
    )
    parents: dict[str, str] = {}
    for phase, outcomes in phases:
        clock.enter(phase)
        completion.take(match.unify(outcomes, world, parents))

    clock.enter(Phase.UNIFICATION)
    completion.take_past(world)
    unexplained = completion.take_remainder(collected)
    writer.link_late_parents()

    clock.enter(Phase.COMPLETION)
    tally = completion.finish()
    persist.write_coverage(snapshot, results, last_readings)
    findings = [*collected.findings, *_unexplained_findings(unexplained, collected)]
    totals = _totals(snapshot, plugin, collected, ledger, completion, unexplained)
    clock.leave()
    return Result(
        tally=tally,
        counts=writer.counts,
        totals=totals,
        retyped=writer.retyped,
        findings=findings,
        timings=timings,
        is_complete=all(is_covered(result) for result in results.values()),
    )


def usage_records(spool: Spool) -> Iterator[UsageRecord]:
    return spool.read(USAGE, UsageRecord)


def _bill(
    snapshot: SyncSnapshot,
    plugin: ProviderPlugin,
    grouping: Grouping,
    spool: Spool,
    lease: Lease,
    identities: Identities,
) -> Ledger:
    if not spool.count(CHARGES):
        return Ledger()

    known_periods = deliveries.known_periods(snapshot.connection_id)
    fresh = deliveries.fresh(snapshot.connection_id, deliveries.delivered(spool.read(CHARGES, ChargeRecord)))
    unrecognized: dict[str, ChargeRecord] = {}
    if fresh:
        pks, unrecognized = deliveries.ensure_resources(
            snapshot, spool.read(CHARGES, ChargeRecord), identities, grouping.resource_type
        )
        charges = spool.read(CHARGES, ChargeRecord)
        deliveries.write(snapshot, fresh, charges, pks, identities, lease.report)
    if plugin.capabilities.states_run_rates:
        run_rates = {stated.resource_id: stated for stated in spool.read(RUN_RATES, RunRateRecord)}
        ledger = take_stated(spool.read(CHARGES, ChargeRecord), run_rates)
    else:
        ledger = add_up(
            spool.read(CHARGES, ChargeRecord),
            identities=identities,
            known_periods=known_periods,
        )
    ledger.past = {
        key: BilledResource(
            resource_id=key, source=source_key(charge), currency=charge.billing_currency, sample=charge
        )
        for key, charge in unrecognized.items()
        if key not in ledger.resources
    }
    return ledger


def _known_parents(snapshot: SyncSnapshot, collected: Collected) -> Mapping[str, str]:
    """Who belonged to whom, where not all could be looked at; else what was read says it."""
    if collected.is_inventory_complete and not collected.has_unknown_parents:
        return {}
    return persist.known_parents(snapshot.connection_id)


def _without_remainder(states: Mapping[str, OpenState], collected: Collected) -> Mapping[str, OpenState]:
    """The remainder is computed, not listed: with a total at hand it is no candidate for being gone or stale."""
    account = collected.account
    if account is None or account.total is None:
        return states
    return {key: state for key, state in states.items() if key != account.remainder_id}


class _PhaseClock:
    """Reports each phase once and keeps how long it took."""

    def __init__(self, lease: Lease, timings: dict[str, float]) -> None:
        self._lease = lease
        self._timings = timings
        self._phase = ""
        self._since = time.monotonic()

    def enter(self, phase: Phase) -> None:
        self.leave()
        self._phase = phase.value
        self._lease.report(phase=phase.value)

    def leave(self) -> None:
        now = time.monotonic()
        if self._phase:
            self._timings[self._phase] = round(now - self._since, 3)
        self._since = now


class _Completion:
    """Takes the outcomes of every phase: writes the drafts in batches and counts."""

    def __init__(
        self,
        snapshot: SyncSnapshot,
        plugin: ProviderPlugin,
        states: Mapping[str, OpenState],
        writer: persist.StateWriter,
        unread_scopes: Collection[str],
    ) -> None:
        self._snapshot = snapshot
        self._provider_type = plugin.key
        self._states = states
        self._writer = writer
        self._unread_scopes = unread_scopes
        self._tally = Tally()
        self._gone: list[str] = []
        self.kept_costs: dict[str, Decimal] = {}
        self.outside_total: dict[str, Decimal] = {}
        self.rounding: dict[str, Decimal] = {}

    def take(self, outcomes: Iterator[Outcome]) -> None:
        for batch in batched(outcomes):
            unchanged = self._writer.write([o for o in batch if isinstance(o, Form | Carried)])
            unrecognized = []
            for outcome in batch:
                self._count(outcome, outcome.resource_id in unchanged)
                if isinstance(outcome, Form) and not outcome.is_recognized:
                    unrecognized.append(outcome)
            if unrecognized:
                self._tally.unrecognized_count += len(unrecognized)
                persist.write_unrecognized(self._snapshot, self._provider_type, unrecognized)

    def take_past(self, world: match.World) -> None:
        """Record for triage what older lines bill under an unknown type: no state will, and its money is spent.

        Once: that it was billed some time ago is not news at every reading.
        """
        past = (billed for key, billed in world.ledger.past.items() if key not in world.listed)
        for batch in batched(past):
            recorded = persist.recorded_unrecognized(
                self._snapshot.connection_id, [billed.resource_id for billed in batch]
            )
            forms = [
                match.billed_form(billed, world, status=ResourceStatus.UNKNOWN)
                for billed in batch
                if billed.resource_id not in recorded
            ]
            if forms:
                self._tally.unrecognized_count += len(forms)
                persist.write_unrecognized(self._snapshot, self._provider_type, forms)

    def take_remainder(self, collected: Collected) -> Decimal:
        """Add what the account's total leaves unexplained by parts; returns what even that cannot explain."""
        account = collected.account
        if account is None or account.total is None:
            return Decimal(0)
        form, unexplained = match.remainder_form(
            resource_id=account.remainder_id,
            name=account.remainder_name,
            native_type=account.remainder_native_type,
            scope=account.remainder_scope,
            total=account.total,
            parts=self._tally.inside_total.get(account.total.currency, Decimal(0)),
        )
        self.take(iter([form]))
        return unexplained

    def finish(self) -> Tally:
        self._tally.deleted_count = self._writer.close(self._gone)
        return self._tally

    def _count(self, outcome: Outcome, is_unchanged: bool) -> None:
        """Add an outcome to the sums, with the cost that its state has after this snapshot.

        Stale is what nobody could look at, whatever the bill or a list that broke off says of it.
        """
        if isinstance(outcome, Gone):
            self._gone.append(outcome.resource_id)
            return
        state = self._states.get(outcome.resource_id)
        if state and is_unchanged and not isinstance(outcome, Kept):
            self._note_rounding(outcome.cost, state.cost)
        if isinstance(outcome, Form):
            self._tally.stale_count += outcome.scope in self._unread_scopes
            cost = state.cost if state and is_unchanged else outcome.cost
            self._add(outcome.resource_type.value, outcome.status.value, cost)
            return
        assert state is not None
        if isinstance(outcome, Kept):
            self._tally.stale_count += 1
            self._writer.counts[Action.UNCHANGED] += 1
            cost = state.cost
            if cost and cost.daily:
                self.kept_costs[cost.currency] = self.kept_costs.get(cost.currency, Decimal(0)) + cost.daily
            self._add(state.resource_type, state.status, cost)
        else:
            self._tally.stale_count += state.scope in self._unread_scopes
            status = "deleted_billed" if outcome.becomes_zombie else state.status
            self._add(state.resource_type, status, state.cost if is_unchanged else outcome.cost)

    def _note_rounding(self, stated: Cost | None, kept: Cost | None) -> None:
        """A rate that the bill itself cannot tell from the one of the state: the state's stands on both sides."""
        if stated and kept and stated.uncertainty:
            known = self.rounding.get(kept.currency, Decimal(0))
            self.rounding[kept.currency] = known + stated.daily - kept.daily

    def _add(self, resource_type: str, status: str, cost: Cost | None) -> None:
        inside = cost is not None and cost.in_account_total
        self._tally.add(
            resource_type=resource_type,
            status=status,
            daily=cost.daily if cost else None,
            currency=cost.currency if cost else "",
            inside=inside,
        )
        if cost is not None and cost.daily and not inside:
            self.outside_total[cost.currency] = self.outside_total.get(cost.currency, Decimal(0)) + cost.daily

    @property
    def own_costs(self) -> Mapping[str, Decimal]:
        return self._tally.own_costs


def _totals(
    snapshot: SyncSnapshot,
    plugin: ProviderPlugin,
    collected: Collected,
    ledger: Ledger,
    completion: _Completion,
    unexplained: Decimal,
) -> list[SnapshotTotal]:
    """Billed against the sum of resources, per currency.

    Billed is: by lines, what the lines say (a stated rate that moved within its own rounding has not moved) plus what
    was billed before for sources that this delivery leaves out; by rates, the account's own total plus what is priced outside it; without a total, the sum of the prices. Where the
    bill could not be read to its end there is no word of the provider's: what was known before stands.
    """
    account_total = collected.account.total if collected.account else None
    billed: dict[str, Decimal] = {}
    if plugin.capabilities.billing is BillingKind.LINES and collected.is_bill_complete:
        for sums in (ledger.daily_totals, completion.kept_costs):
            for currency, amount in sums.items():
                billed[currency] = billed.get(currency, Decimal(0)) + amount
        for currency, amount in completion.rounding.items():
            billed[currency] -= amount
    elif account_total is not None:
        billed = dict(completion.outside_total)
        total = account_total.daily.quantize(AMOUNT_QUANTUM)
        billed[account_total.currency] = billed.get(account_total.currency, Decimal(0)) + total
    else:
        billed = dict(completion.own_costs)
    own = completion.own_costs
    return [
        SnapshotTotal(
            organization_id=snapshot.organization_id,
            snapshot=snapshot,
            currency=currency,
            billed_daily_cost=billed.get(currency, Decimal(0)),
            resources_daily_cost=own.get(currency, Decimal(0)),
            unexplained_daily_cost=billed.get(currency, Decimal(0)) - own.get(currency, Decimal(0)),
        )
        for currency in sorted(billed.keys() | own.keys())
    ]


def _unexplained_findings(unexplained: Decimal, collected: Collected) -> list[Finding]:
    account = collected.account
    if not unexplained or account is None or account.total is None:
        return []
    return [
        Finding(
            code="parts_exceed_total",
            message=gettext_noop(
                "The parts cost %(difference)s %(currency)s a day more than the account's own total. "
                "Some part is charged differently (stopped, archived, discounted); no price was changed."
            ),
            params={"difference": str(-unexplained), "currency": account.total.currency},
        )
    ]
