"""Reports for scripts: what there is, begin one, fetch its files."""

from __future__ import annotations

from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.api import IdFilter, TenantViewSet
from costs.explorer.periods import BadPeriod, span_of
from costs.explorer.queries import today_of
from costs.reports import services, tasks
from costs.reports.models import Report, ReportFile, ReportRun
from costs.reports.renderers import RENDERERS
from costs.reports.views import download


class ReportSectionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    kind = serializers.CharField()
    options = serializers.DictField()


class ReportSerializer(serializers.ModelSerializer[Report]):
    """What a report holds, as which files, and when it is made: on the organization's clock.

    `weekday` is of weekly reports, Monday 1 to Sunday 7; `month_day` of monthly ones, 1 to 28, or 31 for the last day of
    the month however long it is.
    """

    sections = ReportSectionSerializer(many=True, read_only=True)
    formats = serializers.ListField(child=serializers.ChoiceField(choices=list(RENDERERS)), min_length=1)

    class Meta:
        model = Report
        fields = [
            "id",
            "name",
            "sections",
            "period",
            "formats",
            "language",
            "schedule",
            "weekday",
            "month_day",
            "hour",
            "retention_days",
            "next_run_at",
        ]
        read_only_fields = ["next_run_at"]

    def validate_period(self, text: str) -> str:
        try:
            span_of(text, today_of(self.instance.organization, timezone.now()))  # type: ignore[union-attr]
        except BadPeriod as error:
            raise serializers.ValidationError(
                [_("The report's period cannot be read; choose another one.")]
            ) from error
        return text

    def update(self, report: Report, validated_data: dict[str, Any]) -> Report:
        try:
            return services.change_report(report=report, now=timezone.now(), **validated_data)
        except ValidationError as error:
            raise serializers.ValidationError(serializers.as_serializer_error(error)) from error


class ReportFileSerializer(serializers.ModelSerializer[ReportFile]):
    url = serializers.SerializerMethodField()

    class Meta:
        model = ReportFile
        fields = ["format", "name", "size_bytes", "url"]

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, one: ReportFile) -> str:
        return reverse(
            "api:report_run-file", args=[one.run_id, one.format], request=self.context.get("request")
        )


class ReportStateSerializer(serializers.Serializer[Any]):
    """What was known of the data; empty until the run is made."""

    wanted_until = serializers.DateField(help_text="The last day that could be known whole.")
    known_until = serializers.DateField(allow_null=True, help_text="The last day that was.")
    incomplete = serializers.ListField(child=serializers.DateField())
    connections = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Name and status of connections whose last sync was not whole.",
    )


class ReportRunSerializer(serializers.ModelSerializer[ReportRun]):
    """One making of a report, with its files once it is made."""

    files = ReportFileSerializer(many=True, read_only=True)
    state = serializers.SerializerMethodField()
    problems = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))

    class Meta:
        model = ReportRun
        fields = [
            "id",
            "report",
            "status",
            "scheduled_date",
            "first_date",
            "last_date",
            "requested_at",
            "finished_at",
            "sent_at",
            "state",
            "problems",
            "files",
        ]

    @extend_schema_field(ReportStateSerializer(allow_null=True))
    def get_state(self, run: ReportRun) -> dict[str, Any] | None:
        return run.state or None


class ReportRunFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    report = IdFilter(field_name="report_id")

    class Meta:
        model = ReportRun
        fields = ["report", "status"]


class ReportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Reports as they were put together in the builder; what they are called, made of and when can be changed."""

    queryset = Report.objects.select_related("organization").order_by("pk")
    serializer_class = ReportSerializer

    def partial_update(self, request: Request, pk: str) -> Response:
        """Everything but sections and recipients, which are put together on the page."""
        serializer = self.get_serializer(self.get_object(), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data)

    @extend_schema(request=None, responses={202: ReportRunSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        """Begins a run, or joins the one that is being made; ask for it at `report-runs`."""
        try:
            run, _joined = services.request_run(
                report=self.get_object(), now=timezone.now(), requested_by=self.acting_user
            )
        except services.ReportNotPossible as error:
            raise serializers.ValidationError([str(error)]) from error
        tasks.make_run.delay_on_commit(run_id=run.pk)  # type: ignore[attr-defined]  # Celery's Django task
        context = self.get_serializer_context()
        return Response(ReportRunSerializer(run, context=context).data, status=status.HTTP_202_ACCEPTED)


class ReportRunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Runs of reports, the latest first."""

    queryset = ReportRun.objects.get_queryset().prefetch_related("files").order_by("-pk")
    serializer_class = ReportRunSerializer
    filterset_class = ReportRunFilter

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}, filters=False)
    @action(detail=True, url_path=r"files/(?P<file_format>[a-z]+)", url_name="file", pagination_class=None)
    def file(self, request: Request, pk: str, file_format: str) -> FileResponse:
        """One file of a run."""
        rows = ReportFile.objects.of(self.organization)
        return download(get_object_or_404(rows, run=self.get_object(), format=file_format))
