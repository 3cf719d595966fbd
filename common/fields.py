"""Model fields of our own."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Cast

from common.crypto import key_ring


class EncryptedJSONField(models.TextField):
    """A JSON value that is ciphertext in the database, in dumps and in migrations; cannot be searched."""

    _pyi_private_set_type: Any  # what the type checker's plugin reads: any JSON value goes in and comes out
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return None if value is None else json.loads(key_ring().decrypt(value.encode()))

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        return key_ring().encrypt(json.dumps(value, cls=DjangoJSONEncoder).encode()).decode()

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj)) or ""


class _Ciphertext(models.Value):
    """A ready token on its way into an encrypted column, past the field's own encryption."""

    def __init__(self, token: str) -> None:
        super().__init__(token, output_field=models.TextField())


def rotate(model: type[models.Model], field_name: str) -> int:
    """Encrypt every value of the field again with the newest key; returns how many rows were rewritten.

    Row by row and by compare-and-set, so that it may run beside users and be run again.
    """
    rows = model._base_manager.annotate(_token=Cast(field_name, models.TextField()))
    rotated = 0
    for pk, token in rows.values_list("pk", "_token").iterator(500):
        if token:
            fresh = _Ciphertext(key_ring().rotate(token.encode()).decode())
            rotated += rows.filter(pk=pk, _token=token).update(**{field_name: fresh})
    return rotated
