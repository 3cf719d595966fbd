"""A provider of identity on this machine, over real HTTP: OpenID Connect, and beside it what Google and Yandex differ in.

    with OpenIDProvider() as provider:
        provider.person = {"sub": "1", "email": "anna@example.com", "email_verified": True}

It checks what a real one would: the client's secret, the address to come back to, that a code is used once, and the
PKCE proof. Its tokens are signed with RS256. `provider.refuses` makes it answer the authorization as a person who says
no; `provider.calls` holds the paths that were asked for.
"""

from __future__ import annotations

import base64
import copy
import datetime
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from accounts.identity import Client, OpenIDServer, identity_providers

CLIENT_ID = "infrazen"
CLIENT_SECRET = "the client's secret"
KEY_ID = "key-1"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class OpenIDProvider:
    """See the module. `url` is its address; `person` the claims of whoever signs in there next."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"sub": "1", "email": "anna@example.com", "email_verified": True}
        self.refuses = False
        self.breaks_token = False
        self.asks = False  # a page with a button first, as a browser would see it
        self.calls: list[str] = []
        self.granted: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> OpenIDProvider:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent: back with a code, or with the person's refusal."""
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        if self.refuses:
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_urlsafe(16)
        self.granted[code] = {**query, "person": dict(self.person)}
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, form: dict[str, str], basic: tuple[str, str] | None) -> tuple[int, dict[str, Any]]:
        client, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
        grant = self.granted.pop(form.get("code", ""), None)
        if (client, secret) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        if grant is None or grant["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != grant["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        token = secrets.token_urlsafe(16)
        self.tokens[token] = grant["person"]
        return 200, {
            "access_token": token,
            "refresh_token": "kept by nobody",
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": self._id_token(grant["person"]),
        }

    def _id_token(self, person: dict[str, Any]) -> str:
        now = int(time.time())
        audience = "somebody else" if self.breaks_token else CLIENT_ID
        claims = {**person, "iss": self.url, "aud": audience, "iat": now, "exp": now + 600}
        return jwt.encode(claims, _KEY, algorithm="RS256", headers={"kid": KEY_ID})

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    @staticmethod
    def keys() -> dict[str, Any]:
        key = json.loads(RSAAlgorithm.to_jwk(_KEY.public_key()))
        return {"keys": [{**key, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]}

    @staticmethod
    def certificates() -> dict[str, str]:
        """Google's way to publish its keys."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "provider")])
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
        builder = builder.public_key(_KEY.public_key()).serial_number(1)
        builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        certificate = builder.sign(_KEY, hashes.SHA256())
        return {KEY_ID: certificate.public_bytes(serialization.Encoding.PEM).decode()}


class _Handler(BaseHTTPRequestHandler):
    provider: OpenIDProvider

    def log_message(self, *arguments: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        path, query = self._asked()
        if path == "/authorize":
            self._authorize(query)
        elif path in ("/userinfo", "/info"):
            self._person()
        else:
            documents = {
                "/.well-known/openid-configuration": self.provider.discovery,
                "/jwks": self.provider.keys,
                "/certs": self.provider.certificates,
            }
            found = documents.get(path)
            self._answer(200 if found else 404, found() if found else {"error": "not_found"})

    def do_POST(self) -> None:
        path, _query = self._asked()
        form = _single(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if path == "/token":
            self._answer(*self.provider.exchange(form, self._basic()))
        else:
            self._answer(404, {"error": "not_found"})

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        self.provider.calls.append(parts.path)
        return parts.path, _single(parts.query)

    def _authorize(self, query: dict[str, str]) -> None:
        if self.provider.asks and "agreed" not in query:
            fields = "".join(
                f'<input type="hidden" name="{name}" value="{value}">' for name, value in query.items()
            )
            page = f'<form><input type="hidden" name="agreed" value="1">{fields}<button>Allow</button></form>'
            self._send(200, "text/html", page.encode())
            return
        self.send_response(302)
        self.send_header("Location", self.provider.authorize(query))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _person(self) -> None:
        """OpenID Connect says `Bearer`, Yandex `OAuth`."""
        token = self.headers.get("Authorization", "").partition(" ")[2]
        person = self.provider.tokens.get(token)
        self._answer(200 if person else 401, person or {"error": "invalid_token"})

    def _basic(self) -> tuple[str, str] | None:
        kind, _space, value = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return None
        name, _colon, secret = base64.b64decode(value).decode().partition(":")
        return name, secret

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(document).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _single(encoded: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(encoded, keep_blank_values=True).items()}


def offer(
    settings: Any, provider: OpenIDProvider, monkeypatch: Any, *, domains: tuple[str, ...] = ()
) -> None:
    """This site offers Google, Yandex and single sign-on, all of them played by `provider`.

    Single sign-on is pointed there by its setting. The addresses of the other two allauth keeps as attributes of its
    classes (Google's it reads from SOCIALACCOUNT_PROVIDERS when its module is imported): those are set here.
    """
    from allauth.socialaccount.providers.google import views as google
    from allauth.socialaccount.providers.yandex.views import YandexOAuth2Adapter

    client = Client(client_id=CLIENT_ID, secret=CLIENT_SECRET)
    server = OpenIDServer(url=provider.url, client=client, name="Company", trusted_domains=domains)
    settings.OPENID_SERVER = server
    settings.SOCIALACCOUNT_PROVIDERS = identity_providers(google=client, yandex=client, server=server)
    policy = copy.deepcopy(settings.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["form-action"] = ["'self'", provider.url]
    settings.CONTENT_SECURITY_POLICY = policy
    monkeypatch.setattr(google, "ID_TOKEN_ISSUER", provider.url)
    monkeypatch.setattr(google, "CERTS_URL", f"{provider.url}/certs")
    for adapter in (google.GoogleOAuth2Adapter, YandexOAuth2Adapter):
        monkeypatch.setattr(adapter, "authorize_url", f"{provider.url}/authorize")
        monkeypatch.setattr(adapter, "access_token_url", f"{provider.url}/token")
    monkeypatch.setattr(google.GoogleOAuth2Adapter, "identity_url", f"{provider.url}/userinfo")
    monkeypatch.setattr(YandexOAuth2Adapter, "profile_url", f"{provider.url}/info")


GOOGLE = "/accounts/google/login/"
YANDEX = "/accounts/yandex/login/"
COMPANY = "/accounts/oidc/sso/login/"


def walk(client: Any, door: str, *, process: str = "login", next_url: str = "") -> Any:
    """From our button to the provider and back, as a browser goes; the answer to the way back."""
    query = urlencode({"process": process, **({"next": next_url} if next_url else {})})
    there = client.post(f"{door}?{query}")
    assert there.status_code == 302, there.content
    back = requests.get(there["Location"], allow_redirects=False, timeout=5)
    assert back.status_code == 302, back.text
    parts = urlsplit(back.headers["Location"])
    return client.get(f"{parts.path}?{parts.query}")
