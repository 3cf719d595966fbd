"""Calls to addresses that people give: public ones only, whatever their names resolve to.

The name is resolved once, for each connection, and the connection goes to the very address that was checked, so that a
name which changes its mind in between leads nowhere else. Redirects are not followed, the environment's proxies not
used, and only the beginning of an answer is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress

TIMEOUT = (5, 15)
"""Seconds to connect and to read."""

SCHEMES = ("https", "http")


class AddressRefused(Exception):
    """The address is none, is no web address, or leads into a private, loopback or link-local network."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The answer's status. Raises AddressRefused, and requests.RequestException where nothing answers."""
    check(url)
    with _session() as session:
        try:
            with session.request(
                "POST",
                url,
                data=body,
                headers=dict(headers),
                timeout=TIMEOUT,
                stream=True,
                allow_redirects=False,
            ) as response:
                return int(response.status_code)
        except InvalidIPAddress as error:
            raise AddressRefused(urlsplit(url).hostname) from error


def check(url: str) -> None:
    """What can be said of the address without a network; raises AddressRefused."""
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise AddressRefused("no address") from error
    if parts.scheme not in SCHEMES or not has_place or parts.username or parts.password:
        raise AddressRefused("no address")


def _session() -> HTTPSession:
    session = HTTPSession(
        Config(
            default_timeout=TIMEOUT,
            never_redirect=True,
            ip_filter_enable=True,
            ip_filter_allow_loopback_ips=settings.ALLOW_LOOPBACK_WEBHOOKS,
            ip_filter_tls_sni_support=True,
            user_agent_override="InfraZen",
        )
    )
    session.trust_env = False
    return session
