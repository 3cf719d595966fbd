"""Middleware that belongs to no app."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares.request import RequestMiddleware

from common.logs import current_request

ADMIN_PREFIX = "/admin/"
ADMIN_CSP_ADDITIONS = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}


class AdminContentSecurityPolicy:
    """Loosens the content security policy under /admin/, and only there.

    The admin theme runs Alpine (which evaluates expressions) and sets colours inline; under the strict
    policy its buttons cannot be seen or clicked. Must stand right after `csp.middleware.CSPMiddleware`,
    which reads `_csp_update` from the response.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith(ADMIN_PREFIX):
            response._csp_update = ADMIN_CSP_ADDITIONS  # type: ignore[attr-defined]  # django-csp's own protocol
        return response


class RequestLog(RequestMiddleware):
    """A request's id on all its log lines, and one line when it is answered.

    The line has the path without its query, and says who and which organization where that was looked up anyway
    (`common.logs.add_reader`). An error is logged once, by Django itself.
    """

    def prepare(self, request: HttpRequest) -> None:
        current_request.set(request)
        super().prepare(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        try:
            super().handle_response(request, response)
        finally:
            current_request.set(None)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Not here: it would look the person up for every request."""

    def process_got_request_exception(self, sender: type[Any], request: HttpRequest, **kwargs: Any) -> None:
        """Django has logged it, with the traceback."""
