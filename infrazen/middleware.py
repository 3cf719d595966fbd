"""Middleware that belongs to no app."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

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
