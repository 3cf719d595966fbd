"""What a cost is grouped by: the dimensions of each resource on each day."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from common import bulk
from costs.facts import day_bounds
from costs.models import CostDimensions
from inventory.models import Resource
from providers.models import ProviderConnection
from syncs.engine.drafts import batched
from syncs.models import ResourceState

FORM_FIELDS = ("service_name", "region_id", "sub_account_id", "sub_account_name")
"""What dimensions take from the resource's state."""

IN_CLAUSE = 500


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
    """Dimensions of a connection's resources by day, from what the resource and its states say.

    The state of a day is the last one that had begun before the day's end; for days before all states, the first.
    """

    def __init__(self, connection: ProviderConnection, *, first: date, last: date, zone: ZoneInfo) -> None:
        self._connection = connection
        self._zone = zone
        self._first = first
        self._start, self._end = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
        self._table = DimensionsTable(connection)
        self._resources: dict[int, tuple[Any, ...]] = {}
        self._days: dict[int, list[date]] = {}
        self._forms: dict[int, list[tuple[str, ...]]] = {}
        self._known: dict[tuple[Any, ...], str] = {}

    def prepare(self, resource_pks: Collection[int]) -> None:
        """Read what is not known yet of these resources."""
        missing = [pk for pk in resource_pks if pk not in self._resources]
        columns = ("pk", "resource_type", *CostDimensions.BUSINESS_FIELDS, "context_provenance")
        for pks in batched(missing, IN_CLAUSE):
            for row in Resource.objects.filter(pk__in=pks).values_list(*columns):
                provenance = json.dumps(row[-1], sort_keys=True)
                self._resources[row[0]] = (*row[1:-1], provenance)
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

    def stamp(self, resource_pk: int, day: date) -> str:
        """The fingerprint of the resource's dimensions on that day."""
        form = self._form(resource_pk, day)
        resource = self._resources[resource_pk]
        known = self._known.get((form, resource))
        if known is None:
            values = dict(zip(FORM_FIELDS, form, strict=True))
            values["resource_type"] = resource[0]
            values.update(zip(CostDimensions.BUSINESS_FIELDS, resource[1:-1], strict=True))
            known = self._table.fingerprint({**values, "provenance": json.loads(resource[-1])})
            self._known[form, resource] = known
        return known

    def save(self) -> None:
        """Give every fingerprint told so far its row; `pk` then knows it."""
        self._table.save()

    def pk(self, fingerprint: str) -> int:
        return self._table.pk(fingerprint)

    def _form(self, resource_pk: int, day: date) -> tuple[str, ...]:
        days = self._days.get(resource_pk)
        if days is None:
            return ("",) * len(FORM_FIELDS)
        return self._forms[resource_pk][max(0, bisect_right(days, day) - 1)]

    def _remember(self, states: Any) -> None:
        rows: Iterable[tuple[Any, ...]] = states.order_by("resource_id", "opened_at").values_list(
            "resource_id", "opened_at", *FORM_FIELDS
        )
        for resource_pk, opened_at, *form in rows:
            days, forms = self._days.setdefault(resource_pk, []), self._forms.setdefault(resource_pk, [])
            day = self._day(opened_at)
            if days and days[-1] == day:
                forms[-1] = tuple(form)
            else:
                days.append(day)
                forms.append(tuple(form))

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()
