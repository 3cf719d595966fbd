"""Unit metrics for scripts: what is counted, the quantities, what one costs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import TenantViewSet
from costs.allocation.tasks import follow_quantities
from costs.explorer.periods import BadPeriod
from costs.explorer.view import STEPS
from costs.unit_costs import queries, services
from costs.unit_costs.forms import UnitMetricForm
from costs.unit_costs.models import UnitMetric, UnitValue

VALUES_AT_MOST = 1_000


class UnitMetricSerializer(serializers.ModelSerializer[UnitMetric]):
    """A thing that is counted; `filters` are the cost explorer's, as a query string."""

    class Meta:
        model = UnitMetric
        fields = ["id", "name", "unit", "kind", "filters"]

    def validate_filters(self, value: str) -> str:
        form = UnitMetricForm({"name": "-", "unit": "-", "kind": UnitMetric.Kind.FLOW, "filters": value})
        if not form.is_valid():
            raise serializers.ValidationError([str(error) for error in form.errors["filters"]])
        filters: str = form.cleaned_data["filters"]
        return filters


class UnitValueSerializer(serializers.ModelSerializer[UnitValue]):
    """How many there were on a day, or from that day on."""

    class Meta:
        model = UnitValue
        fields = ["date", "quantity"]


class UnitCostSerializer(serializers.Serializer[Any]):
    """One step of time; null where nothing is known, which is not 0."""

    start = serializers.DateField(help_text="The first day of the step.")
    cost = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True, help_text="Roubles.")
    quantity = serializers.DecimalField(max_digits=24, decimal_places=4, allow_null=True)
    each = serializers.DecimalField(
        max_digits=24, decimal_places=6, allow_null=True, help_text="Roubles for one."
    )


class UnitMetricViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TenantViewSet
):
    """What the business counts, to set costs against it."""

    queryset = UnitMetric.objects.order_by("pk")
    serializer_class = UnitMetricSerializer

    @extend_schema(responses={201: UnitMetricSerializer})
    def create(self, request: Request) -> Response:
        given = self._given(UnitMetricSerializer(data=request.data))
        given.setdefault("kind", UnitMetric.Kind.FLOW)
        given.setdefault("filters", "")
        metric = _or_400(services.create_metric, organization=self.organization, **given)
        return Response(UnitMetricSerializer(metric).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        metric = self.get_object()
        given = self._given(UnitMetricSerializer(metric, data=request.data, partial=True))
        whole = {name: given.get(name, getattr(metric, name)) for name in ("name", "unit", "kind", "filters")}
        kind = metric.kind
        changed = _or_400(services.change_metric, metric=metric, **whole)
        if changed.kind != kind:
            follow_quantities(changed, None)
        return Response(UnitMetricSerializer(changed).data)

    def perform_destroy(self, instance: UnitMetric) -> None:
        _or_400(services.delete_metric, metric=instance)

    @extend_schema(methods=["GET"], responses=UnitValueSerializer(many=True), filters=False)
    @extend_schema(
        methods=["POST"], request=UnitValueSerializer(many=True), responses=UnitValueSerializer(many=True)
    )
    @action(detail=True, methods=["get", "post"])
    def values(self, request: Request, pk: str) -> Response:
        """Reads quantities, the latest day first; POST sets those of the given days, all of them or none."""
        metric = self.get_object()
        if request.method == "POST":
            if isinstance(request.data, list) and len(request.data) > VALUES_AT_MOST:
                raise serializers.ValidationError(f"Give at most {VALUES_AT_MOST} quantities at once.")
            serializer = UnitValueSerializer(data=request.data, many=True)
            serializer.is_valid(raise_exception=True)
            given = {row["date"]: row["quantity"] for row in serializer.validated_data}
            _or_400(services.set_values, metric=metric, quantities=given)
            if given:
                follow_quantities(metric, min(given))
        rows = UnitValue.objects.filter(metric=metric).order_by("-date")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(UnitValueSerializer(page, many=True).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("period", str, description="As in the explorer; the last 365 days without one."),
            OpenApiParameter("step", str, enum=list(STEPS), description="A month without one."),
        ],
        responses=UnitCostSerializer(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def costs(self, request: Request, pk: str) -> Response:
        """What one cost, by day, week or month."""
        step = request.query_params.get("step", "month")
        if step not in STEPS:
            raise serializers.ValidationError({"step": [f"Choose one of: {', '.join(STEPS)}."]})
        try:
            found = queries.unit_costs(
                self.organization,
                self.get_object(),
                period=request.query_params.get("period", "last_365_days"),
                step=step,
                now=timezone.now(),
            )
        except BadPeriod as error:
            raise serializers.ValidationError(
                {"period": ["Write a period as 2026-10, 2026-10-01..2026-10-31 or last_30_days."]}
            ) from error
        return Response(UnitCostSerializer(found.steps, many=True).data)

    def _given(self, serializer: UnitMetricSerializer) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        given: dict[str, Any] = dict(serializer.validated_data)
        return given


def _or_400(service: Any, **arguments: Any) -> Any:
    """What the service refuses is the caller's to mend."""
    try:
        return service(**arguments)
    except ValidationError as error:
        problems = error.message_dict if hasattr(error, "error_dict") else error.messages
        raise serializers.ValidationError(problems) from error
