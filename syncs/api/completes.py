"""Complete syncs: beginning one, how far it is, what came of it by connection, a retry, two of them compared."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import StableOrderingFilter, TenantViewSet
from syncs import complete, complete_queries, tasks
from syncs.api.snapshots import SyncErrorSerializer
from syncs.models import CompleteSync, SyncStatus, SyncTrigger


class AmountsField(serializers.DictField):
    """{currency: amount a day}."""

    child = serializers.DecimalField(max_digits=18, decimal_places=6)


class PartSerializer(serializers.Serializer[Any]):
    """One connection; `daily_costs` and `resource_count` are null where it was not read."""

    connection = serializers.IntegerField(source="reference.connection_id")
    connection_name = serializers.CharField(source="connection.connection_name")
    position = serializers.IntegerField(source="reference.position")
    status = serializers.ChoiceField(choices=SyncStatus.choices, source="reference.status")
    snapshot = serializers.IntegerField(source="reference.snapshot_id", allow_null=True)
    attempt = serializers.IntegerField(source="reference.attempt")
    resource_count = serializers.IntegerField(allow_null=True)
    daily_costs = AmountsField(allow_null=True)
    error = serializers.SerializerMethodField()

    @extend_schema_field(SyncErrorSerializer(allow_null=True))
    def get_error(self, part: complete_queries.Part) -> dict[str, str] | None:
        return {"code": part.problem.code, "detail": str(part.problem)} if part.problem else None


class CompleteSyncSerializer(serializers.ModelSerializer[CompleteSync]):
    """`daily_costs` ({currency: amount a day}) and `resource_count` are sums over the connections that were read."""

    daily_costs = AmountsField()

    class Meta:
        model = CompleteSync
        fields = [
            "id",
            "status",
            "trigger",
            "mode",
            "requested_at",
            "started_at",
            "finished_at",
            "scheduled_date",
            "resource_count",
            "daily_costs",
        ]


class CompleteSyncDetailSerializer(CompleteSyncSerializer):
    connections = serializers.SerializerMethodField()

    class Meta(CompleteSyncSerializer.Meta):
        fields = [*CompleteSyncSerializer.Meta.fields, "connections"]

    @extend_schema_field(PartSerializer(many=True))
    def get_connections(self, one: CompleteSync) -> Any:
        return PartSerializer(complete_queries.parts(one), many=True).data


class ConnectionDifferenceSerializer(serializers.Serializer[complete_queries.ConnectionDifference]):
    """`differences` is null where one of the two did not read the connection."""

    connection = serializers.IntegerField(source="connection.pk")
    connection_name = serializers.CharField(source="connection.connection_name")
    daily_costs_before = AmountsField(source="before.daily_costs", allow_null=True, default=None)
    daily_costs_after = AmountsField(source="after.daily_costs", allow_null=True, default=None)
    differences = AmountsField(allow_null=True)
    new_count = serializers.IntegerField()
    gone_count = serializers.IntegerField()
    changed_count = serializers.IntegerField()


class ResourceDifferenceSerializer(serializers.Serializer[complete_queries.ResourceDifference]):
    """`daily_difference` is null where a cost is not known."""

    kind = serializers.ChoiceField(choices=["new", "gone", "changed"])
    resource = serializers.IntegerField(source="state.resource_id")
    name = serializers.CharField(source="state.name")
    connection = serializers.IntegerField(source="state.connection_id")
    currency = serializers.CharField(source="state.currency")
    daily_difference = serializers.DecimalField(
        max_digits=18, decimal_places=6, source="difference", allow_null=True
    )


class ComparisonSerializer(serializers.Serializer[complete_queries.Comparison]):
    """Sums are over the connections that both read; at most 100 resources of each kind are listed."""

    before = serializers.IntegerField(source="before.pk")
    after = serializers.IntegerField(source="after.pk")
    differences = AmountsField()
    new_count = serializers.IntegerField()
    gone_count = serializers.IntegerField()
    changed_count = serializers.IntegerField()
    connections = ConnectionDifferenceSerializer(many=True)
    resources = ResourceDifferenceSerializer(many=True)


class CompleteSyncFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    status = django_filters.MultipleChoiceFilter(choices=SyncStatus.choices, label=_("Status"))
    trigger = django_filters.ChoiceFilter(choices=SyncTrigger.choices, label=_("Started"))
    ordering = StableOrderingFilter(fields=["requested_at", "finished_at"])

    class Meta:
        model = CompleteSync
        fields: tuple[str, ...] = ()


class CompleteSyncViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Complete syncs, the newest first; one of them with the result of each connection."""

    scope_needed = "sync"
    queryset = CompleteSync.objects.order_by("-requested_at", "-pk")
    filterset_class = CompleteSyncFilter

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        return rows if self.action == "list" else complete_queries.with_parts(rows)

    def get_serializer_class(self) -> type[CompleteSyncSerializer]:
        return CompleteSyncSerializer if self.action == "list" else CompleteSyncDetailSerializer

    @extend_schema(
        request=None, responses={202: CompleteSyncDetailSerializer, 200: CompleteSyncDetailSerializer}
    )
    def create(self, request: Request) -> Response:
        """Begins a complete sync (202), or answers the one that is active already (200)."""
        one, joined = complete.request_complete_sync(
            organization=self.organization,
            trigger=SyncTrigger.API,
            now=timezone.now(),
            requested_by=self.acting_user,
        )
        return self._begun(one, joined)

    @extend_schema(
        request=None, responses={202: CompleteSyncDetailSerializer, 200: CompleteSyncDetailSerializer}
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Syncs the failed connections alone (202); answers it as it is while it is active (200)."""
        one, joined = complete.retry_failed(
            complete_sync=self.get_object(),
            trigger=SyncTrigger.API,
            now=timezone.now(),
            requested_by=self.acting_user,
        )
        return self._begun(one, joined)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "with", OpenApiTypes.INT, description="The earlier one; without it, the one before."
            )
        ],
        responses=ComparisonSerializer,
    )
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def compare(self, request: Request, pk: str) -> Response:
        """What differs from an earlier complete sync: cost and resources by connection."""
        after = self.get_object()
        chosen = request.query_params.get("with", "")
        if chosen and not (chosen.isascii() and chosen.isdigit() and len(chosen) < 18):
            raise Http404
        earlier = None if chosen else complete_queries.earlier(after)
        if not chosen and earlier is None:
            raise Http404
        number = int(chosen) if chosen else cast(CompleteSync, earlier).pk
        before = get_object_or_404(self.get_queryset(), pk=number)
        return Response(ComparisonSerializer(complete_queries.comparison(before, after)).data)

    def _begun(self, one: CompleteSync, joined: bool) -> Response:
        if not joined:
            tasks.advance_complete_sync.delay_on_commit(complete_sync_id=one.pk)  # type: ignore[attr-defined]  # Celery's Django task
        found = self.get_queryset().get(pk=one.pk)
        code = status.HTTP_200_OK if joined else status.HTTP_202_ACCEPTED
        return Response(CompleteSyncDetailSerializer(found).data, status=code)
