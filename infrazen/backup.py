"""A whole copy of the database and the uploaded files, made while everything runs.

SQLite through its own online copy, PostgreSQL through pg_dump. The keys (`secrets.env`, the environment) are not in it:
a copy that holds its own key is as good as unencrypted.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import tarfile
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.audit.services import record


class BackupFailed(Exception):
    """The sentence says what to do."""


def make(*, folder: Path, now: datetime) -> list[Path]:
    """Writes the copies into `folder`, readable by the owner alone, and notes them; raises BackupFailed.

    A file appears under its name only when it is whole.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackupFailed(f"The folder {folder} cannot be made: {error.strerror}.") from error
    stamp = f"infrazen-{now:%Y%m%dT%H%M%SZ}"
    made = [
        _sqlite(folder / f"{stamp}.sqlite3")
        if connection.vendor == "sqlite"
        else _postgres(folder / f"{stamp}.dump")
    ]
    if Path(settings.MEDIA_ROOT).is_dir():
        made.append(_media(folder / f"{stamp}-media.tar.gz"))
    note(place=str(folder), size=sum(path.stat().st_size for path in made))
    return made


def note(*, place: str, size: int | None) -> None:
    """Remembers, for the admin's front page, that there is a backup; `size` in bytes where it is known."""
    record("backup.made", details={"place": place, "bytes": size})


def _sqlite(target: Path) -> Path:
    """Through a connection of its own, which sees what is committed and waits for nobody."""
    part = _part(target)
    source = f"{Path(connection.settings_dict['NAME']).absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(source, uri=True)) as database, closing(sqlite3.connect(part)) as copy:
            database.backup(copy)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise BackupFailed(f"{target.name} cannot be written: {error}.") from error
    return part.rename(target)


def _postgres(target: Path) -> Path:
    part = _part(target)
    place: dict[str, Any] = connection.get_connection_params()
    environment = {  # the password stands in no list of processes
        "PGHOST": place.get("host"),
        "PGPORT": place.get("port"),
        "PGUSER": place.get("user"),
        "PGPASSWORD": place.get("password"),
        "PGDATABASE": place.get("dbname"),
    }
    own = {name: str(value) for name, value in environment.items() if value}
    try:
        subprocess.run(  # noqa: S603  # no part of it comes from outside
            ["pg_dump", "--format=custom", f"--file={part}"],  # noqa: S607  # wherever the system has it
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **own},
        )
    except FileNotFoundError as error:
        raise BackupFailed("pg_dump is not installed here: install PostgreSQL's client programs.") from error
    except subprocess.CalledProcessError as error:
        part.unlink(missing_ok=True)
        raise BackupFailed(f"pg_dump failed: {error.stderr.strip()}") from None
    return part.rename(target)


def _media(target: Path) -> Path:
    part = _part(target)
    with tarfile.open(part, "w:gz") as archive:
        archive.add(settings.MEDIA_ROOT, arcname="media")
    return part.rename(target)


def _part(target: Path) -> Path:
    part = target.with_name(f".{target.name}.part")
    try:
        part.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise BackupFailed(f"{target.name} cannot be written: {error.strerror}.") from error
    return part
