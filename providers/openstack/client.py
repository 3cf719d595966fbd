"""Tokens, the service catalogue and calls to its endpoints.

keystoneauth logs in, reads the catalogue and logs in again when a token is refused. It runs over our own HTTP client:
what it sends goes through a `requests` session that refuses every host that is not allowed, every scheme but HTTPS
(loopback aside, where it is allowed) and every method but GET and the two POSTs that only read; retries, waits, time
limits, sizes and typed errors are those of `providers.http`. Its own retries and redirects are off. URLs of services
are built from the catalogue and not by keystoneauth's adapters, which would follow version documents.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from keystoneauth1 import exceptions as keystone
from keystoneauth1.access.access import AccessInfo
from keystoneauth1.identity import v3
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.session import Session
from requests.adapters import HTTPAdapter

from common.text import gettext_noop
from providers.contract.errors import (
    AuthenticationFailed,
    ProviderError,
    RequestRefused,
    UnexpectedResponse,
)
from providers.contract.plugin import PluginContext
from providers.http import DEFAULT_LIMITS, SYSTEM_CLOCK, Clock, Deadline, HttpClient, Limits, Redaction, Route

# At DEBUG it would write catalogues, names and whole answers into the log.
logging.getLogger("keystoneauth").setLevel(logging.WARNING)

TOKEN_PATH = "/auth/tokens"  # noqa: S105 - the path of the call, no token
READING_POSTS = (TOKEN_PATH, "/v1/aggregates")
"""POSTs that change nothing: a login, and a query whose body is too long for an address."""

REDACTION = Redaction(names=frozenset({"adminpass", "user_data", "accessinfo", "secret_ref"}))

IDENTITY = "identity"
IDENTITY_ROUTES = (Route(method="GET", path="/auth/projects"),)


class SecondFactorRequired(AuthenticationFailed):
    """The password is right and not enough."""


class AllowedHosts(Collection[str]):
    """Host names: exact ones, and with a leading dot a domain with everything below it."""

    def __init__(self, *names: str) -> None:
        self._names = frozenset(name.lower() for name in names if name)

    def __contains__(self, host: object) -> bool:
        name = str(host).lower()
        return name in self._names or any(
            known.startswith(".") and name.endswith(known) for known in self._names
        )

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)


class Waits:
    """Tells the context of waits, whichever thread waits: only in the thread that reads the streams.

    Other threads' waits are kept until `drain` is called there.
    """

    def __init__(self, on_wait: Callable[[float, str], None]) -> None:
        self._on_wait = on_wait
        self._kept: SimpleQueue[tuple[float, str]] = SimpleQueue()
        self._owner = threading.get_ident()

    def tell(self, seconds: float, reason: str) -> None:
        if threading.get_ident() == self._owner:
            self._on_wait(seconds, reason)
        else:
            self._kept.put((seconds, reason))

    def drain(self) -> None:
        """Call in the thread that reads the streams, which becomes the one that is told."""
        self._owner = threading.get_ident()
        while True:
            try:
                seconds, reason = self._kept.get_nowait()
            except Empty:
                return
            self._on_wait(seconds, reason)


class StoppableDeadline(Deadline):
    """A deadline that is over as soon as nobody wants the answer any more."""

    def __init__(self, seconds: float, clock: Clock, stopped: threading.Event) -> None:
        super().__init__(seconds, clock)
        self._stopped = stopped

    def left(self) -> float:
        return 0.0 if self._stopped.is_set() else super().left()


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """One cloud as one reading sees it: whom it may ask, and how long."""

    context: PluginContext = field(repr=False)
    provider: str
    provider_name: str
    hosts: AllowedHosts
    clock: Clock = SYSTEM_CLOCK
    limits: Limits = DEFAULT_LIMITS
    stopped: threading.Event = field(default_factory=threading.Event)
    waits: Waits = field(init=False)
    deadline: Deadline = field(init=False)

    def __post_init__(self) -> None:
        waits = Waits(self.context.on_wait)
        if self.clock is SYSTEM_CLOCK:
            object.__setattr__(self, "clock", replace(self.clock, sleep=self._sleep))
        object.__setattr__(self, "waits", waits)
        object.__setattr__(self, "context", replace(self.context, on_wait=waits.tell))
        object.__setattr__(
            self, "deadline", StoppableDeadline(self.context.deadline_seconds, self.clock, self.stopped)
        )

    def _sleep(self, seconds: float) -> None:
        self.stopped.wait(seconds)

    def allows(self, url: str) -> bool:
        """HTTPS to an allowed host, or loopback where the laboratory allows it."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if _is_loopback(host):
            return self.context.allow_loopback and parts.scheme in ("http", "https")
        return parts.scheme == "https" and host in self.hosts


class Login:
    """One token, of a project, of a domain or of a user alone; fetched when first needed, again when it is refused.

    `scope_id` and `name` say of what; threads may share a login.
    """

    def __init__(self, auth: BaseIdentityPlugin, *, scope_id: str = "", name: str = "") -> None:
        self.auth = auth
        self.scope_id = scope_id
        self.name = name

    @classmethod
    def password(
        cls, auth_url: str, *, username: str, password: str, domain: str, name: str = "", **scope: Any
    ) -> Login:
        """`scope` is keystoneauth's: project_id=…, domain_name=… or unscoped=True."""
        auth = v3.Password(
            auth_url=auth_url, username=username, password=password, user_domain_name=domain, **scope
        )
        return cls(auth, scope_id=scope.get("project_id", ""), name=name)

    @classmethod
    def application_credential(cls, auth_url: str, *, credential_id: str, secret: str) -> Login:
        return cls(
            v3.ApplicationCredential(
                auth_url=auth_url,
                application_credential_id=credential_id,
                application_credential_secret=secret,
            )
        )


class ServiceClient(HttpClient):
    """One way to one endpoint with one login; each thread makes its own.

    `headers` go with every call (a microversion). `api` (the service's type) and `region` are what the calls are counted
    under. Raises RequestRefused at once for an endpoint that may not be asked.
    """

    def __init__(
        self,
        cloud: Cloud,
        login: Login,
        *,
        url: str,
        routes: Collection[Route],
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        api: str = IDENTITY,
        region: str = "",
    ) -> None:
        super().__init__(
            cloud.context,
            provider=cloud.provider,
            provider_name=cloud.provider_name,
            endpoint=f"{cloud.provider}.catalogue",  # comes from the catalogue: nothing stands in for it
            default_url=url,
            routes=routes,
            hosts=cloud.hosts,
            redaction=REDACTION,
            limits=limits or cloud.limits,
            deadline=cloud.deadline,
            clock=cloud.clock,
            api=api,
            region=region,
        )
        self._login = login
        self._headers = dict(headers or {})
        self._plain = self._session
        for scheme in ("https://", "http://"):
            self._plain.mount(scheme, _Guard(cloud))
        self._keystone = Session(
            auth=login.auth,
            session=self._plain,
            redirect=False,
            timeout=self._limits.read_seconds,
            user_agent="InfraZen",
            verify=self._plain.verify,
        )
        self._session = _Authenticated(self._keystone)  # type: ignore[assignment]

    def close(self) -> None:
        self._plain.close()

    def access(self) -> AccessInfo:
        """The token's facts and its catalogue; logs in with the retries of every call."""
        return self.request("POST", TOKEN_PATH, interpret=_access, operation="sign in")

    def _target(self, method: str, path: str, segments: Mapping[str, str], operation: str) -> str:
        return path if path == TOKEN_PATH else super()._target(method, path, segments, operation)

    def _exchange(self, method: str, target: str, *, headers: Any = None, operation: str, **call: Any) -> Any:
        with self._typed(operation):
            if target == TOKEN_PATH:
                self._time_left(operation)
                return self._login.auth.get_access(self._keystone)
            return super()._exchange(
                method, target, headers={**self._headers, **(headers or {})}, operation=operation, **call
            )

    @contextmanager
    def _typed(self, operation: str) -> Iterator[None]:
        """keystoneauth's errors as ours; they come from logging in, or from a connection that broke.

        Theirs quote the cloud's own words, which are anybody's: nothing of them goes on with ours.
        """
        try:
            yield
        except keystone.MissingAuthMethods:
            raise SecondFactorRequired(
                gettext_noop(
                    "%(provider)s asks for a second factor, which a sync cannot enter. Use a user without two-factor "
                    "sign-in."
                ),
                provider=self._provider,
                operation="sign in",
                params={"provider": self._provider_name},
            ) from None
        except keystone.HttpError as error:
            response = error.response
            # Keystone forbids what it could also say it does not know: both mean that this login opens nothing
            status = 401 if error.http_status == 403 else error.http_status
            try:
                self._check_status(status, response.headers if response is not None else {}, "sign in")
            except ProviderError as ours:
                raise ours from None
            raise self._unexpected("sign in", operation) from None
        except keystone.ConnectTimeout:
            raise self._unreachable(requests.Timeout(), operation) from None
        except keystone.ConnectionError as error:
            raise self._unreachable(error, operation) from None
        except (keystone.ClientException, KeyError, TypeError, AttributeError):
            raise self._unexpected("no token", "sign in") from None

    def _check_status(self, status: int, headers: Mapping[str, str], operation: str) -> None:
        if status == 406:
            self._raise_version(operation)
        if status == 413 and headers.get("Retry-After"):
            status = 429
        super()._check_status(status, headers, operation)

    def _raise_version(self, operation: str) -> NoReturn:
        version = next((value for name, value in self._headers.items() if "api-version" in name.lower()), "")
        raise UnexpectedResponse(
            gettext_noop(
                "%(provider)s does not speak the API version “%(version)s” that “%(call)s” needs. This part stays as "
                "it was; the cloud is too old for it."
            ),
            provider=self._provider,
            operation=operation,
            params={"provider": self._provider_name, "version": version, "call": operation, "status": 406},
        )


def _access(found: Any) -> AccessInfo:
    assert isinstance(found, AccessInfo)
    return found


class _Authenticated:
    """What `HttpClient` asks instead of a plain session: keystoneauth adds the token and renews it once on 401."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def request(
        self, method: str, url: str, *, data: Any = None, allow_redirects: bool, headers: Any, **call: Any
    ) -> requests.Response:
        assert not allow_redirects
        return self._session.request(
            url, method, headers=dict(headers), redirect=False, raise_exc=False, log=False, **call
        )


class _Guard(HTTPAdapter):
    """The last door: what keystoneauth sends passes it too, so that a token leaves to no other place."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self._cloud = cloud

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = request.url or ""
        is_reading = request.method == "GET" or (
            request.method == "POST" and urlsplit(url).path.endswith(READING_POSTS)
        )
        if not is_reading or not self._cloud.allows(url):
            raise refused(self._cloud, f"{request.method} {urlsplit(url).hostname}")
        return super().send(request, *args, **kwargs)


def public_urls(access: AccessInfo) -> dict[str, dict[str, str]]:
    """{service type: {region: public URL}}, as the catalogue names the types.

    Ask once for a token: keystoneauth copies the whole catalogue each time.
    """
    found: dict[str, dict[str, str]] = {}
    for service_type, group in access.service_catalog.get_endpoints_data(interface="public").items():
        for each in group:
            if each.region_name and each.url:
                found.setdefault(service_type, {}).setdefault(each.region_name, each.url.rstrip("/"))
    return found


def refused(cloud: Cloud, call: str) -> RequestRefused:
    return RequestRefused(
        gettext_noop(
            "The call “%(call)s” is not one that the %(provider)s plugin may make. It was not sent; data is "
            "unchanged."
        ),
        provider=cloud.provider,
        operation=call,
        params={"provider": cloud.provider_name, "call": call},
    )


def broken(cloud: Cloud, reason: str, operation: str) -> UnexpectedResponse:
    """An answer that breaks what the service promises; `reason` holds no data of the customer."""
    return UnexpectedResponse(
        gettext_noop(
            "%(provider)s's answer could not be read (%(reason)s). Data is unchanged; details are logged."
        ),
        provider=cloud.provider,
        operation=operation,
        params={"provider": cloud.provider_name, "reason": reason},
    )


def is_missing(error: ProviderError) -> bool:
    """Whether the answer was 404."""
    return error.params.get("status") == 404


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
