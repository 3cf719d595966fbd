"""Stored files that no row knows any more: their row went by cascade, or never came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.files.storage import Storage
from django.db import models

PATIENCE = timedelta(days=1)
"""A younger file stays: its row may still be on its way."""


def remove_orphans(model: type[models.Model], field_name: str, root: str, *, now: datetime) -> int:
    """Delete the files below the folder `root` that no row's `field_name` names; returns how many."""
    field = model._meta.get_field(field_name)
    assert isinstance(field, models.FileField)
    storage, removed = field.storage, 0
    for folder in _folders(storage, root):
        paths = [f"{folder}/{name}" for name in storage.listdir(folder)[1]]
        rows = model._base_manager.filter(**{f"{field_name}__startswith": f"{folder}/"})
        known = set(rows.values_list(field_name, flat=True))
        for path in paths:
            if path not in known and storage.get_modified_time(path) < now - PATIENCE:
                storage.delete(path)
                removed += 1
    return removed


def _folders(storage: Storage, root: str) -> Iterator[str]:
    """The folder and all below it; none where it does not exist yet."""
    if not storage.exists(root):
        return
    yield root
    for name in storage.listdir(root)[0]:
        yield from _folders(storage, f"{root}/{name}")
