"""Starting a sync, and what each sync found."""

from __future__ import annotations

from typing import Any

import django_filters
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import IdFilter, StableOrderingFilter, TenantView, TenantViewSet
from providers.messages import explain, sentence
from providers.models import ProviderConnection
from syncs import services, tasks
from syncs.api.traces import TraceSerializer, trace_answer
from syncs.models import ScopeCoverage, SnapshotTotal, SyncSnapshot, SyncStatus, SyncTrigger


class SnapshotTotalSerializer(serializers.ModelSerializer[SnapshotTotal]):
    """The reconciliation in one currency: amounts a day."""

    class Meta:
        model = SnapshotTotal
        fields = ["currency", "billed_daily_cost", "resources_daily_cost", "unexplained_daily_cost"]


class ScopeCoverageSerializer(serializers.ModelSerializer[ScopeCoverage]):
    """How the reading of one scope ended."""

    detail = serializers.SerializerMethodField()

    class Meta:
        model = ScopeCoverage
        fields = ["scope", "status", "error_code", "detail", "last_complete_at"]

    def get_detail(self, coverage: ScopeCoverage) -> str:
        return sentence(coverage.message, coverage.params)


class SyncErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class FindingSerializer(serializers.Serializer[Any]):
    """Something worth telling about the data; `line` and `column` point into a file."""

    code = serializers.CharField()
    detail = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    column = serializers.CharField()


class SnapshotSerializer(serializers.ModelSerializer[SyncSnapshot]):
    """One reading of one connection. `observed_at` is the instant that it stands for."""

    connection = serializers.IntegerField(source="connection_id")
    billing_file = serializers.IntegerField(source="billing_file_id", allow_null=True)
    totals = SnapshotTotalSerializer(many=True)
    error = serializers.SerializerMethodField()

    class Meta:
        model = SyncSnapshot
        fields = [
            "id",
            "connection",
            "status",
            "trigger",
            "billing_file",
            "is_current",
            "attempt",
            "phase",
            "requested_at",
            "started_at",
            "observed_at",
            "finished_at",
            "created_count",
            "updated_count",
            "unchanged_count",
            "deleted_count",
            "stale_count",
            "resource_count",
            "unrecognized_count",
            "totals",
            "error",
        ]

    @extend_schema_field(SyncErrorSerializer(allow_null=True))
    def get_error(self, snapshot: SyncSnapshot) -> dict[str, str] | None:
        explanation = explain(snapshot.error, provider_type=snapshot.connection.provider_type)
        return {"code": explanation.code, "detail": str(explanation)} if explanation else None


class SnapshotDetailSerializer(SnapshotSerializer):
    """Besides: coverage by scope, sums by type and status (a day), findings, seconds by phase, and what was asked."""

    coverage = ScopeCoverageSerializer(many=True)
    findings = serializers.SerializerMethodField()
    breakdown = serializers.DictField()
    timings = serializers.DictField()
    trace = serializers.SerializerMethodField()

    class Meta(SnapshotSerializer.Meta):
        fields = [*SnapshotSerializer.Meta.fields, "coverage", "breakdown", "findings", "timings", "trace"]

    @extend_schema_field(TraceSerializer(allow_null=True))
    def get_trace(self, snapshot: SyncSnapshot) -> dict[str, Any] | None:
        return trace_answer(snapshot)

    @extend_schema_field(FindingSerializer(many=True))
    def get_findings(self, snapshot: SyncSnapshot) -> list[dict[str, Any]]:
        return [
            {
                "code": finding.get("code", ""),
                "detail": sentence(finding.get("message", ""), finding.get("params")),
                "line": finding.get("line"),
                "column": finding.get("column", ""),
            }
            for finding in snapshot.findings
        ]


class SnapshotFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    connection = IdFilter(field_name="connection_id", label=_("Connection"))
    status = django_filters.MultipleChoiceFilter(choices=SyncStatus.choices, label=_("Status"))
    trigger = django_filters.ChoiceFilter(choices=SyncTrigger.choices, label=_("Started"))
    since = django_filters.IsoDateTimeFilter(
        field_name="requested_at", lookup_expr="gte", label=_("Requested at or after")
    )
    until = django_filters.IsoDateTimeFilter(
        field_name="requested_at", lookup_expr="lt", label=_("Requested before")
    )
    ordering = StableOrderingFilter(fields=["requested_at", "observed_at", "finished_at"])

    class Meta:
        model = SyncSnapshot
        fields: tuple[str, ...] = ()


class SnapshotViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Syncs, the newest first; one of them with everything that it found."""

    queryset = (
        SyncSnapshot.objects.select_related("connection")
        .prefetch_related("totals")
        .order_by("-requested_at", "-pk")
    )
    filterset_class = SnapshotFilter

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        return (
            rows.select_related("trace").prefetch_related("coverage") if self.action == "retrieve" else rows
        )

    def get_serializer_class(self) -> type[SnapshotSerializer]:
        return SnapshotDetailSerializer if self.action == "retrieve" else SnapshotSerializer


class ConnectionSync(TenantView):
    """Starting a sync of one connection."""

    scope_needed = "sync"
    queryset = ProviderConnection.objects.all()
    serializer_class = SnapshotSerializer
    filter_backends = ()

    @extend_schema(
        operation_id="connections_sync",
        tags=["connections"],
        request=None,
        responses={202: SnapshotSerializer, 200: SnapshotSerializer},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Queues a sync (202), or answers the one that is active already (200)."""
        snapshot, joined = services.request_sync(
            connection=self.get_object(),
            trigger=SyncTrigger.API,
            requested_by=self.acting_user,
            now=timezone.now(),
        )
        if not joined:
            tasks.run_snapshot.delay_on_commit(snapshot_id=snapshot.pk)  # type: ignore[attr-defined]  # Celery's Django task
        found = SyncSnapshot.objects.select_related("connection").get(pk=snapshot.pk)
        code = status.HTTP_200_OK if joined else status.HTTP_202_ACCEPTED
        return Response(self.get_serializer(found).data, status=code)
