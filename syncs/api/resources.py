"""What there is, or was at a moment, and how each thing came to be what it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import IdFilter, StableOrderingFilter, TenantViewSet
from inventory.api import ResourceSerializer
from inventory.models import ResourceType, Tag
from syncs import queries
from syncs.models import ResourceState

HISTORY_STATES = 100
"""How many states a resource's detail has, the newest; `states` has all."""

AT = OpenApiParameter(
    "at", OpenApiTypes.DATETIME, description="The moment in question, ISO 8601; now where it is left out."
)


def _money(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=18, decimal_places=6, allow_null=True, **options)


class ResourceStateSerializer(serializers.ModelSerializer[ResourceState]):
    """The form of one resource from `opened_at` until `closed_at` (null: it still holds).

    `daily_cost` is its own rate, without components, in `currency`; null means not known yet, which is not 0.
    `changes` is {field: [before, after]} against the state before.
    """

    resource = serializers.IntegerField(source="resource_id")
    connection = serializers.IntegerField(source="connection_id")
    parent = serializers.IntegerField(source="parent_id", allow_null=True)  # type: ignore[assignment]  # the framework has a `parent` of its own
    opened_by = serializers.IntegerField(source="opened_by_id", help_text="The snapshot that first saw it.")
    closed_by = serializers.IntegerField(source="closed_by_id", allow_null=True)
    ip_addresses = serializers.ListField(child=serializers.CharField())
    tags = serializers.DictField(child=serializers.CharField(), help_text="The provider's, as they were.")
    configuration = serializers.DictField()
    changes = serializers.DictField()

    class Meta:
        model = ResourceState
        fields = [
            "id",
            "resource",
            "connection",
            "opened_at",
            "closed_at",
            "opened_by",
            "closed_by",
            "action",
            "has_cost_change",
            "has_status_change",
            "has_configuration_change",
            "changes",
            "name",
            "scope",
            "status",
            "provider_status",
            "is_orphan",
            "is_provisional",
            "absent_since",
            "parent",
            "service_name",
            "region_id",
            "sub_account_id",
            "sub_account_name",
            "vcpus",
            "memory_mib",
            "storage_gib",
            "operating_system",
            "engine",
            "engine_version",
            "ip_addresses",
            "configuration",
            "tags",
            "daily_cost",
            "currency",
            "original_cost",
            "original_period",
            "is_list_price",
            "in_account_total",
        ]


class ResourceAsOfSerializer(ResourceSerializer):
    """A resource in its form at the moment asked for; made from that state.

    `components_daily_cost` is what its components (volumes, addresses) cost, `total_daily_cost` both together, a day in
    `currency`. `is_stale`: its scope could not be read since `stale_since`. `is_present` is false for what was gone by
    then; `state` is its last form.
    """

    state = ResourceStateSerializer()
    is_present = serializers.SerializerMethodField()
    is_stale = serializers.BooleanField(source="state.is_stale")
    stale_since = serializers.DateTimeField(source="state.stale_since", allow_null=True)
    components_daily_cost = _money(source="state.components_daily_cost")
    total_daily_cost = _money(source="state.total_daily_cost")
    currency = serializers.CharField(source="state.currency")

    class Meta(ResourceSerializer.Meta):
        fields = [
            *ResourceSerializer.Meta.fields,
            "state",
            "is_present",
            "is_stale",
            "stale_since",
            "components_daily_cost",
            "total_daily_cost",
            "currency",
        ]

    def to_representation(self, state: Any) -> Any:
        resource = state.resource
        resource.state = state
        return super().to_representation(resource)

    def get_is_present(self, resource: Any) -> bool:
        closed_at, moment = resource.state.closed_at, self.context.get("moment")
        return closed_at is None or (moment is not None and closed_at > moment)


class ResourceDetailSerializer(ResourceAsOfSerializer):
    """Besides: the newest states up to that moment."""

    history = ResourceStateSerializer(many=True, source="state.history")

    class Meta(ResourceAsOfSerializer.Meta):
        fields = [*ResourceAsOfSerializer.Meta.fields, "history"]


class ResourceFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    type = django_filters.MultipleChoiceFilter(
        field_name="resource__resource_type", choices=ResourceType.choices, label=_("Type")
    )
    status = django_filters.MultipleChoiceFilter(choices=ResourceState.Status.choices, label=_("Status"))
    connection = IdFilter(field_name="connection_id", label=_("Connection"))
    region = django_filters.CharFilter(field_name="region_id", label=_("Region"))
    service = django_filters.CharFilter(field_name="service_name", label=_("Service"))
    parent = IdFilter(field_name="parent_id", label=_("Components of this resource"))
    is_component = django_filters.BooleanFilter(
        field_name="parent", lookup_expr="isnull", exclude=True, label=_("Component of another resource")
    )
    is_orphan = django_filters.BooleanFilter(label=_("Orphan"))
    is_stale = django_filters.BooleanFilter(label=_("Stale"))
    tag = django_filters.CharFilter(method="with_tag", label=_("Tag: “key” or “key=value”"))
    search = django_filters.CharFilter(method="found", label=_("Name, provider's id or IP address"))
    ordering = StableOrderingFilter(
        fields={
            "name": "name",
            "resource__resource_type": "type",
            "status": "status",
            "region_id": "region",
            "daily_cost": "daily_cost",
            "total_daily_cost": "total_daily_cost",
            "resource__first_seen_at": "first_seen_at",
        }
    )

    class Meta:
        model = ResourceState
        fields: tuple[str, ...] = ()

    def with_tag(self, states: QuerySet[ResourceState], name: str, value: str) -> QuerySet[ResourceState]:
        key, has_value, wanted = value.partition("=")
        tags = Tag.objects.filter(resource=OuterRef("resource_id"), key=key)
        return states.filter(Exists(tags.filter(value=wanted) if has_value else tags))

    def found(self, states: QuerySet[ResourceState], name: str, value: str) -> QuerySet[ResourceState]:
        return states.filter(
            Q(name__icontains=value)
            | Q(resource__resource_id__icontains=value)
            | Q(ip_addresses__icontains=value)
        )


class ResourceViewSet(TenantViewSet):
    """Resources as they are, or with `at` as they were."""

    queryset = ResourceState.objects.all()
    serializer_class = ResourceAsOfSerializer
    filterset_class = ResourceFilter

    @extend_schema(parameters=[AT], responses=ResourceAsOfSerializer(many=True))
    def list(self, request: Request) -> Response:
        """What there was at one moment, with its own and its components' cost."""
        moment = _moment(request)
        states = _annotated(queries.as_of(self.organization, moment), moment)
        page: Any = self.paginate_queryset(self.filter_queryset(states.order_by("name", "pk")))
        context = {**self.get_serializer_context(), "moment": moment}
        return self.get_paginated_response(ResourceAsOfSerializer(page, many=True, context=context).data)

    @extend_schema(parameters=[AT], responses=ResourceDetailSerializer, filters=False)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One resource in its form at one moment, or in its last form when it was gone, with its history."""
        moment = _moment(request)
        states = ResourceState.objects.of(self.organization).filter(resource=int(pk), opened_at__isnull=False)
        if moment is not None:
            states = states.filter(opened_at__lte=moment)
        newest = states.order_by("-opened_at", "-pk")
        state: Any = _annotated(newest.select_related("resource", "connection"), moment).first()
        if state is None:
            raise Http404
        state.history = list(newest[:HISTORY_STATES])
        context = {**self.get_serializer_context(), "moment": moment}
        return Response(ResourceDetailSerializer(state, context=context).data)


class StateFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    resource = IdFilter(field_name="resource_id", label=_("Resource"))
    connection = IdFilter(field_name="connection_id", label=_("Connection"))
    snapshot = IdFilter(method="of_snapshot", label=_("Opened or closed by this snapshot"))
    action = django_filters.MultipleChoiceFilter(choices=ResourceState.Action.choices, label=_("Event"))
    has_cost_change = django_filters.BooleanFilter(label=_("Cost changed"))
    has_status_change = django_filters.BooleanFilter(label=_("Status changed"))
    has_configuration_change = django_filters.BooleanFilter(label=_("Configuration changed"))
    since = django_filters.IsoDateTimeFilter(
        field_name="opened_at", lookup_expr="gte", label=_("Opened at or after")
    )
    until = django_filters.IsoDateTimeFilter(
        field_name="opened_at", lookup_expr="lt", label=_("Opened before")
    )
    ordering = StableOrderingFilter(fields=["opened_at", "closed_at", "daily_cost"])

    class Meta:
        model = ResourceState
        fields: tuple[str, ...] = ()

    def of_snapshot(self, states: QuerySet[ResourceState], name: str, value: Any) -> QuerySet[ResourceState]:
        return states.filter(Q(opened_by=value) | Q(closed_by=value))


class StateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """The history: every form that every resource had, the newest first. Drafts of running syncs are not in it."""

    queryset = ResourceState.objects.filter(opened_at__isnull=False).order_by("-opened_at", "-pk")
    serializer_class = ResourceStateSerializer
    filterset_class = StateFilter


def _annotated(states: QuerySet[ResourceState], moment: datetime | None) -> QuerySet[ResourceState]:
    known = queries.with_components(queries.with_staleness(states, moment), moment)
    return known.prefetch_related("resource__tags")


def _moment(request: Request) -> datetime | None:
    """`at`, aware; a plus that the address did not escape arrives as a space."""
    given = request.query_params.get("at", "")
    if not given:
        return None
    try:
        moment: datetime = serializers.DateTimeField().run_validation(given.strip().replace(" ", "+"))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"at": error.detail}) from None
    return moment
