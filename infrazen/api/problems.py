"""Errors as problem details (RFC 9457), media type `application/problem+json`.

Every problem has `type`, `title`, `status`, `detail` (one sentence in the reader's language) and `code`. Bad input has
`errors`: {field: [sentences]}, where a field in a nested object is `outer.inner` and "" is the whole.

    provider's refusal            422   the provider answered, and what was given is wrong
    provider's unreadable answer  502
    provider's silence            503   with Retry-After where it is known
    a sync that cannot begin      409
    a rule about people forbids   409   `code` names the rule; see accounts.services.errors
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.signals import got_request_exception
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler as framework_handler
from rest_framework.views import set_rollback

from accounts.services import NotAMember, Refused
from providers.contract.errors import (
    DeadlineExceeded,
    ProviderError,
    ProviderUnavailable,
    RequestRefused,
    UnexpectedResponse,
)
from providers.messages import explain, sentence
from syncs.services import SyncNotPossible

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

PROVIDER_STATUSES: tuple[tuple[type[ProviderError], HTTPStatus], ...] = (
    (ProviderUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (DeadlineExceeded, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnexpectedResponse, HTTPStatus.BAD_GATEWAY),
    (RequestRefused, HTTPStatus.BAD_GATEWAY),
    (ProviderError, HTTPStatus.UNPROCESSABLE_ENTITY),
)


class ProblemRenderer(JSONRenderer):
    """JSON under the media type of problems; never negotiated, only put on a response that is one."""

    media_type = MEDIA_TYPE


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """The framework's hook: whatever an endpoint raises becomes a problem."""
    if isinstance(error, ProviderError):
        set_rollback()
        return _problem(context, **_provider_problem(error))
    if isinstance(error, SyncNotPossible):
        set_rollback()
        return _problem(
            context, status=HTTPStatus.CONFLICT, code="sync_not_possible", detail=sentence(str(error))
        )
    if isinstance(error, Refused):
        set_rollback()
        return _problem(context, status=HTTPStatus.CONFLICT, code=error.code, detail=str(error))
    if isinstance(error, NotAMember):
        error = Http404()
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(_as_detail(error))
    if isinstance(error, exceptions.ValidationError):
        set_rollback()
        return _problem(
            context,
            status=HTTPStatus.BAD_REQUEST,
            code="invalid",
            detail=_("Something in the request cannot be. The fields say what."),
            errors=dict(_flat(error.detail)),
        )
    if isinstance(error, Http404):  # Django's own sentence names our classes
        error = exceptions.NotFound(_("There is nothing at this address, or it is not yours to see."))
    known = framework_handler(error, context)
    if known is None:
        return _unexpected(error, context)
    detail = known.data.get("detail", "") if isinstance(known.data, Mapping) else ""
    return _problem(
        context,
        status=HTTPStatus(known.status_code),
        code=getattr(detail, "code", "error"),
        detail=str(detail),
        headers={name: known[name] for name in ("WWW-Authenticate", "Retry-After", "Allow") if name in known},
    )


def _provider_problem(error: ProviderError) -> dict[str, Any]:
    status = next(status for kind, status in PROVIDER_STATUSES if isinstance(error, kind))
    wait = getattr(error, "retry_after", None)
    explanation = explain(error, provider_type=error.provider)
    problem = {
        "status": status,
        "code": error.code,
        "detail": str(explanation),
        "headers": {"Retry-After": str(ceil(wait))} if wait else {},
    }
    place = {name: getattr(error, name, None) for name in ("line", "column")}
    return {**problem, **{name: value for name, value in place.items() if value is not None}}


def _unexpected(error: Exception, context: dict[str, Any]) -> Response:
    """An error of ours: logged and signalled as Django does it, told without details."""
    set_rollback()
    request = context["request"]
    got_request_exception.send(sender=exception_handler, request=getattr(request, "_request", request))
    logger.error("%s %s broke", request.method, request.path, exc_info=error)
    return _problem(
        context,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        code="error",
        detail=_("Something broke on our side. The details are in our log."),
    )


def _problem(
    context: dict[str, Any],
    *,
    status: HTTPStatus,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "code": code,
    }
    request = context.get("request")
    if request is not None:  # whatever was negotiated, a problem is JSON
        request.accepted_renderer = ProblemRenderer()
        request.accepted_media_type = MEDIA_TYPE
    return Response(
        {**body, **more}, status=status.value, headers=dict(headers or {}), content_type=MEDIA_TYPE
    )


def _as_detail(error: DjangoValidationError) -> Any:
    if not hasattr(error, "error_dict"):
        return {api_settings.NON_FIELD_ERRORS_KEY: error.messages}
    names: dict[str, str] = {NON_FIELD_ERRORS: api_settings.NON_FIELD_ERRORS_KEY}
    return {names.get(field, field): messages for field, messages in error.message_dict.items()}


def _flat(detail: Any, field: str = "") -> list[tuple[str, list[str]]]:
    """Nested errors as (dotted field, sentences)."""
    if isinstance(detail, Mapping):
        pairs = []
        for name, inner in detail.items():
            own = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)
            pairs += _flat(inner, ".".join(part for part in (field, own) if part))
        return pairs
    if isinstance(detail, list) and any(isinstance(item, Mapping | list) for item in detail):
        pairs = []
        for index, inner in enumerate(detail):
            pairs += _flat(inner, f"{field}.{index}" if field else str(index)) if inner else []
        return pairs
    sentences = detail if isinstance(detail, list) else [detail]
    return [(field, [str(text) for text in sentences])]
