"""List prices and their comparison for scripts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import TenantView, TenantViewSet
from inventory.models import Resource, ResourceType
from recommendations.prices import queries
from recommendations.prices.comparison import Candidate
from recommendations.prices.existing import Existing, existing_server
from recommendations.prices.forms import ComparisonForm
from recommendations.prices.models import Component, Price, Source
from recommendations.prices.views import SERVERS, compared, specification

LARGEST_PK = 18


class PriceSerializer(serializers.ModelSerializer[Price]):
    """One list price. `is_own` says that it was read through a connection of this organization; else it is shared."""

    is_own = serializers.SerializerMethodField()
    monthly_amount = serializers.SerializerMethodField(
        help_text="For a month of thirty days; of what is sold by use, for one unit."
    )

    class Meta:
        model = Price
        fields = [
            "id",
            "is_own",
            "provider_type",
            "source",
            "sku_id",
            "billing_sku_id",
            "resource_type",
            "name",
            "component",
            "family",
            "region_id",
            "zone_id",
            "country",
            "amount",
            "currency",
            "period",
            "unit",
            "includes_tax",
            "monthly_amount",
            "vcpus",
            "memory_mib",
            "storage_gib",
            "engine",
            "disk_class",
            "cpu_share",
            "term_months",
            "is_preemptible",
            "is_configurable",
            "includes_ip",
            "included_traffic_gib",
            "successor_of",
            "plan_limits",
            "valid_from",
            "valid_until",
            "read_at",
        ]

    def get_is_own(self, price: Price) -> bool:
        return price.organization_id is not None

    def get_monthly_amount(self, price: Price) -> Decimal:
        return queries.monthly_amount(price)


class PriceFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    provider = django_filters.CharFilter(field_name="provider_type", label=_("Provider"))
    type = django_filters.ChoiceFilter(
        field_name="resource_type", choices=ResourceType.choices, label=_("Type")
    )
    component = django_filters.ChoiceFilter(choices=Component.choices, label=_("What for"))
    source = django_filters.ChoiceFilter(choices=Source.choices, label=_("Source"))
    region = django_filters.CharFilter(field_name="region_id", label=_("Region"))
    sku = django_filters.CharFilter(field_name="sku_id", label=_("SKU"))
    open = django_filters.BooleanFilter(
        field_name="valid_until", lookup_expr="isnull", label=_("Holds now; false: what held before")
    )

    class Meta:
        model = Price
        fields: tuple[str, ...] = ()


class PriceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """List prices with their history: the organization's own and the shared ones."""

    queryset = Price.objects.order_by("provider_type", "sku_id", "-valid_from", "-pk")
    serializer_class = PriceSerializer
    filterset_class = PriceFilter

    def get_queryset(self) -> QuerySet[Price]:
        rows: Any = self.queryset
        found: QuerySet[Price] = rows.none() if self.is_schema else rows.visible_in(self.organization)
        return found


class PricePartSerializer(serializers.Serializer[Any]):
    word = serializers.CharField(help_text="vCPU, memory, disk, server, address or traffic.")
    monthly = serializers.DecimalField(
        max_digits=24, decimal_places=2, allow_null=True, help_text="null: the list has no price for it."
    )


class PriceCandidateSerializer(serializers.Serializer[Candidate]):
    """What one provider asks in one region for one line; roubles a month of thirty days."""

    provider_type = serializers.CharField(source="quote.provider_type")
    region_id = serializers.CharField(source="quote.region_id")
    zone_id = serializers.CharField(source="quote.zone_id")
    country = serializers.CharField()
    family = serializers.CharField(source="quote.family")
    vcpus = serializers.DecimalField(max_digits=12, decimal_places=3, source="quote.vcpus")
    memory_mib = serializers.IntegerField(source="quote.memory_mib")
    storage_gib = serializers.DecimalField(
        max_digits=18, decimal_places=3, allow_null=True, source="quote.storage_gib"
    )
    disk_class = serializers.CharField()
    cpu_share = serializers.IntegerField(source="quote.cpu_share")
    is_interpolated = serializers.BooleanField(source="quote.is_interpolated")
    parts = PricePartSerializer(many=True)
    monthly = serializers.DecimalField(max_digits=24, decimal_places=2, allow_null=True)
    includes_tax = serializers.BooleanField(allow_null=True)
    difference = serializers.DecimalField(max_digits=24, decimal_places=2, allow_null=True)
    payback_months = serializers.DecimalField(max_digits=12, decimal_places=1, allow_null=True)
    is_allowed = serializers.BooleanField(help_text="false: personal data would leave the country.")
    is_old = serializers.BooleanField()
    read_at = serializers.DateTimeField()


class PriceComparisonSerializer(serializers.Serializer[Any]):
    paid_monthly = serializers.DecimalField(max_digits=24, decimal_places=2, allow_null=True)
    one_off_cost = serializers.DecimalField(max_digits=24, decimal_places=2)
    candidates = PriceCandidateSerializer(many=True)


class PriceComparisonView(TenantView):
    """A specification at every provider, like for like."""

    queryset = Price.objects.all()
    serializer_class = PriceComparisonSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(
        operation_id="price_comparison_retrieve",
        tags=["price-comparison"],
        parameters=[
            OpenApiParameter("resource", int, description="A server that fills in what is not given."),
            *(
                OpenApiParameter(name, str, description=f"{default} without it." if default else "")
                for name, default in ComparisonForm.DEFAULTS.items()
            ),
        ],
        responses=PriceComparisonSerializer,
    )
    def get(self, request: Request) -> Response:
        """What each provider asks, allowed ones first, the cheapest first."""
        now = timezone.now()
        book = queries.price_book(self.organization, now)
        existing = self._existing(request.query_params.get("resource", ""), book)
        form = ComparisonForm(specification(request.query_params, existing))
        if not form.is_valid():
            raise serializers.ValidationError(
                {name: [str(error) for error in errors] for name, errors in form.errors.items()}
            )
        candidates, one_off = compared(book, form, existing, now)
        answer = {
            "paid_monthly": existing.monthly if existing else None,
            "one_off_cost": one_off,
            "candidates": candidates,
        }
        return Response(PriceComparisonSerializer(answer).data)

    def _existing(self, asked: str, book: Any) -> Existing | None:
        if not asked:
            return None
        rows = Resource.objects.of(self.organization).filter(resource_type__in=SERVERS)
        pk = int(asked) if asked.isdecimal() and len(asked) <= LARGEST_PK else 0
        resource = rows.select_related("connection").filter(pk=pk).first()
        if resource is None:
            raise Http404
        return existing_server(self.organization, resource, book)
