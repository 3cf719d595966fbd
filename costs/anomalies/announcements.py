"""What people are told about anomalies; see `accounts.notifications`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.notifications import kinds
from accounts.notifications.services import notify

if TYPE_CHECKING:  # models are loaded after the app that registers the kind
    from costs.anomalies.models import Anomaly


def _read(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "first_date": date.fromisoformat(data["first_date"]),
        "last_date": date.fromisoformat(data["last_date"]),
        "surplus": Decimal(data["surplus"]),
        "expected": Decimal(data["expected"]),
    }


KIND = kinds.Kind(code="anomaly.found", label=_("Something costs more than expected"), enrich=_read)


def anomaly_found(*, anomaly: Anomaly, now: datetime) -> None:
    """Told once for what began on a day, however often it is found."""
    notify(
        KIND.code,
        organization=anomaly.organization,
        key=f"{anomaly.connection_id}-{anomaly.level}-{anomaly.resource_id or anomaly.service_name}-{anomaly.first_date}"[
            :200
        ],
        data={
            "connection": anomaly.connection.connection_name,
            "name": anomaly.parts[0]["name"] if anomaly.parts else anomaly.service_name,
            "resource_count": len(anomaly.parts),
            "first_date": anomaly.first_date.isoformat(),
            "last_date": anomaly.last_date.isoformat(),
            "surplus": str(anomaly.excess),
            "expected": str(anomaly.expected_cost),
        },
        path=reverse("anomalies:anomaly_detail", args=[anomaly.pk]),
        now=now,
    )
