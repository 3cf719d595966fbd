"""Budgets, planned changes and forecasts through the API."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode

import django_filters
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import StableOrderingFilter, TenantView, TenantViewSet
from costs.budgets import queries, services
from costs.budgets.models import Budget, BudgetPeriod, PeriodKind, PlannedChange
from costs.explorer.filters import parse_filters
from costs.explorer.queries import today_of
from costs.forecasting import NotEnough

MONEY: dict[str, Any] = {"max_digits": 24, "decimal_places": 6}


class BudgetPeriodSerializer(serializers.ModelSerializer[BudgetPeriod]):
    """One period in roubles; `limit` is the amount and what earlier periods left."""

    limit = serializers.DecimalField(**MONEY)

    class Meta:
        model = BudgetPeriod
        fields = [
            "first_date",
            "last_date",
            "amount",
            "carried_amount",
            "limit",
            "actual_cost",
            "forecast_cost",
            "forecast_low",
            "forecast_high",
            "breach_date",
            "known_until",
            "computed_at",
        ]


class ScopeField(serializers.CharField):
    """A query string of the explorer's filters; stored in its canonical form."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        filters, problems = parse_filters(parse_qs(text, max_num_fields=1000))
        if problems:
            raise serializers.ValidationError(problems)
        return urlencode(filters.params())


def thresholds() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=1000), required=False, max_length=6
    )


class BudgetSerializer(serializers.ModelSerializer[Budget]):
    """So many roubles for a scope in each period; `current` is the period that runs now."""

    scope = ScopeField(required=False, allow_blank=True, max_length=4000)
    actual_thresholds = thresholds()
    forecast_thresholds = thresholds()
    parent: Any = serializers.PrimaryKeyRelatedField(
        queryset=Budget.objects.none(), required=False, allow_null=True
    )
    current = serializers.SerializerMethodField()

    class Meta:
        model = Budget
        fields = [
            "id",
            "name",
            "parent",
            "scope",
            "period",
            "amount",
            "first_date",
            "last_date",
            "rolls_over",
            "actual_thresholds",
            "forecast_thresholds",
            "current",
        ]

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        view: Any = self.context.get("view")
        if view is not None and not view.is_schema:
            fields["parent"].queryset = Budget.objects.of(view.organization)
        return fields

    @extend_schema_field(BudgetPeriodSerializer(allow_null=True))
    def get_current(self, budget: Budget) -> Any:
        today = today_of(budget.organization, timezone.now())
        running = [one for one in budget.periods.all() if one.first_date <= today <= one.last_date]
        return BudgetPeriodSerializer(running[0]).data if running else None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        def now(name: str) -> Any:
            return attrs.get(name, getattr(self.instance, name, None))

        first, last = now("first_date"), now("last_date")
        if now("period") == PeriodKind.CUSTOM and last is None:
            raise serializers.ValidationError(
                {"last_date": _("A budget from day to day needs its last day.")}
            )
        if first and last and last < first:
            raise serializers.ValidationError({"last_date": _("It ends before it begins.")})
        if (amount := now("amount")) is not None and amount <= 0:
            raise serializers.ValidationError({"amount": _("It must be more than nothing.")})
        return attrs


class BudgetFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    period = django_filters.ChoiceFilter(choices=PeriodKind.choices, label=_("Period"))
    ordering = StableOrderingFilter(fields=["name", "amount", "first_date"])

    class Meta:
        model = Budget
        fields: tuple[str, ...] = ()


class BudgetViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    TenantViewSet,
):
    """Budgets by name."""

    queryset = (
        Budget.objects.select_related("organization").prefetch_related("periods").order_by("name", "pk")
    )
    serializer_class = BudgetSerializer
    filterset_class = BudgetFilter

    def perform_create(self, serializer: Any) -> None:
        serializer.instance = self._kept(
            lambda: services.create_budget(
                organization=self.organization, fields=serializer.validated_data, now=timezone.now()
            )
        )

    def perform_update(self, serializer: Any) -> None:
        budget = serializer.instance
        self._kept(
            lambda: services.change_budget(
                budget=budget, fields=serializer.validated_data, now=timezone.now()
            )
        )
        serializer.instance = self.get_queryset().get(pk=budget.pk)

    def perform_destroy(self, instance: Budget) -> None:
        services.delete_budget(budget=instance)

    @extend_schema(responses=BudgetPeriodSerializer(many=True))
    @action(detail=True, pagination_class=None, filter_backends=[])
    def periods(self, request: Request, pk: str) -> Response:
        """Every period that has begun, the newest first."""
        rows = self.get_object().periods.order_by("-first_date")
        return Response(BudgetPeriodSerializer(rows, many=True).data)

    @staticmethod
    def _kept(write: Any) -> Any:
        try:
            return write()
        except services.NameTaken as error:
            raise serializers.ValidationError({"name": _("Another budget has this name.")}) from error
        except services.PartOfItself as error:
            raise serializers.ValidationError(
                {"parent": _("A budget cannot be part of itself or of its own parts.")}
            ) from error


class PlannedChangeSerializer(serializers.ModelSerializer[PlannedChange]):
    """`amount` roubles a day from `first_date` to `last_date`, or once; negative is saved."""

    scope = ScopeField(required=False, allow_blank=True, max_length=4000)

    class Meta:
        model = PlannedChange
        fields = ["id", "name", "scope", "first_date", "last_date", "amount", "is_once", "note"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first = attrs.get("first_date", getattr(self.instance, "first_date", None))
        last = attrs.get("last_date", getattr(self.instance, "last_date", None))
        if first and last and last < first:
            raise serializers.ValidationError({"last_date": _("It ends before it begins.")})
        return attrs


class PlannedChangeViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    TenantViewSet,
):
    """Known future changes of costs, the latest first."""

    queryset = PlannedChange.objects.select_related("organization").order_by("-first_date", "pk")
    serializer_class = PlannedChangeSerializer

    def perform_create(self, serializer: Any) -> None:
        serializer.instance = self._saved(None, serializer)

    def perform_update(self, serializer: Any) -> None:
        serializer.instance = self._saved(serializer.instance, serializer)

    def perform_destroy(self, instance: PlannedChange) -> None:
        services.delete_planned_change(change=instance, now=timezone.now())

    def _saved(self, change: PlannedChange | None, serializer: Any) -> PlannedChange:
        return services.save_planned_change(
            organization=self.organization,
            change=change,
            fields=serializer.validated_data,
            now=timezone.now(),
        )


class TotalSerializer(serializers.Serializer[Any]):
    amount = serializers.DecimalField(**MONEY)
    low = serializers.DecimalField(**MONEY)
    high = serializers.DecimalField(**MONEY)


class ForecastDaySerializer(TotalSerializer):
    date = serializers.DateField()


class AccuracySerializer(serializers.Serializer[Any]):
    """Of the totals of the next `horizon` days: mean error in per cent, and how often the interval held what came."""

    horizon = serializers.IntegerField()
    error_percent = serializers.DecimalField(max_digits=12, decimal_places=2)
    inside_percent = serializers.DecimalField(max_digits=5, decimal_places=1)
    origin_count = serializers.IntegerField()


class ForecastSerializer(serializers.Serializer[Any]):
    """Roubles. `month` is the whole running month; it and `days` are null and empty with too few complete days."""

    known_until = serializers.DateField(allow_null=True)
    day_count = serializers.IntegerField()
    needed_day_count = serializers.IntegerField()
    month = TotalSerializer(allow_null=True)
    days = ForecastDaySerializer(many=True)
    accuracy = AccuracySerializer(many=True)


class ForecastView(TenantView):
    """The forecast of a scope."""

    queryset = Budget.objects.all()
    serializer_class = ForecastSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(
        operation_id="forecast_retrieve",
        tags=["forecast"],
        parameters=[
            OpenApiParameter("scope", str, description="Filters as the explorer writes them in its URL.")
        ],
        responses=ForecastSerializer,
    )
    def get(self, request: Request) -> Response:
        """Thirty days and the running month ahead, with how well such forecasts did so far."""
        filters = queries.scope_filters(request.query_params.get("scope", ""))
        outlook = queries.outlook(self.organization, filters, timezone.now())
        found = outlook.found
        answer = {
            "known_until": outlook.series.known_until,
            "day_count": found.day_count,
            "needed_day_count": NotEnough(day_count=0).needed,
            "month": outlook.month,
            "days": () if isinstance(found, NotEnough) else found.days,
            "accuracy": outlook.accuracy,
        }
        return Response(ForecastSerializer(answer).data)
