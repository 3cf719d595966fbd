"""Calls to Beget's two APIs: raw JSON out, errors inside HTTP 200 turned into typed errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import msgspec

from common.text import gettext_noop
from providers.contract.errors import (
    AuthenticationFailed,
    PermissionDenied,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    UnexpectedResponse,
)
from providers.contract.plugin import PluginContext
from providers.http import (
    SYSTEM_CLOCK,
    Clock,
    Deadline,
    HttpClient,
    Page,
    Redaction,
    Route,
    TokenBucket,
    offset_pages,
)

PROVIDER = "beget"
NAME = "Beget"
DEFAULT_URL = "https://api.beget.com"
HOSTING_ENDPOINT = "beget.hosting"
CLOUD_ENDPOINT = "beget.cloud"

HOSTING_INTERVAL_SECONDS = 1.0
"""Beget allows 60 calls a minute to one user; one a second leaves none refused."""
HOSTING_LIMIT_WINDOW_SECONDS = 60.0
PAGE_LIMIT = 100

SECTION_DENIED: Mapping[str, str] = {
    "user": gettext_noop(
        "No right to read the account. Everything else is up to date. Tick “Account management” under API in "
        "Beget's control panel."
    ),
    "domain": gettext_noop(
        "No right to read the domains. Everything else is up to date. Tick “Domain management” under API in "
        "Beget's control panel."
    ),
    "site": gettext_noop(
        "No right to read the sites. Everything else is up to date. Tick “Site management” under API in Beget's "
        "control panel."
    ),
    "mysql": gettext_noop(
        "No right to read the hosting's MySQL databases. Everything else is up to date. Tick “MySQL management” "
        "under API in Beget's control panel."
    ),
    "ftp": gettext_noop(
        "No right to read the FTP accounts. Everything else is up to date. Tick “FTP management” under API in "
        "Beget's control panel."
    ),
    "mail": gettext_noop(
        "No right to read the mailboxes. Everything else is up to date. Tick “Mail management” under API in "
        "Beget's control panel."
    ),
}
"""Section of the hosting API -> which checkbox of Beget's control panel allows it."""

PROBES = (
    ("user", "getAccountInfo"),
    ("domain", "getList"),
    ("site", "getList"),
    ("mysql", "getList"),
    ("ftp", "getList"),
)
"""One light call a section: what tells a section that is switched off from a wrong password."""

HOSTING_METHODS = (*PROBES, ("domain", "getZoneList"), ("mail", "getMailboxList"))

HOSTING_ROUTES = tuple(
    Route(method="POST", path=f"/api/{section}/{name}") for section, name in HOSTING_METHODS
)
CLOUD_ROUTES = (
    Route(method="POST", path="/v1/auth"),
    *(
        Route(method="GET", path=path)
        for path in (
            "/v1/vps/server/list",
            "/v1/vps/network",
            "/v1/vps/snapshot",
            "/v1/vps/backup",
            "/v1/vps/configuration",
            "/v1/vps/region",
            "/v1/vps/statistic/{kind}/{id}",
            "/v1/image",
            "/v1/cloud",
            "/v1/cloud/configuration",
            "/v1/cloud/projects/list",
            "/v1/cloud/mysql/backup",
            "/v1/cloud/postgresql/backup",
            "/v1/cloud/s3/price",
            "/v1/cloud/s3/{id}/statistic/{kind}",
            "/v1/cloud/cdn/price",
            "/v1/cloud/mysql/{id}/statistic/{kind}",
            "/v1/cloud/postgresql/{id}/statistic/{kind}",
        )
    ),
)

REDACTION = Redaction(
    nested=frozenset(
        {
            ("ftp", "login"),
            ("sftp", "login"),
            ("tokenized_url_secure_key", "key"),
        }
    ),
    value_types=frozenset({"PASSWORD", "EMAIL"}),
)

DISABLED_SECTION = re.compile(
    r"(method|section)\s+\S*\s*(is\s+)?disabled|cannot access|access denied", re.IGNORECASE
)

CREDENTIALS_REFUSED = gettext_noop(
    "Beget did not accept the account password of %(login)s. Enter the one that opens the control panel, and allow "
    "API sign-in in its security settings."
)
SIGN_IN_CODE = gettext_noop(
    "Beget asks for a sign-in code (%(error)s), which a sync cannot enter. Use a technical user without two-factor "
    "sign-in, or allow API sign-in without a code."
)
SIGN_IN_REFUSED: Mapping[str, str] = {
    "EMPTY_LOGIN": CREDENTIALS_REFUSED,
    "EMPTY_PASSWORD": CREDENTIALS_REFUSED,
    "INCORRECT_CREDENTIALS": CREDENTIALS_REFUSED,
    "INCORRECT_CODE": SIGN_IN_CODE,
    "IP_BLOCKED": gettext_noop(
        "Beget blocks the address that InfraZen calls from. Wait, or unblock it in the control panel; until then "
        "the cloud API is not asked."
    ),
    "ACCOUNT_DELETED": gettext_noop(
        "Beget says that the account %(login)s is deleted. Delete this connection."
    ),
    "EXPIRED_PASSWORD": gettext_noop(
        "The account password of %(login)s has expired at Beget. Set a new one there and enter it here."
    ),
}
HOSTING_REFUSED = gettext_noop(
    "Beget did not accept the API password of %(login)s. Enter the one that is set under API in the control panel, "
    "and check that API access is allowed there."
)


class HostingClient:
    """The hosting API: whole lists, one call at a time, one a second.

    Answers and refusals are remembered for the life of the client, so that account facts, limits and lists cost
    one call together.
    """

    def __init__(
        self,
        context: PluginContext,
        *,
        login: str,
        password: str,
        deadline: Deadline,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._login = login
        self._password = password
        self._http = HttpClient(
            context,
            provider=PROVIDER,
            provider_name=NAME,
            endpoint=HOSTING_ENDPOINT,
            default_url=DEFAULT_URL,
            routes=HOSTING_ROUTES,
            redaction=REDACTION,
            bucket=TokenBucket(interval=_hosting_interval(context), clock=clock),
            deadline=deadline,
            clock=clock,
        )
        self._answers: dict[tuple[str, str, tuple[tuple[str, str], ...]], Any] = {}
        self._denied: dict[str, PermissionDenied] = {}
        self._refusal: AuthenticationFailed | None = None

    def call(self, section: str, method: str, **arguments: str) -> Any:
        """The `result` of one method.

        AUTH_ERROR is PermissionDenied when another section answers, AuthenticationFailed when none does.
        """
        if self._refusal is not None:
            raise self._refusal
        if section in self._denied:
            raise self._denied[section]
        try:
            return self._remembered(section, method, arguments)
        except AuthenticationFailed as error:
            if self.refusal() is not None:
                raise
            self._denied[section] = _section_denied(section, error.operation)
            raise self._denied[section] from None
        except PermissionDenied as error:
            self._denied[section] = error
            raise

    def refusal(self) -> AuthenticationFailed | None:
        """What the password was refused with; None when some section knows it, or nothing can be asked."""
        if self._refusal is not None:
            return self._refusal
        refused: AuthenticationFailed | None = None
        for section, method in PROBES:
            try:
                self._remembered(section, method, {})
            except AuthenticationFailed as error:
                refused = error
            except PermissionDenied:
                return None
            except ProviderError:
                if refused is None:
                    return None  # nothing says that the password is wrong
            else:
                return None
        self._refusal = refused
        return refused

    def _remembered(self, section: str, method: str, arguments: Mapping[str, str]) -> Any:
        key = (section, method, tuple(sorted(arguments.items())))
        if key not in self._answers:
            try:
                self._answers[key] = self._ask(section, method, arguments)
            except (AuthenticationFailed, PermissionDenied) as error:
                self._answers[key] = error
        answer = self._answers[key]
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    def _ask(self, section: str, method: str, arguments: Mapping[str, str]) -> Any:
        form = {"login": self._login, "passwd": self._password, "output_format": "json"}
        if arguments:
            form |= {"input_format": "json", "input_data": msgspec.json.encode(arguments).decode()}
        operation = f"{section}/{method}"
        return self._http.request(
            "POST",
            f"/api/{operation}",
            form=form,
            operation=operation,
            interpret=lambda payload: self._result(payload, section, operation),
        )

    def _result(self, payload: Any, section: str, operation: str) -> Any:
        """Open both envelopes; the inner one may be absent."""
        if not isinstance(payload, dict):
            raise unexpected("no envelope", operation)
        if payload.get("status") == "error":
            self._raise(payload, section, operation)
        if payload.get("status") != "success" or payload.get("answer") is None:
            raise unexpected("no envelope", operation)
        answer = payload["answer"]
        if not isinstance(answer, dict) or answer.get("status") not in ("success", "error"):
            return answer
        if answer["status"] == "error":
            errors = answer.get("errors")
            first = (
                errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else answer
            )
            self._raise(first, section, operation)
        if answer.get("result") is None:
            raise unexpected("no result", operation)  # an empty list is [], and nothing must look like it
        return answer["result"]

    def _raise(self, error: Mapping[str, Any], section: str, operation: str) -> NoReturn:
        code = _word(error.get("error_code"))
        if code == "AUTH_ERROR":
            raise AuthenticationFailed(
                HOSTING_REFUSED, provider=PROVIDER, operation=operation, params={"login": self._login}
            )
        if DISABLED_SECTION.search(str(error.get("error_text", ""))):
            raise _section_denied(section, operation)
        if code == "LIMIT_ERROR":
            raise RateLimited(
                gettext_noop(
                    "Beget takes no more than 60 calls a minute. What could not be read keeps its last state until "
                    "the next sync."
                ),
                provider=PROVIDER,
                operation=operation,
                retry_after=HOSTING_LIMIT_WINDOW_SECONDS,
            )
        if code == "METHOD_FAILED":
            raise _failed_inside(code, operation)
        raise unexpected(code or "unknown error", operation)


class CloudClient:
    """The cloud API. Signs in when first asked, once more when the token is refused, and never after a refusal."""

    def __init__(
        self,
        context: PluginContext,
        *,
        login: str,
        password: str,
        deadline: Deadline,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._login = login
        self._password = password
        self._http = HttpClient(
            context,
            provider=PROVIDER,
            provider_name=NAME,
            endpoint=CLOUD_ENDPOINT,
            default_url=DEFAULT_URL,
            routes=CLOUD_ROUTES,
            redaction=REDACTION,
            deadline=deadline,
            clock=clock,
        )
        self._token = ""
        self._is_renewed = False
        self._refusal: AuthenticationFailed | None = None

    def refusal(self) -> AuthenticationFailed | None:
        """What signing in was refused with, None when it works or cannot be tried."""
        try:
            self._sign_in()
        except ProviderError:
            return self._refusal
        return None

    def get(
        self, path: str, *, params: Mapping[str, str | int] | None = None, **segments: str
    ) -> dict[str, Any]:
        """The payload of one GET: an object without `error`.

        A refused token is renewed once; when the new one is refused as well, that call fails and the next ones
        sign in no more until one of them is answered.
        """
        self._sign_in()
        try:
            answer = self._get(path, params, segments)
        except AuthenticationFailed:
            if self._is_renewed:
                raise
            self._token = ""
            self._is_renewed = True
            self._sign_in()
            answer = self._get(path, params, segments)
        self._is_renewed = False
        return answer

    def pages(
        self,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        page_of: Callable[[Mapping[str, Any]], Page],
        identity: Callable[[Any], object],
    ) -> Iterator[Any]:
        """Every item of an offset/limit list."""

        def fetch(offset: int, limit: int) -> Page:
            return page_of(self.get(path, params={**(params or {}), "offset": offset, "limit": limit}))

        return offset_pages(
            fetch, limit=PAGE_LIMIT, identity=identity, provider=PROVIDER, operation=f"GET {path}"
        )

    def _get(
        self, path: str, params: Mapping[str, str | int] | None, segments: Mapping[str, str]
    ) -> dict[str, Any]:
        return self._http.get(
            path,
            segments=segments,
            params=params,
            headers={"Authorization": f"Bearer {self._token}"},
            interpret=lambda payload: _without_error(payload, f"GET {path}"),
        )

    def _sign_in(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        if self._token:
            return
        try:
            self._token = self._http.request(
                "POST",
                "/v1/auth",
                json={"login": self._login, "password": self._password},
                keep=("token",),
                operation="sign in",
                interpret=self._read_token,
            )
        except AuthenticationFailed as error:
            self._refusal = error
            raise

    def _read_token(self, payload: Any) -> str:
        operation = "sign in"
        if isinstance(payload, dict) and isinstance(payload.get("token"), str) and payload["token"]:
            return str(payload["token"])
        error = _word(payload.get("error")) if isinstance(payload, dict) else ""
        message = SIGN_IN_REFUSED.get(error) or (SIGN_IN_CODE if error.startswith("CODE_") else None)
        if message is not None:
            raise AuthenticationFailed(
                message,
                provider=PROVIDER,
                operation=operation,
                params={"login": self._login, "error": error},
            )
        if error in ("INTERNAL_ERROR", "ACCOUNT_ON_MAINTANCE"):
            raise _failed_inside(error, operation)
        raise unexpected(error or "no token", operation)


def unexpected(reason: str, operation: str) -> UnexpectedResponse:
    """An answer that breaks what Beget promises; `reason` holds no data of the customer."""
    return UnexpectedResponse(
        gettext_noop("Beget's answer could not be read (%(reason)s). Data is unchanged; details are logged."),
        provider=PROVIDER,
        operation=operation,
        params={"reason": reason},
    )


def _without_error(payload: Any, operation: str) -> dict[str, Any]:
    if not isinstance(payload, dict):
        raise unexpected("no object", operation)
    error = payload.get("error")
    if error is None:
        return payload
    code = _word(error.get("code") if isinstance(error, dict) else error)
    if code in ("TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR"):
        raise _failed_inside(code, operation)
    raise unexpected(code or "unknown error", operation)


def _section_denied(section: str, operation: str) -> PermissionDenied:
    return PermissionDenied(SECTION_DENIED[section], provider=PROVIDER, operation=operation)


def _failed_inside(code: str, operation: str) -> ProviderUnavailable:
    return ProviderUnavailable(
        gettext_noop(
            "Beget could not answer (%(error)s). What could not be read keeps its last state, nothing was removed."
        ),
        provider=PROVIDER,
        operation=operation,
        params={"error": code},
    )


def _hosting_interval(context: PluginContext) -> float:
    """Seconds between hosting calls: none towards an emulator, unless the options say so."""
    default = 0.0 if HOSTING_ENDPOINT in context.endpoints else HOSTING_INTERVAL_SECONDS
    return float(context.options.get("hosting_interval", default))


def _word(value: Any) -> str:
    """An error code fit for a message: Beget's own word, without anything that could be data."""
    return re.sub(r"[^A-Za-z0-9_.-]", "", str(value if value is not None else ""))[:40]
