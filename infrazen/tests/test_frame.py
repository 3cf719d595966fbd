"""The frame itself: which database, which policy, what a missing variable says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import connection

REPOSITORY = Path(__file__).resolve().parents[2]


def _import_settings(**environment: str) -> subprocess.CompletedProcess[str]:
    """Settings read by a fresh interpreter that has only `environment`."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from infrazen import settings as s; print(s.INFRAZEN_MODE, s.CELERY_BROKER_URL)",
        ],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


PRODUCTION = {
    "DATABASE_URL": "postgres://db/infrazen",
    "REDIS_URL": "redis://cache",
    "SECRET_KEY": "s",
    "FIELD_ENCRYPTION_KEYS": "k",
    "ALLOWED_HOSTS": "infrazen.example",
}


def test_database_is_the_one_this_run_was_started_for() -> None:
    assert connection.vendor == os.environ.get("EXPECTED_DB_VENDOR", "sqlite")


@pytest.mark.django_db
def test_sqlite_keeps_its_log_beside_the_file() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite only")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")

        assert cursor.fetchone() == ("wal",)


def test_production_with_everything_set_starts() -> None:
    result = _import_settings(**PRODUCTION)

    assert (result.returncode, result.stdout) == (0, "production redis://cache\n")


@pytest.mark.parametrize("name", ["REDIS_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "ALLOWED_HOSTS"])
def test_production_names_the_missing_variable(name: str) -> None:
    result = _import_settings(**{key: value for key, value in PRODUCTION.items() if key != name})

    assert result.returncode == 1
    assert f"ImproperlyConfigured: {name} is not set: " in result.stderr


def test_embedded_mode_makes_its_secrets_once(tmp_path: Path) -> None:
    first = _import_settings(INFRAZEN_DATA=str(tmp_path))
    text = (tmp_path / "secrets.env").read_text()
    second = _import_settings(INFRAZEN_DATA=str(tmp_path))

    assert (first.stdout, second.stdout) == ("embedded memory://localhost\n", "embedded memory://localhost\n")
    assert (tmp_path / "secrets.env").read_text() == text
    assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.env"]


def test_embedded_mode_says_when_its_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = _import_settings(INFRAZEN_DATA=str(tmp_path / "file" / "data"))

    assert result.returncode == 1
    assert f"The data folder {tmp_path}/file/data cannot be written (Not a directory)" in result.stderr


def test_unknown_mode_is_refused() -> None:
    result = _import_settings(INFRAZEN_MODE="staging")

    assert "INFRAZEN_MODE is 'staging'; it must be one of embedded, production, test." in result.stderr


def test_chart_library_comes_with_the_admin_theme() -> None:
    assert finders.find("unfold/js/chart/chart.js")


def test_policy_refuses_inline_code_everywhere_but_in_the_admin(client, db) -> None:
    page = client.get("/accounts/login/")["Content-Security-Policy"]
    admin = client.get("/admin/login/")["Content-Security-Policy"]

    assert "unsafe" not in page
    assert "script-src 'self' 'unsafe-eval'" in admin
    assert "style-src 'self' 'unsafe-inline'" in admin


def test_key_can_be_made_where_none_is_set() -> None:
    made = subprocess.run(
        [sys.executable, "manage.py", "generate_key"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "DATABASE_URL": PRODUCTION["DATABASE_URL"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert len(made.stdout.strip()) == 44
