"""What an administrator changed, told to whoever keeps it (`settings.AFTER_ADMIN_CHANGE`).

Every admin of ours has this, through `common.admin.ModelAdmin`: added, changed and deleted objects, also those of
inlines and of the action that deletes many, and every action that is run. A change is what the database says before and
after, not what a form says, so that what a service changes besides is told as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from common.fields import EncryptedJSONField
from common.logs import MASK, is_secret_name

DELETE_SELECTED = "delete_selected"
MOST_IDS = 100

Values = dict[str, Any]


class RecordedChanges:
    """A mixin of ModelAdmin; see the module."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The form and the page of a password change what this returns: the last moment to look at it as it was."""
        obj = super().get_object(request, object_id, from_field)  # type: ignore[misc]
        if obj is not None and request.method == "POST":
            _remember(request, obj)
        return obj

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Rows that are edited in a list have not passed `get_object`."""
        if change and _remembered(request, form.instance) is None:
            _remember(request, _fresh(form.instance))
        return super().save_form(request, form, change)  # type: ignore[misc]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        edited = {id(row.instance): row.instance.pk for row in formset.initial_forms if row.has_changed()}
        originals = formset.model._base_manager.in_bulk(edited.values())
        before = {pk: values_of(original) for pk, original in originals.items()}
        super().save_formset(request, form, formset, change)  # type: ignore[misc]
        for obj in formset.new_objects:
            tell_added(request, obj)
        for obj, _fields in formset.changed_objects:
            tell_changed(request, obj, before[obj.pk])
        for obj in formset.deleted_objects:
            pk = edited[id(obj)]  # it has lost its own
            _tell(request, "deleted", originals[pk], changes=_shown(originals[pk], before[pk], {}))

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        tell_added(request, obj)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        tell_changed(request, obj, _remembered(request, obj) or {})
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Iterable[models.Model]) -> Any:
        """Called before the rows go, in the transaction in which they do."""
        for obj in queryset:
            _tell(request, "deleted", obj, changes=_shown(obj, values_of(obj), {}))
        return super().log_deletions(request, queryset)  # type: ignore[misc]

    def response_action(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Deleting many is one transaction: what was refused half-way is neither gone nor told to be.

        Other actions are not: they may call a provider, and nobody should wait for that with the database locked.
        """
        names = [name for name in request.POST.getlist("action") if name]
        if names[:1] == [DELETE_SELECTED]:
            with transaction.atomic():
                return super().response_action(request, queryset)  # type: ignore[misc,no-any-return]
        response: HttpResponse | None = super().response_action(request, queryset)  # type: ignore[misc]
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if names and names[0] in self.get_actions(request) and selected:  # type: ignore[attr-defined]
            model: Any = self.model  # type: ignore[attr-defined]
            details = {
                "action": names[0],
                "model": model._meta.label_lower,
                "selected": "all" if request.POST.get("select_across") == "1" else selected[:MOST_IDS],
            }
            _tell(request, "action_run", None, details=details)
        return response


def tell_added(request: HttpRequest, obj: models.Model) -> None:
    _tell(request, "added", obj, changes=_shown(obj, {}, values_of(_fresh(obj))))


def tell_changed(request: HttpRequest, obj: models.Model, before: Values) -> None:
    """Tells nothing where nothing is different."""
    changes = _shown(obj, before, values_of(_fresh(obj)))
    if changes:
        _tell(request, "changed", obj, changes=changes)


def values_of(obj: models.Model) -> Values:
    """{field: value} with foreign keys as keys, many-to-many relations as sorted names; no instants of saving."""
    if obj.pk is None:
        return {}
    values = {
        field.name: getattr(obj, field.attname)
        for field in obj._meta.concrete_fields
        if not getattr(field, "auto_now", False)
    }
    for field in obj._meta.many_to_many:
        through: Any = field.remote_field.through
        if through._meta.auto_created:  # others are objects with an admin of their own
            values[field.name] = sorted(str(other) for other in getattr(obj, field.name).select_related())
    return values


def _shown(obj: models.Model, before: Values, after: Values) -> dict[str, list[Any]]:
    """{field: [before, after]} of what differs, readable: names for foreign keys, nothing of a secret."""
    changes: dict[str, list[Any]] = {}
    for name in {**before, **after}:
        pair = [before.get(name), after.get(name)]
        if pair[0] == pair[1] or not any(_is_something(value) for value in pair):
            continue
        field = obj._meta.get_field(name)
        if isinstance(field, EncryptedJSONField) or is_secret_name(name):
            pair = [MASK if value else None for value in pair]
        elif isinstance(field, models.ForeignKey) and before and after:
            pair = _names(field, pair)
        changes[name] = pair
    return changes


def _is_something(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _names(field: models.ForeignKey, keys: list[Any]) -> list[Any]:
    found = {
        getattr(other, field.target_field.attname): str(other)
        for other in field.related_model._base_manager.filter(
            **{f"{field.target_field.name}__in": [key for key in keys if key is not None]}
        )
    }
    return [found.get(key, key) for key in keys]


def _fresh(obj: models.Model) -> models.Model:
    """The object as it is in the database, or the given one where it is not there."""
    found: models.Model = type(obj)._base_manager.filter(pk=obj.pk).first() or obj
    return found


def _remember(request: Any, obj: models.Model) -> None:
    if not hasattr(request, "values_before"):
        request.values_before = {}
    request.values_before[obj._meta.label_lower, obj.pk] = values_of(obj)


def _remembered(request: Any, obj: models.Model) -> Values | None:
    before: Mapping[Any, Values] = getattr(request, "values_before", {})
    return before.get((obj._meta.label_lower, obj.pk))


def _tell(
    request: HttpRequest,
    verb: str,
    obj: models.Model | None,
    *,
    changes: Mapping[str, list[Any]] | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    for path in settings.AFTER_ADMIN_CHANGE:
        import_string(path)(request=request, verb=verb, obj=obj, changes=changes, details=details)
