"""What can go wrong at a provider.

ProviderError
├── AuthenticationFailed    401: never retried; the connection asks its owner to act
├── PermissionDenied        403: that scope is uncovered, the rest goes on; says which right is missing
├── ProviderUnavailable     timeout, 5xx, DNS: retried with backoff
│   └── RateLimited         429: after `retry_after` seconds
├── UnexpectedResponse      2xx that breaks the contract: ours to fix, never retried
│   └── AnswerTooLarge      more than we take at once: to be asked for in parts
├── InvalidSource           a file that the user gave breaks its format: says line and column
├── RequestRefused          outside the plugin's own allow-list: never sent, ours to fix
├── DeadlineExceeded        the sync's own time is over
└── UnknownProvider         no plugin under that key
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from common.text import gettext_noop

MessageParams = Mapping[str, str | int]


class ProviderError(Exception):
    """Something went wrong between us and a provider.

    `message` is one plain English sentence with `%(name)s` places filled from `params`; the reader's language is
    applied where it is shown. Neither may hold a secret.
    """

    code: ClassVar[str] = "provider_error"

    def __init__(
        self, message: str, *, provider: str, operation: str, params: MessageParams | None = None
    ) -> None:
        self.message = message
        self.params = dict(params or {})
        self.provider = provider
        self.operation = operation
        super().__init__(message % self.params if self.params else message)


class AuthenticationFailed(ProviderError):
    code = "authentication_failed"


class PermissionDenied(ProviderError):
    code = "permission_denied"


class ProviderUnavailable(ProviderError):
    """`retry_after` is in seconds, None where the provider does not say."""

    code = "provider_unavailable"

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        operation: str,
        params: MessageParams | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, provider=provider, operation=operation, params=params)
        self.retry_after = retry_after


class RateLimited(ProviderUnavailable):
    code = "rate_limited"


class UnexpectedResponse(ProviderError):
    code = "unexpected_response"


class AnswerTooLarge(UnexpectedResponse):
    pass


class InvalidSource(ProviderError):
    """`line` and `column` point into the user's file; line 1 is the header."""

    code = "invalid_source"

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        operation: str,
        params: MessageParams | None = None,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(message, provider=provider, operation=operation, params=params)
        self.line = line
        self.column = column


class RequestRefused(ProviderError):
    code = "request_refused"


class DeadlineExceeded(ProviderError):
    code = "deadline_exceeded"


class UnknownProvider(ProviderError):
    code = "unknown_provider"

    def __init__(self, key: str) -> None:
        super().__init__(
            gettext_noop("No installed plugin knows the provider “%(provider)s”."),
            provider=key,
            operation="load",
            params={"provider": key},
        )
