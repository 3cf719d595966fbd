"""A plain reader of the emulated APIs: no retries, no interpretation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(method: str, url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
    """One request over a connection of its own; raises what http.client raises."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def control(method: str, url: str, name: str, data: Any = None) -> Any:
    """A call of the control API, its JSON."""
    body = None if data is None else json.dumps(data).encode()
    return call(method, f"{url}/_control/{name}", body=body).json


class BegetClient:
    """One account of an emulated Beget."""

    def __init__(self, url: str, login: str, api_password: str, account_password: str) -> None:
        self.url = url
        self.login = login
        self.api_password = api_password
        self.account_password = account_password
        self._token: str | None = None

    def hosting(self, method: str, **arguments: Any) -> Any:
        """The whole answer of a hosting method."""
        form = {
            "login": self.login,
            "passwd": self.api_password,
            "input_format": "json",
            "output_format": "json",
        }
        if arguments:
            form["input_data"] = json.dumps(arguments)
        reply = call(
            "POST",
            f"{self.url}/beget/hosting/api/{method}",
            body=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert reply.status == 200
        return reply.json

    def result(self, method: str, **arguments: Any) -> Any:
        """The result of a hosting method that succeeds."""
        return self.hosting(method, **arguments)["answer"]["result"]

    def error(self, method: str, **arguments: Any) -> tuple[str, str]:
        """Code and text of the inner error of a hosting method."""
        answer = self.hosting(method, **arguments)["answer"]
        assert answer["status"] == "error"
        return answer["errors"][0]["error_code"], answer["errors"][0]["error_text"]

    def sign_in(self, **extra: Any) -> Any:
        body = json.dumps({"login": self.login, "password": self.account_password, **extra}).encode()
        return call("POST", f"{self.url}/beget/cloud/v1/auth", body=body).json

    @property
    def token(self) -> str:
        if self._token is None:
            self._token = self.sign_in()["token"]
        return self._token

    def cloud(self, path: str, *, method: str = "GET", token: str | None = None) -> Reply:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return call(method, f"{self.url}/beget/cloud{path}", headers=headers)

    def read(self, path: str) -> Any:
        """The JSON of a cloud path that answers."""
        reply = self.cloud(path)
        assert reply.status == 200, reply.body
        return reply.json
