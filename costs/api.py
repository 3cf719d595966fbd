"""What things cost a day, summed, and the exchange rates that were used."""

from __future__ import annotations

from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api import IdFilter, IsMember, StableOrderingFilter, TenantViewSet
from costs import summaries
from costs.models import CostSource, DailyCost, ExchangeRate
from inventory.models import ResourceType
from providers.contract.records import ChargeCategory

ROUBLES = "RUB"


class DailyCostSerializer(serializers.ModelSerializer[DailyCost]):
    """What one resource cost on one day, per charge category and source.

    `date` is cut in the provider's billing zone. Costs are in `currency`; rouble values are null while no rate of that
    day is known.
    """

    connection = serializers.IntegerField(source="connection_id")
    resource = serializers.IntegerField(source="resource_id")

    class Meta:
        model = DailyCost
        fields = [
            "id",
            "date",
            "connection",
            "resource",
            "charge_category",
            "source",
            "currency",
            "billed_cost",
            "effective_cost",
            "list_cost",
            "rub_rate",
            "billed_cost_rub",
            "effective_cost_rub",
        ]


class SpendGroupSerializer(serializers.Serializer[Any]):
    """One group's spend. `unconverted` is what no known rate turns into `currency`: {currency: billed cost}."""

    key = serializers.CharField(
        help_text="The connection's id, the type, service, region or day; empty: none."
    )
    currency = serializers.SerializerMethodField()
    billed_cost = serializers.DecimalField(
        source="billed_cost_rub", max_digits=24, decimal_places=6, allow_null=True
    )
    effective_cost = serializers.DecimalField(
        source="effective_cost_rub", max_digits=24, decimal_places=6, allow_null=True
    )
    unconverted = serializers.DictField(child=serializers.DecimalField(max_digits=24, decimal_places=6))

    def get_currency(self, group: summaries.SpendGroup) -> str:
        return ROUBLES


class ExchangeRateSerializer(serializers.ModelSerializer[ExchangeRate]):
    """Roubles for one unit of a currency from `date` on, until the next day that has a rate."""

    class Meta:
        model = ExchangeRate
        fields = ["currency", "date", "rub_per_unit", "source"]


class DailyCostFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    first = django_filters.DateFilter(field_name="date", lookup_expr="gte", label=_("First day"))
    last = django_filters.DateFilter(field_name="date", lookup_expr="lte", label=_("Last day, included"))
    connection = IdFilter(field_name="connection_id", label=_("Connection"))
    resource = IdFilter(field_name="resource_id", label=_("Resource"))
    type = django_filters.MultipleChoiceFilter(
        field_name="resource__resource_type", choices=ResourceType.choices, label=_("Type")
    )
    category = django_filters.MultipleChoiceFilter(
        field_name="charge_category",
        choices=[(category.value, category.value) for category in ChargeCategory],
        label=_("Charge category"),
    )
    source = django_filters.ChoiceFilter(choices=CostSource.choices, label=_("Source"))
    currency = django_filters.CharFilter(label=_("Currency"))

    class Meta:
        model = DailyCost
        fields: tuple[str, ...] = ()


class OrderedDailyCostFilter(DailyCostFilter):
    ordering = StableOrderingFilter(fields=["date", "billed_cost", "billed_cost_rub"])


class ExchangeRateFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    currency = django_filters.CharFilter(label=_("Currency"))
    first = django_filters.DateFilter(field_name="date", lookup_expr="gte", label=_("First day"))
    last = django_filters.DateFilter(field_name="date", lookup_expr="lte", label=_("Last day, included"))

    class Meta:
        model = ExchangeRate
        fields: tuple[str, ...] = ()


class DailyCostViewSet(mixins.ListModelMixin, TenantViewSet):
    """The daily facts, the newest day first."""

    queryset = DailyCost.objects.order_by("-date", "-pk")
    serializer_class = DailyCostSerializer

    @property
    def filterset_class(self) -> type[DailyCostFilter]:
        return DailyCostFilter if self.action == "summary" else OrderedDailyCostFilter

    @extend_schema(
        parameters=[OpenApiParameter("group_by", str, enum=list(summaries.GROUPS), default="connection")],
        responses=SpendGroupSerializer(many=True),
    )
    @action(detail=False, pagination_class=None)
    def summary(self, request: Request) -> Response:
        """The facts that the filters let through, summed in roubles by one thing."""
        group_by = request.query_params.get("group_by", summaries.GROUPS[0])
        if group_by not in summaries.GROUPS:
            choices = ", ".join(summaries.GROUPS)
            raise serializers.ValidationError({"group_by": _("One of: %(choices)s.") % {"choices": choices}})
        groups = summaries.spend_by(self.filter_queryset(self.get_queryset()), group_by)
        return Response(SpendGroupSerializer(groups, many=True).data)


class ExchangeRateViewSet(mixins.ListModelMixin, GenericViewSet[ExchangeRate]):
    """Rates, the newest first; the same for every organization."""

    permission_classes = [IsMember]
    queryset = ExchangeRate.objects.order_by("-date", "currency")
    serializer_class = ExchangeRateSerializer
    filterset_class = ExchangeRateFilter
