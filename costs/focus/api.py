"""FOCUS files for programs."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.settings import api_settings

from accounts.api import TenantView
from costs.explorer.dimensions import BY_KEY
from costs.focus.columns import DEFAULT_PROFILE, PROFILES
from costs.focus.exports import CONTENT_TYPES, FORMATS
from costs.focus.pages import streamed
from costs.focus.requests import DEFAULT_PERIOD, BadExport, export_of

_YES = {"type": "string", "enum": ["1"]}


class AnyType(BaseContentNegotiation):
    """A file has its own type: a caller that accepts nothing but Parquet is answered as well."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class FocusExportView(TenantView):
    """Costs as a FOCUS file, streamed. A token with the scope “read” is enough."""

    content_negotiation_class = AnyType
    queryset = None
    filter_backends = ()
    pagination_class = None

    @extend_schema(
        operation_id="focus_export",
        parameters=[
            OpenApiParameter(
                "period",
                str,
                default=DEFAULT_PERIOD,
                description="`last_month` and its kin, `2026-10`, or `2026-10-01..2026-10-31`; both ends included.",
            ),
            OpenApiParameter(
                "profile", str, enum=list(PROFILES), default=DEFAULT_PROFILE, description="FOCUS version."
            ),
            OpenApiParameter("file_format", str, enum=list(FORMATS), default=FORMATS[0]),
            OpenApiParameter("gzip", _YES, description="CSV as a gzip file; in Parquet, gzip columns."),
            OpenApiParameter(
                "ascii", _YES, description="Names in ASCII, their originals in columns `x_…Original`."
            ),
            *(
                OpenApiParameter(
                    key,
                    str,
                    many=True,
                    description="Only these values; `~` is without one, and `not.` before the name leaves out.",
                )
                for key in BY_KEY
            ),
        ],
        responses={
            (200, media_type): OpenApiResponse(OpenApiTypes.BINARY, description="The file.")
            for media_type in sorted({name.partition(";")[0] for name in CONTENT_TYPES.values()})
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        params = {name: request.query_params.getlist(name) for name in request.query_params}
        today = timezone.now().astimezone(ZoneInfo(self.organization.time_zone)).date()
        try:
            export = export_of(self.organization, params, today)
        except BadExport as problem:
            field = problem.field or api_settings.NON_FIELD_ERRORS_KEY
            raise serializers.ValidationError({field: str(problem)}) from None
        return streamed(export)
