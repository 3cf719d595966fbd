"""Billing files: upload one, see what it holds, import it."""

from __future__ import annotations

from typing import Any

import django_filters
from django.core.exceptions import ValidationError as DjangoValidationError
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import IdFilter, StableOrderingFilter, TenantViewSet
from providers import services as providers
from providers.messages import explain, sentence
from providers.models import ProviderConnection
from syncs import imports, tasks
from syncs.api.snapshots import SnapshotSerializer, SyncErrorSerializer
from syncs.models import BillingFile, BillingFileStatus, SyncSnapshot, SyncTrigger

FILE_PROVIDER = "focus"
"""The provider of connections that an upload makes."""


class PeriodSumSerializer(serializers.Serializer[Any]):
    """Of one billing month (`2026-10`) of one account in one currency; only good rows are summed."""

    provider_name = serializers.CharField()
    billing_account_id = serializers.CharField()
    billing_account_name = serializers.CharField()
    billing_period = serializers.CharField()
    billing_currency = serializers.CharField()
    row_count = serializers.IntegerField()
    billed_cost = serializers.CharField()
    effective_cost = serializers.CharField()


class ServiceSumSerializer(serializers.Serializer[Any]):
    provider_name = serializers.CharField()
    service_name = serializers.CharField()
    billing_currency = serializers.CharField()
    row_count = serializers.IntegerField()
    billed_cost = serializers.CharField()
    effective_cost = serializers.CharField()


class FileRemarkSerializer(serializers.Serializer[Any]):
    """A bad row, or a doubt about a good one; line 1 is the header."""

    line = serializers.IntegerField(allow_null=True)
    column = serializers.CharField()
    detail = serializers.CharField()


class FileReportSerializer(serializers.Serializer[Any]):
    """What one reading of the file found. Of bad rows and findings the first hundred (of each kind) are told."""

    format = serializers.CharField(help_text="`csv`, `csv.gz` or `parquet`.")
    version = serializers.CharField(help_text="Of FOCUS.")
    row_count = serializers.IntegerField()
    good_row_count = serializers.IntegerField()
    bad_row_count = serializers.IntegerField()
    charge_period_start = serializers.CharField(allow_null=True)
    charge_period_end = serializers.CharField(allow_null=True)
    provider_names = serializers.ListField(child=serializers.CharField())
    billing_currencies = serializers.ListField(child=serializers.CharField())
    unknown_columns = serializers.ListField(child=serializers.CharField())
    charge_categories = serializers.DictField(child=serializers.IntegerField())
    period_sums = PeriodSumSerializer(many=True)
    service_sums = ServiceSumSerializer(many=True)
    bad_rows = serializers.SerializerMethodField()
    findings = serializers.SerializerMethodField()

    @extend_schema_field(FileRemarkSerializer(many=True))
    def get_bad_rows(self, report: dict[str, Any]) -> list[dict[str, Any]]:
        return [_remark(row) for row in report["bad_rows"]]

    @extend_schema_field(FileRemarkSerializer(many=True))
    def get_findings(self, report: dict[str, Any]) -> list[dict[str, Any]]:
        return [_remark(finding) for finding in report["findings"]]


class BillingFileSerializer(serializers.ModelSerializer[BillingFile]):
    """An uploaded file. `refused`: it cannot be imported, `error` says why or `report` shows that no row is good."""

    connection = serializers.IntegerField(source="connection_id")

    class Meta:
        model = BillingFile
        fields = ["id", "connection", "name", "sha256", "size_bytes", "status", "skip_bad_rows", "created_at"]


class BillingFileDetailSerializer(BillingFileSerializer):
    """Besides: the report, and the earlier upload of the same content (nothing would change)."""

    report = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    imported_before = serializers.SerializerMethodField()

    class Meta(BillingFileSerializer.Meta):
        fields = [*BillingFileSerializer.Meta.fields, "report", "error", "imported_before"]

    @extend_schema_field(FileReportSerializer(allow_null=True))
    def get_report(self, billing_file: BillingFile) -> Any:
        return None if "error" in billing_file.report else FileReportSerializer(billing_file.report).data

    @extend_schema_field(SyncErrorSerializer(allow_null=True))
    def get_error(self, billing_file: BillingFile) -> dict[str, Any] | None:
        kept = billing_file.report.get("error")
        explanation = explain(kept, provider_type=billing_file.connection.provider_type)
        if explanation is None:
            return None
        place = {name: kept[name] for name in ("line", "column") if kept.get(name) is not None}
        return {"code": explanation.code, "detail": str(explanation), **place}

    def get_imported_before(self, billing_file: BillingFile) -> int | None:
        earlier = imports.imported_before(billing_file)
        return earlier.pk if earlier else None


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="FOCUS 1.0 to 1.4 as CSV, gzipped CSV or Parquet.")
    connection = serializers.IntegerField(
        required=False, help_text="A connection that reads files. Give this or `connection_name`."
    )
    connection_name = serializers.CharField(
        required=False, max_length=100, help_text="The name of a new connection for files."
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if ("connection" in given) == ("connection_name" in given):
            raise serializers.ValidationError(
                {"connection": _("Give either the connection or the name of a new one.")}
            )
        return given


class ConfirmSerializer(serializers.Serializer[Any]):
    skip_bad_rows = serializers.BooleanField(
        default=False, help_text="Import the good rows of a file that has bad ones."
    )


class BillingFileFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    connection = IdFilter(field_name="connection_id", label=gettext_lazy("Connection"))
    status = django_filters.ChoiceFilter(choices=BillingFileStatus.choices, label=gettext_lazy("Status"))
    ordering = StableOrderingFilter(fields=["created_at", "name", "size_bytes"])

    class Meta:
        model = BillingFile
        fields: tuple[str, ...] = ()


class ImportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Billing files, the newest first."""

    queryset = BillingFile.objects.select_related("connection").order_by("-created_at", "-pk")
    filterset_class = BillingFileFilter
    parser_classes = [JSONParser, MultiPartParser, FormParser]

    def get_serializer_class(self) -> type[BillingFileSerializer]:
        return BillingFileSerializer if self.action == "list" else BillingFileDetailSerializer

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        return rows.defer("report") if self.action == "list" else rows

    @extend_schema(
        request={"multipart/form-data": UploadSerializer}, responses={201: BillingFileDetailSerializer}
    )
    def create(self, request: Request) -> Response:
        """Stores a file and looks into it; nothing is imported before it is confirmed."""
        serializer = UploadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        now = timezone.now()
        connection = self._connection(given, now)
        try:  # without a transaction around it: a large file is read for a minute or two
            billing_file = imports.store_file(
                connection=connection,
                name=given["file"].name,
                content=given["file"].chunks(),
                uploaded_by=self.acting_user,
                now=now,
            )
        except DjangoValidationError as error:
            if "connection_name" in given:  # made for this file alone
                providers.delete_connection(connection=connection)
            raise DjangoValidationError({"file": error.messages}) from None
        return Response(self.get_serializer(billing_file).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ConfirmSerializer, responses={202: SnapshotSerializer})
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """Queues the sync that imports the file."""
        serializer = ConfirmSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        snapshot = imports.import_file(
            billing_file=self.get_object(),
            skip_bad_rows=serializer.validated_data["skip_bad_rows"],
            requested_by=self.acting_user,
            trigger=SyncTrigger.API,
            now=timezone.now(),
        )
        tasks.run_snapshot.delay_on_commit(snapshot_id=snapshot.pk)  # type: ignore[attr-defined]  # Celery's Django task
        found = SyncSnapshot.objects.select_related("connection").get(pk=snapshot.pk)
        return Response(SnapshotSerializer(found).data, status=status.HTTP_202_ACCEPTED)

    def _connection(self, given: dict[str, Any], now: Any) -> ProviderConnection:
        if "connection_name" in given:
            return imports.file_connection(
                organization=self.organization,
                provider_type=FILE_PROVIDER,
                connection_name=given["connection_name"],
                now=now,
            )
        connection = get_object_or_404(
            ProviderConnection.objects.of(self.organization), pk=given["connection"]
        )
        if connection.provider_type not in {plugin.key for plugin in imports.file_plugins()}:
            raise serializers.ValidationError({"connection": _("This connection does not read files.")})
        return connection


def _remark(kept: dict[str, Any]) -> dict[str, Any]:
    return {
        "line": kept.get("line"),
        "column": kept.get("column", ""),
        "detail": sentence(kept.get("message", ""), kept.get("params")),
    }
