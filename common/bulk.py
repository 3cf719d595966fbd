"""Many rows of one model at once, several times faster than `bulk_create`.

`bulk_create` compiles every value of every row by itself, and on SQLite sends some twenty rows a statement. Here the
columns' adapters are worked out once, and the rows go through one `executemany`, on PostgreSQL through COPY. The price:
instances get no primary key and none of the times that set themselves, and values must have their columns' types (no
expressions, no text for a number).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.models.constants import OnConflict

_AS_THEY_ARE = (
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.BigIntegerField,
    models.PositiveIntegerField,
    models.BooleanField,
    models.ForeignKey,
)
"""Columns whose Python values the drivers take; subclasses, which may adapt theirs, are not among them."""

Adapter = Callable[[Any], Any]
Row = TypeVar("Row", bound=models.Model)


def row(model: type[Row], **values: Any) -> Row:
    """A new instance to insert, several times faster than `model(**values)`.

    Values go by the columns' attributes (`resource_id`, not `resource`), are taken as they are, and tell no signal.
    Raises TypeError for one that the model does not have.
    """
    instance = model.__new__(model)
    plain, made = _defaults(model)
    content = instance.__dict__
    content.update(plain)
    content.update(values)
    for name, make in made.items():
        if name not in values:
            content[name] = make()
    if len(content) != len(plain) + len(made):
        unknown = ", ".join(sorted(values.keys() - plain.keys() - made.keys()))
        raise TypeError(f"{model.__name__} has no column {unknown}")
    instance._state = ModelState()
    return instance


@cache
def _defaults(model: type[models.Model]) -> tuple[Mapping[str, Any], Mapping[str, Callable[[], Any]]]:
    """What the columns hold that nobody names: the same for every row, and what is made for each."""
    fields = model._meta.concrete_fields
    made = {field.attname: field.get_default for field in fields if _is_made(field)}
    return {field.attname: field.get_default() for field in fields if field.attname not in made}, made


def _is_made(field: models.Field) -> bool:
    return field.has_default() and callable(field.default)


class Insertion:
    """Rows of one model without primary keys, adapted outside of any transaction; `execute` inserts them.

    A row that is there already raises IntegrityError, unless it may stay as it is (`ignore_conflicts`) or is to get
    the new values of `update_fields`; `unique_fields` say which row is the same.
    """

    def __init__(
        self,
        rows: Sequence[models.Model],
        *,
        ignore_conflicts: bool = False,
        unique_fields: Collection[str] = (),
        update_fields: Collection[str] = (),
    ) -> None:
        self._rows = rows
        self._ignore_conflicts = ignore_conflicts
        self._unique_fields = unique_fields
        self._update_fields = update_fields
        self._connection = connections[DEFAULT_DB_ALIAS]  # its proxy would be asked anew for every value
        self._is_postgres = self._connection.vendor == "postgresql"
        self._has_conflicts = ignore_conflicts or bool(unique_fields)
        if rows and not (self._is_postgres and self._has_conflicts):
            self._fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key]
            self._values = _adapted(rows, self._fields, self._connection)

    def execute(self) -> None:
        """All of the rows or none."""
        if not self._rows:
            return
        if self._is_postgres and self._has_conflicts:  # COPY knows no conflicts
            type(self._rows[0])._default_manager.bulk_create(
                self._rows,
                ignore_conflicts=self._ignore_conflicts,
                update_conflicts=bool(self._unique_fields),
                unique_fields=self._unique_fields or None,
                update_fields=self._update_fields or None,
            )
            return
        with transaction.atomic(savepoint=False), self._connection.cursor() as cursor:
            if self._is_postgres:
                copying = f"COPY {self._target} FROM STDIN"
                with self._connection.wrap_database_errors, cursor.copy(copying) as copy:
                    for values in self._values:
                        copy.write_row(values)
            else:
                cursor.executemany(self._statement, self._values)

    @property
    def _target(self) -> str:
        quote = self._connection.ops.quote_name
        columns = ", ".join(quote(field.column) for field in self._fields if field.column)
        return f"{quote(self._rows[0]._meta.db_table)} ({columns})"

    @property
    def _statement(self) -> str:
        """INSERT of one row, in the words of the database."""
        on_conflict = None
        if self._has_conflicts:
            on_conflict = OnConflict.UPDATE if self._unique_fields else OnConflict.IGNORE
        operations = self._connection.ops
        columns = {field.name: field.column for field in self._fields}
        suffix = operations.on_conflict_suffix_sql(
            self._fields,
            on_conflict,
            [columns[name] for name in self._update_fields],
            [columns[name] for name in self._unique_fields],
        )
        places = ", ".join(["%s"] * len(self._fields))
        insert = operations.insert_statement(on_conflict=on_conflict)
        return f"{insert} {self._target} VALUES ({places}) {suffix}"


def insert(rows: Sequence[models.Model], **conflicts: Any) -> None:
    """Insert rows at once; keywords are those of `Insertion`."""
    Insertion(rows, **conflicts).execute()


def _adapted(
    rows: Sequence[models.Model], fields: Sequence[models.Field], connection: BaseDatabaseWrapper
) -> list[list[Any]]:
    """The rows' values as the driver takes them."""
    adapters = ((position, _adapter(field, rows[0], connection)) for position, field in enumerate(fields))
    special = [(position, adapter) for position, adapter in adapters if adapter is not None]
    read = attrgetter(*(field.attname for field in fields))
    adapted = []
    for row in rows:
        values = list(read(row))
        for position, adapter in special:
            values[position] = adapter(values[position])
        adapted.append(values)
    return adapted


def _adapter(field: models.Field, first: models.Model, connection: BaseDatabaseWrapper) -> Adapter | None:
    """What makes the driver's value of a column from a row's own; None where they are the same.

    Of times there are few among many rows: one that sets itself is the same for all of them, as for the `first`.
    """
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        now = field.get_db_prep_value(field.pre_save(first, True), connection, True)
        return lambda value: now
    if type(field) in _AS_THEY_ARE:
        return None

    def adapt(value: Any) -> Any:
        return None if value is None else field.get_db_prep_value(value, connection, True)

    return lru_cache(maxsize=64)(adapt) if isinstance(field, models.DateField) else adapt
