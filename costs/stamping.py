"""What a cost is grouped by: the dimensions of each resource on each day."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from common import bulk
from costs.allocation import rulebook
from costs.allocation.evaluation import Context, Rule, Subject, evaluate
from costs.allocation.measures import measures_on, quantities_on
from costs.allocation.models import Measure, Method
from costs.allocation.sharing import weights_of
from costs.facts import day_bounds
from costs.models import CostDimensions
from inventory.models import Provenance, Resource
from providers.models import ProviderConnection
from syncs.engine.drafts import batched
from syncs.models import ResourceState

FORM_FIELDS = ("service_name", "region_id", "sub_account_id", "sub_account_name")
"""What dimensions take from the resource's state."""

STATE_FIELDS = (*FORM_FIELDS, "name", "status", "tags")
IN_CLAUSE = 500


@dataclass(frozen=True, slots=True)
class Stamp:
    """Fingerprint of a cost's dimensions; `parts` are those that it is shared out to, with their weights."""

    fingerprint: str
    parts: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """The resource in one of its states: what dimensions take from it, and what rules see of it."""

    values: tuple[str, ...]
    subject: Subject


class DimensionsTable:
    """The dimensions of one connection by their content; each is looked up in the database once, and made there once."""

    def __init__(self, connection: ProviderConnection) -> None:
        self._connection = connection
        rows = CostDimensions.objects.filter(connection=connection)
        self._pks = dict(rows.values_list("fingerprint", "pk"))
        self._wanted: dict[str, CostDimensions] = {}

    def fingerprint(self, values: dict[str, Any]) -> str:
        """The key of these values, a dict of the columns' names; `save` gives it a row."""
        content = json.dumps({**values, "connection": self._connection.pk}, sort_keys=True)
        key = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
        if key not in self._pks and key not in self._wanted:
            self._wanted[key] = CostDimensions(
                organization_id=self._connection.organization_id,
                connection=self._connection,
                fingerprint=key,
                **values,
            )
        return key

    def save(self) -> None:
        """Make the rows that are missing; somebody else may make them at the same time."""
        if not self._wanted:
            return
        for rows in batched(self._wanted.values()):
            bulk.insert(rows, ignore_conflicts=True)
        for keys in batched(self._wanted, IN_CLAUSE):
            found = CostDimensions.objects.filter(
                organization_id=self._connection.organization_id, fingerprint__in=keys
            )
            self._pks.update(found.values_list("fingerprint", "pk"))
        self._wanted = {}

    def pk(self, fingerprint: str) -> int:
        return self._pks[fingerprint]


class Stamper:
    """Dimensions of a connection's resources by day, from their states and from the rules that hold on the day.

    The state of a day is the last one that had begun before the day's end; for days before all states, the first.
    """

    def __init__(self, connection: ProviderConnection, *, first: date, last: date, zone: ZoneInfo) -> None:
        self._connection = connection
        self._zone = zone
        self._first, self._last = first, last
        self._start, self._end = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
        self._table = DimensionsTable(connection)
        self.rulebook = rulebook.Rulebook(connection.organization_id, first=first, last=last)
        self._resources: dict[int, tuple[str, str, str]] = {}
        self._tags: dict[int, dict[str, str]] = {}
        self._assignments: dict[int, list[tuple[date, date | None, str, str]]] = {}
        self._days: dict[int, list[date]] = {}
        self._forms: dict[int, list[Form]] = {}
        self._contexts: dict[tuple[Any, ...], Context] = {}
        self._stamps: dict[tuple[Any, ...], Stamp] = {}
        self._weights: dict[tuple[date, int], list[Decimal]] = {}

    def prepare(self, resource_pks: Collection[int]) -> None:
        """Read what is not known yet of these resources: four queries for some hundreds of them."""
        missing = [pk for pk in resource_pks if pk not in self._resources]
        for pks in batched(missing, IN_CLAUSE):
            resources = Resource.objects.filter(pk__in=pks)
            for pk, *row in resources.values_list("pk", "resource_type", "native_type", "name"):
                self._resources[pk] = (row[0], row[1], row[2])
            self._tags.update(rulebook.peoples_tags(pks))
            self._assignments.update(rulebook.assignments_of(pks, self._first, self._last))
            states = ResourceState.objects.filter(resource__in=pks, opened_at__isnull=False)
            self._remember(
                states.filter(
                    Q(closed_at__isnull=True) | Q(closed_at__gt=self._start), opened_at__lt=self._end
                )
            )
            unsure = [pk for pk in pks if pk not in self._days or self._days[pk][0] > self._first]
            for pk in unsure:  # what held on the first day had ended before, or begins only later
                self._days.pop(pk, None)
                self._forms.pop(pk, None)
            if unsure:
                self._remember(states.filter(resource__in=unsure))

    def context(self, resource_pk: int, day: date) -> Context:
        """The business context of the resource on that day."""
        return self._context(resource_pk, self._form(resource_pk, day), day)

    def stamp(self, resource_pk: int, day: date) -> Stamp:
        """The dimensions of the resource's cost on that day."""
        form = self._form(resource_pk, day)
        context = self._context(resource_pk, form, day)
        key = (resource_pk, id(form), id(context), day if context.split else None)
        known = self._stamps.get(key)
        if known is None:
            known = self._stamps[key] = self._stamp(resource_pk, form, context, day)
        return known

    def save(self) -> None:
        """Give every fingerprint told so far its row; `pk` then knows it."""
        self._table.save()

    def pk(self, fingerprint: str) -> int:
        return self._table.pk(fingerprint)

    def _context(self, resource_pk: int, form: Form, day: date) -> Context:
        assignments = self._assignments.get(resource_pk)
        persons = rulebook.persons_on(assignments, day) if assignments else {}
        epoch = self.rulebook.epoch(day)
        key = (id(form), epoch, tuple(sorted(persons.items())))
        known = self._contexts.get(key)
        if known is None:
            known = self._contexts[key] = evaluate(
                form.subject,
                persons=persons,
                rules=self.rulebook.rules(epoch),
                feeds=self.rulebook.feeds,
            )
        return known

    def _stamp(self, resource_pk: int, form: Form, context: Context, day: date) -> Stamp:
        values = {name: given.value for name, given in context.values.items()}
        provenance = {name: str(given.provenance) for name, given in context.values.items()}
        whole = self._fingerprint(resource_pk, form, values, provenance)
        if context.split is None:
            return Stamp(whole)
        rule = context.split
        parts = []
        for (name, _weight), weight in zip(rule.targets, self._shares(rule, day), strict=True):
            if weight:
                there = {**values, rule.dimension: name}
                because = {**provenance, rule.dimension: str(Provenance.RULE)}
                parts.append((self._fingerprint(resource_pk, form, there, because), weight))
        return Stamp(whole, tuple(parts))

    def _fingerprint(
        self, resource_pk: int, form: Form, values: Mapping[str, str], provenance: Mapping[str, str]
    ) -> str:
        columns: dict[str, Any] = dict(zip(FORM_FIELDS, form.values, strict=True))
        columns["resource_type"] = self._resources[resource_pk][0]
        columns.update({name: values.get(name, "") for name in CostDimensions.BUSINESS_FIELDS})
        return self._table.fingerprint({**columns, "provenance": dict(provenance)})

    def _shares(self, rule: Rule, day: date) -> list[Decimal]:
        """Where a measure says nothing of any target, nothing is shared out: no part is invented."""
        if rule.method == Method.FIXED:
            return weights_of([weight for _name, weight in rule.targets])
        if rule.method == Method.EVEN:
            return weights_of([Decimal(1)] * len(rule.targets))
        key = (day, id(rule))
        if key not in self._weights:
            self._weights[key] = weights_of(self._measured(rule, day))
        return self._weights[key]

    def _measured(self, rule: Rule, day: date) -> list[Decimal]:
        organization_id = self._connection.organization_id
        if rule.measure == Measure.UNITS:
            return quantities_on(day, organization_id=organization_id, metric_pks=rule.metric_pks)
        return measures_on(
            day,
            organization_id=organization_id,
            dimension=rule.dimension,
            names=[name for name, _weight in rule.targets],
            measure=rule.measure,
        )

    def _form(self, resource_pk: int, day: date) -> Form:
        days = self._days.get(resource_pk)
        if days is None:
            form = self._as_form(
                resource_pk, ("",) * len(FORM_FIELDS), self._resources[resource_pk][2], "", {}
            )
            self._days[resource_pk], self._forms[resource_pk] = [self._first], [form]
            return form
        return self._forms[resource_pk][max(0, bisect_right(days, day) - 1)]

    def _remember(self, states: QuerySet[ResourceState]) -> None:
        rows: Iterable[tuple[Any, ...]] = states.order_by("resource_id", "opened_at").values_list(
            "resource_id", "opened_at", *STATE_FIELDS
        )
        for resource_pk, opened_at, *row in rows:
            days, forms = self._days.setdefault(resource_pk, []), self._forms.setdefault(resource_pk, [])
            day = opened_at.astimezone(self._zone).date()
            form = self._as_form(resource_pk, tuple(row[: len(FORM_FIELDS)]), *row[len(FORM_FIELDS) :])
            if days and days[-1] == day:
                forms[-1] = form
            else:
                days.append(day)
                forms.append(form)

    def _as_form(
        self, resource_pk: int, values: tuple[str, ...], name: str, status: str, tags: Mapping[str, str]
    ) -> Form:
        resource_type, native_type, _name = self._resources[resource_pk]
        return Form(
            values,
            subject_of(
                self._connection,
                resource_type=resource_type,
                native_type=native_type,
                name=name,
                status=status,
                service_name=values[0],
                region_id=values[1],
                sub_account=values[3] or values[2],
                tags={**tags, **self._tags.get(resource_pk, {})},
            ),
        )


def subject_of(connection: ProviderConnection, *, tags: Mapping[str, str], **fields: str) -> Subject:
    """A resource of the connection as rules see it."""
    return Subject(
        fields={
            **fields,
            "provider_type": connection.provider_type,
            "connection": connection.connection_name,
        },
        tags=tags,
    )
