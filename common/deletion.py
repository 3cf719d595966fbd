"""Deleting what hangs on one row, where that may be millions of rows, so that others can write in between."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from django.db.models import CASCADE, ManyToOneRel, Model, QuerySet

from .transactions import small_transaction

BATCH_ROWS = 2000
"""Rows of one transaction: about a tenth of a second."""

PARENT_ROWS = 200
"""Rows whose dependents are looked for together."""


def delete_dependents(row: Model, *, until: float = math.inf) -> bool:
    """Delete what would go with the row, in every app, in small transactions; the row itself stays.

    Stopped at any point, it goes on when it is called again. What is written while it runs may be left: then delete
    the row itself as usual, which takes that along. Returns False where `until` (of time.monotonic) came first.
    """
    try:
        _delete_pointing_at(type(row), [row.pk], until)
    except _TimeIsUp:
        return False
    return True


class _TimeIsUp(Exception):
    pass


def _delete_pointing_at(model: type[Model], pks: Sequence[Any], until: float) -> None:
    """Delete the rows that go with these ones; before each batch of them, what goes with it in turn.

    Those with the most hanging on them come first: then all that belongs to a few of them goes together, and lies
    together in the indexes.
    """
    for relation in sorted(_cascades(model), key=lambda each: -len(_cascades(each.related_model))):
        pointing = relation.related_model._base_manager
        rows = pointing.filter(**{f"{relation.field.name}__in": pks})
        if not _cascades(relation.related_model):
            # Their keys and not a query for them: a table in parts would be read whole to compare the two
            while batch := list(rows.values_list("pk", flat=True)[:BATCH_ROWS]):
                _delete(pointing.filter(pk__in=batch), until)
            continue
        while batch := list(rows.values_list("pk", flat=True)[:PARENT_ROWS]):
            _delete_pointing_at(relation.related_model, batch, until)
            _delete(pointing.filter(pk__in=batch), until)


def _delete(rows: QuerySet[Any], until: float) -> None:
    """One batch."""
    if time.monotonic() >= until:
        raise _TimeIsUp
    with small_transaction():
        rows.delete()


def _cascades(model: type[Model]) -> list[ManyToOneRel]:
    """The foreign keys whose rows go with a row of the model, also those that it has no name for."""
    fields = model._meta.get_fields(include_hidden=True)
    return [each for each in fields if isinstance(each, ManyToOneRel) and each.on_delete is CASCADE]
