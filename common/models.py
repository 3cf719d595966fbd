"""Building blocks of models that belong to no domain."""

from __future__ import annotations

from typing import Any

from django.db import models


class TimestampedModel(models.Model):
    """When the row was made and last saved."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class MoneyField(models.DecimalField):
    """An amount in the currency that stands beside it; six places, so that daily shares of kopecks survive."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(*args, **kwargs)
