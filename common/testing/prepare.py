"""Finds what the tests need from the system and, where it may, installs it.

    python -m common.testing.prepare

As root on a machine with apt-get it installs what is missing; elsewhere it says in one sentence what to
install, and fails where CI is set.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One program or library of the system: how to find it, and which Debian package brings it."""

    name: str
    package: str
    find: Callable[[], Path | None]
    otherwise: str = ""

    @property
    def advice(self) -> str:
        return f"{self.name} is missing: install it (Debian, Ubuntu: apt-get install {self.package}){self.otherwise}."


def find_chromium() -> Path | None:
    """Chromium or Chrome; CHROMIUM in the environment wins."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    mac = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    return _named_by("CHROMIUM") or _on_path(*names) or (mac if mac.exists() else None)


def find_postgres() -> Path | None:
    """Folder with `initdb` and `postgres`; POSTGRES_BIN wins, then the newest Debian version."""
    named = _named_by("POSTGRES_BIN")
    if named:
        return named
    debian = sorted(
        (folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()),
        key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0,
    )
    if debian:
        return debian[-1]
    initdb = _on_path("initdb")
    return initdb.resolve().parent if initdb else None


def find_redis() -> Path | None:
    """The server's executable; the system's before PATH, where a Python package may have put an older one."""
    system = Path("/usr/bin/redis-server")
    return _named_by("REDIS_SERVER") or (
        system if system.exists() else _on_path("redis-server", "valkey-server")
    )


def find_pango() -> Path | None:
    """The library that lays out the text of a PDF."""
    names = (find_library(name) for name in ("pangoft2-1.0", "libpangoft2-1.0-0"))  # Linux and macOS, Windows
    return next((Path(name) for name in names if name), None)


CHROMIUM = Need(
    name="Chromium", package="chromium", find=find_chromium, otherwise=" or set CHROMIUM to the path of one"
)
POSTGRES = Need(
    name="PostgreSQL",
    package="postgresql",
    find=find_postgres,
    otherwise=" or set TEST_DATABASE_URL to a server's",
)
REDIS = Need(
    name="Redis", package="redis-server", find=find_redis, otherwise=" or set TEST_REDIS_URL to a server's"
)
PANGO = Need(name="Pango", package="libpangoft2-1.0-0", find=find_pango)


def needs() -> list[Need]:
    """What this run needs: a server that is named in the environment need not be here."""
    found = [CHROMIUM, PANGO]
    if not os.environ.get("TEST_DATABASE_URL"):
        found.append(POSTGRES)
    if not os.environ.get("TEST_REDIS_URL"):
        found.append(REDIS)
    return found


def main() -> int:
    """0 when all is there or only said to be missing; 1 when something is missing in CI."""
    missing = [need for need in needs() if need.find() is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        _install([need.package for need in missing])
        missing = [need for need in missing if need.find() is None]
    for need in missing:
        print(need.advice, file=sys.stderr)
    return 1 if missing and os.environ.get("CI") else 0


def _install(packages: list[str]) -> None:
    """apt-get, without questions and without starting the services; a failure is told by what stays missing."""
    print(f"Installing {', '.join(packages)} for the tests.", file=sys.stderr)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "-q", "update"],
        ["apt-get", "-qq", "-y", "--no-install-recommends", "install", *packages],
    ):
        subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)


def _named_by(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value and Path(value).exists() else None


def _on_path(*names: str) -> Path | None:
    for name in names:
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


if __name__ == "__main__":
    sys.exit(main())
