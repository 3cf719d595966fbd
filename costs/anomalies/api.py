"""Anomalies: what cost more than expected, why, and accepting it."""

from __future__ import annotations

from typing import Any

import django_filters
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import IdFilter, TenantViewSet
from costs.anomalies import services
from costs.anomalies.models import Anomaly, Kind, Level


class AnomalyPartSerializer(serializers.Serializer[Any]):
    """A resource behind it, in roubles over the anomaly's days."""

    resource = serializers.IntegerField()
    name = serializers.CharField()
    actual = serializers.DecimalField(max_digits=24, decimal_places=6)
    expected = serializers.DecimalField(max_digits=24, decimal_places=6)


class AnomalyCauseSerializer(serializers.Serializer[Any]):
    """Why, `amount` roubles of the surplus (below zero of a shortfall). `before` and `after` are of `unit` a day, of prices for one unit."""

    kind = serializers.ChoiceField(choices=["new", "resized", "price", "use", "ended"])
    resource = serializers.IntegerField()
    name = serializers.CharField()
    label: Any = serializers.CharField(help_text="The article of the bill; empty: the whole resource.")
    before = serializers.DecimalField(max_digits=40, decimal_places=12, allow_null=True)
    after = serializers.DecimalField(max_digits=40, decimal_places=12, allow_null=True)
    unit = serializers.CharField()
    amount = serializers.DecimalField(max_digits=24, decimal_places=6)


class AnomalySerializer(serializers.ModelSerializer[Anomaly]):
    """Days that cost more than expected, or far less (`kind`: `rise`, `fall`); costs are roubles over all of its days,
    `excess` their difference.
    """

    connection = serializers.IntegerField(source="connection_id")
    resource = serializers.IntegerField(source="resource_id", allow_null=True)
    excess = serializers.DecimalField(max_digits=24, decimal_places=6)
    parts = AnomalyPartSerializer(many=True)
    causes = AnomalyCauseSerializer(many=True)

    class Meta:
        model = Anomaly
        fields = [
            "id",
            "connection",
            "kind",
            "level",
            "service_name",
            "resource",
            "first_date",
            "last_date",
            "actual_cost",
            "expected_cost",
            "excess",
            "is_over",
            "is_settled",
            "parts",
            "causes",
            "found_at",
            "acknowledged_at",
            "reason",
        ]


class AcknowledgementSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=1000)


class AnomalyFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    connection = IdFilter(field_name="connection_id", label=_("Connection"))
    resource = IdFilter(field_name="resource_id", label=_("Resource"))
    kind = django_filters.ChoiceFilter(choices=Kind.choices, label=_("Kind"))
    level = django_filters.ChoiceFilter(choices=Level.choices, label=_("Level"))
    since = django_filters.DateFilter(field_name="last_date", lookup_expr="gte", label=_("Last day or later"))
    acknowledged = django_filters.BooleanFilter(
        field_name="acknowledged_at", lookup_expr="isnull", exclude=True, label=_("Accepted")
    )
    over = django_filters.BooleanFilter(field_name="is_over", label=_("Over"))

    class Meta:
        model = Anomaly
        fields: tuple[str, ...] = ()


class AnomalyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Anomalies of both kinds, the latest first."""

    queryset = Anomaly.objects.order_by("-last_date", "-pk")
    serializer_class = AnomalySerializer
    filterset_class = AnomalyFilter

    @extend_schema(request=AcknowledgementSerializer, responses=AnomalySerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Accepts what it costs: it is told again only where it goes further."""
        anomaly = self.get_object()
        given = AcknowledgementSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.acknowledge(
            anomaly=anomaly,
            reason=given.validated_data["reason"],
            by=self.acting_user,
            now=timezone.now(),
        )
        anomaly.refresh_from_db()
        return Response(AnomalySerializer(anomaly).data)
