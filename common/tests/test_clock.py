"""The product's clock: how it follows a file, and that all code that asks Django is later with it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from common import clock


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(clock, "LOOK_SECONDS", 0)
    return tmp_path / clock.FILE


def say(file: Path, **values: float) -> None:
    """As the state of a demo is written: a new file in place of the old one."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(values))
    new.replace(file)


def is_ahead_by(ahead: timedelta) -> bool:
    return abs(timezone.now() - clock.machine_now() - ahead) < timedelta(seconds=5)


def test_django_is_as_late_as_the_file_says(file: Path) -> None:
    say(file, ahead_seconds=86400)

    with clock.following(file):
        assert is_ahead_by(timedelta(days=1))
        assert timezone.localdate() == timezone.localdate(clock.machine_now() + timedelta(days=1))
        say(file, ahead_seconds=2 * 86400)
        assert is_ahead_by(timedelta(days=2))

    assert is_ahead_by(timedelta())


@pytest.mark.parametrize("values", [None, {"anchor": "2026-11-21"}])
def test_what_says_nothing_moves_nothing(file: Path, values: dict[str, float] | None) -> None:
    if values:
        say(file, **values)

    with clock.following(file):
        assert is_ahead_by(timedelta())
        assert clock.ahead() == timedelta()


def test_file_that_goes_takes_its_time_with_it(file: Path) -> None:
    say(file, ahead_seconds=3600)

    with clock.following(file):
        assert is_ahead_by(timedelta(hours=1))
        file.unlink()
        assert is_ahead_by(timedelta())


def test_file_is_not_looked_at_for_every_question(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "LOOK_SECONDS", 3600)
    with clock.following(file):
        clock.look()
        say(file, ahead_seconds=3600)

        assert is_ahead_by(timedelta())
        clock.look()
        assert is_ahead_by(timedelta(hours=1))
