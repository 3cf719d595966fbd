"""The files that put InfraZen into production name things that exist. No container engine runs here."""

from __future__ import annotations

import http.server
import os
import re
import runpy
import secrets
import shlex
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
DOCKER = ROOT / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
ENTRYPOINT = (DOCKER / "entrypoint.sh").read_text(encoding="utf-8")
UNITS = sorted((DOCKER / "systemd").glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SCRIPTS = {
    path.name: path.read_text(encoding="utf-8")
    for path in [DOCKER / "Dockerfile", DOCKER / "entrypoint.sh", *UNITS]
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_named_commands_modules_and_files_exist(name: str) -> None:
    text = SCRIPTS[name]
    commands = set(re.findall(r"manage\.py (\w+)", text))
    applications = set(re.findall(r"(?:celery -A |gunicorn .*?)([\w.]+)(?::application)?\b", text))
    modules = {"infrazen.wsgi"} if "infrazen.wsgi:application" in text else set()
    files = set(re.findall(r"\bdocker/[\w./-]+\w", text)) - {"docker/Dockerfile"}

    assert commands - set(get_commands()) == set()
    assert [module for module in modules if find_spec(module) is None] == []
    assert [file for file in files if not (ROOT / file).is_file()] == []
    assert applications or commands


def test_dockerfile_copies_what_is_there_and_its_ignore_file_lets_it_in() -> None:
    copied = [
        line.split()[1]
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
    ]
    admitted = {
        line[1:]
        for line in (DOCKER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }

    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert [path for path in admitted if not (ROOT / path).exists()] == []
    assert set(re.search(r"compileall -q ([\w ]+)", DOCKERFILE)[1].split()) <= admitted
    assert admitted >= {"templates", "manage.py", "pyproject.toml", "requirements/base.txt"}


def test_image_runs_as_nobody_special_and_says_how_it_is() -> None:
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]

    assert re.findall(r"^FROM \S+( AS build)?$", DOCKERFILE, re.MULTILINE) == [" AS build", ""]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert 'CMD ["python", "docker/healthcheck.py"]' in last
    assert "pip install" not in last
    assert not re.search(r"SECRET|KEY|TOKEN|PASSWORD", DOCKERFILE)


def test_entrypoint_is_executable_and_knows_what_compose_asks_for() -> None:
    known = set(re.findall(r"^(\w+)\)$", ENTRYPOINT, re.MULTILINE))

    assert os.access(DOCKER / "entrypoint.sh", os.X_OK)
    subprocess.run(["sh", "-n", DOCKER / "entrypoint.sh"], check=True)
    assert known == {"web", "worker", "beat", "setup"}
    assert {
        service["command"][0] for name, service in COMPOSE["services"].items() if "build" in service
    } == known


def test_compose_names_variables_of_the_example_and_mounts_what_is_there() -> None:
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    example = (DOCKER / "env.example").read_text(encoding="utf-8") + (ROOT / ".env.example").read_text(
        "utf-8"
    )
    required = set(re.findall(r"\$\{(\w+):\?", text))
    services = COMPOSE["services"]

    assert set(services) == {"setup", "web", "worker", "beat", "postgres", "redis", "nginx"}
    assert [name for name in required if not re.search(rf"^{name}=", example, re.MULTILINE)] == []
    named = set(re.findall(r"\$\{(\w+)[:}]", text)) - {"INFRAZEN_VERSION"}
    assert [name for name in named if not re.search(rf"^#?{name}=", example, re.MULTILINE)] == []
    assert (DOCKER / "nginx" / "infrazen.conf").is_file()
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name


def test_only_nginx_is_open_to_the_world() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["nginx"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_unit_keeps_its_process_small(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")

    assert {
        "User=infrazen",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "EnvironmentFile=/etc/infrazen/infrazen.env",
    } <= set(text.splitlines())
    (start,) = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
    assert shlex.split(start)[0].startswith("/opt/infrazen/.venv/bin/")


def test_gunicorn_takes_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BIND", "WEB_CONCURRENCY", "WEB_THREADS"):
        monkeypatch.delenv(name, raising=False)

    read = runpy.run_path(str(DOCKER / "gunicorn.conf.py"))
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--check-config",
            "--config",
            "docker/gunicorn.conf.py",
            "infrazen.wsgi",
        ],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "infrazen.test_settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    assert (read["bind"], read["workers"], read["threads"], read["worker_class"]) == (
        "127.0.0.1:8000",
        2,
        8,
        "gthread",
    )


def test_figures_of_an_earlier_run_are_not_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
    read = runpy.run_path(str(DOCKER / "gunicorn.conf.py"))

    read["on_starting"](None)
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    made_empty = folder.is_dir() and not list(folder.iterdir())
    read["on_exit"](None)

    assert made_empty
    assert not folder.exists()


class _Answer(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/health/live" else 404)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (None, 1)])
def test_health_check_of_the_image(status: int | None, code: int) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), type("Answer", (_Answer,), {"status": status or 0}))
    port = server.server_port
    if status:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    else:
        server.server_close()
    try:
        checked = subprocess.run(
            [sys.executable, DOCKER / "healthcheck.py"],
            env={**os.environ, "BIND": f"0.0.0.0:{port}"},
            capture_output=True,
            check=False,
        )
    finally:
        if status:
            server.shutdown()
            server.server_close()

    assert checked.returncode == code


def manage(
    *arguments: str, program: tuple[str, ...] = ("manage.py",), **variables: str
) -> subprocess.CompletedProcess[str]:
    """`manage.py` in production mode with these variables and none of the tests'."""
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "INFRAZEN_MODE": "production", "ENV_FILE": "/dev/null", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_deploy_check_finds_nothing_where_all_is_set() -> None:
    checked = manage(
        *("check", "--deploy", "--fail-level", "WARNING"),
        DATABASE_URL="postgres://infrazen:password@127.0.0.1:1/infrazen",
        REDIS_URL="redis://127.0.0.1:1",
        SECRET_KEY=secrets.token_urlsafe(50),
        FIELD_ENCRYPTION_KEYS=Fernet.generate_key().decode(),
        ALLOWED_HOSTS="infrazen.example.com",
        BEHIND_PROXY="true",
        SECURE_SSL_REDIRECT="true",
        SECURE_HSTS_SECONDS="3600",
    )

    assert (checked.returncode, checked.stderr) == (0, "")


MANAGE_THAT_COMPRESSES_LIGHTLY = """
import os, sys
from functools import partial
from django.core.management import execute_from_command_line
from whitenoise import compress

os.environ["DJANGO_SETTINGS_MODULE"] = "infrazen.settings"
compress.brotli.compress = partial(compress.brotli.compress, quality=1)
execute_from_command_line(sys.argv)
"""
"""The same files in the same forms; at Brotli's best they take twenty seconds more."""


def test_static_files_are_collected_hashed_and_compressed_without_any_secret(tmp_path: Path) -> None:
    collected = manage(
        *("collectstatic", "--noinput", "--verbosity", "0"),
        program=("-c", MANAGE_THAT_COMPRESSES_LIGHTLY),
        STATIC_ROOT=str(tmp_path),
    )

    assert (collected.returncode, collected.stderr) == (0, "")
    (style,) = [path.name for path in (tmp_path / "infrazen" / "css").glob("main.*.css")]
    assert re.fullmatch(r"main\.[0-9a-f]{12}\.css", style)
    assert {f"{style}.gz", f"{style}.br"} <= {path.name for path in (tmp_path / "infrazen" / "css").iterdir()}
