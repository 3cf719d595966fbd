"""`manage.py demo …`: what it says, what it asks, and its errors in one sentence."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone, translation

from accounts.tests.factories import OrganizationFactory
from common import clock
from infrazen import tasks
from infrazen.demo import operations
from infrazen.demo.operations import demo_organization
from infrazen.management.commands import demo as command
from infrazen.tests.demo_folder import NOW, Demo

pytestmark = pytest.mark.once


def say(*arguments: str) -> str:
    """What the command prints."""
    output = StringIO()
    call_command("demo", *arguments, stdout=output, no_color=True)
    return output.getvalue()


@pytest.mark.django_db
def test_forward_says_what_went_by(small_demo: Demo) -> None:
    output = say("forward", "--days", "1")

    assert "2026-11-22 12:30: day 1 of 1 has gone by." in output
    assert "success. The demo's clock says 2026-11-22 12:30." in output


@pytest.mark.django_db
def test_reset_asks_and_takes_only_a_yes(bare_demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "no")

    with pytest.raises(CommandError, match="Nothing was changed"):
        say("reset")

    assert demo_organization() == bare_demo.organization


@pytest.mark.django_db
def test_reset_that_nobody_can_answer_needs_yes(bare_demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO())

    with pytest.raises(CommandError, match="add --yes"):
        say("reset")

    assert demo_organization() == bare_demo.organization


@pytest.mark.django_db
@pytest.mark.parametrize("answer", ["yes", "--yes"])
def test_reset_with_a_yes_begins_anew(small_demo: Demo, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)

    output = say("reset", *(["--yes"] if answer == "--yes" else []))

    assert ("is deleted and read anew" in output) == (answer == "yes")
    assert "The demo is as at its first start" in output
    assert demo_organization() != small_demo.organization


@pytest.mark.django_db
def test_faults_are_listed_switched_and_named_in_the_status(bare_demo: Demo) -> None:
    assert "region-down" not in say("faults")  # no connection of this demo has regions
    assert "cost-jump: A price triples\n  for Beget Prod (vps-app-01)\n" in say("faults")

    switched_on = say("faults", "on", "cost-jump")
    listed, status = say("faults"), say("status")
    switched_off = say("faults", "off", "cost-jump")

    assert (
        "On: cost-jump, Beget Prod: A price triples.\n  vps-app-01 costs three times as much" in switched_on
    )
    assert "Beget Prod (vps-app-01) [on since 2026-11-21 12:30]" in listed
    assert "On: cost-jump, Beget Prod: A price triples" in status
    assert switched_off == "Off: cost-jump, Beget Prod: A price triples.\n"
    assert "On:" not in say("status")


@pytest.mark.django_db
def test_all_faults_are_switched_off_at_once(bare_demo: Demo) -> None:
    say("faults", "on", "slow")
    say("faults", "on", "timeout", "--connection", "Beget Prod")

    assert say("faults", "off", "all").count("Off: ") == 2
    assert say("faults", "off", "all") == "It was not on.\n"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["faults", "on", "flood"], "There is no fault “flood”. There are: "),
        (["faults", "off", "flood"], "There is no fault “flood”. There are: "),
        (["faults", "on"], "Which one? `demo faults` lists them"),
        (
            ["faults", "on", "slow", "--connection", "Acme"],
            "is not for a connection “Acme”. It is for: “Beget Prod”",
        ),
        (["faults", "perhaps"], "invalid choice: 'perhaps'"),
        (["forward", "--days", "0"], "by 1 to 60 days at a time, not by 0"),
        (["forward", "--days", "soon"], "invalid int value: 'soon'"),
        (["sideways"], "invalid choice: 'sideways'"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(bare_demo: Demo, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as caught:
        say(*arguments)

    assert sentence in str(caught.value)
    assert bare_demo.state.switched == ()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments", [["reset", "--yes"], ["forward"], ["status"], ["faults"], ["faults", "on", "slow"]]
)
def test_where_there_is_no_demo_nothing_is_done(demo_data: Path, arguments: list[str]) -> None:
    OrganizationFactory()

    with pytest.raises(CommandError, match=r"There is no demo in .*\. “make demo” makes one\."):
        say(*arguments)

    assert list(demo_data.iterdir()) == []


@pytest.mark.django_db
def test_status_says_what_time_it_is_and_whether_it_is_served(small_demo: Demo) -> None:
    alone = say("status")
    with small_demo.served() as server:
        served = say("status")

    assert "Демо: not served, day 0 is 2026-11-21" in alone
    assert "Clock: 2026-11-21 12:30, as this machine's" in alone
    assert "Beget Prod: success, read 2026-11-21 12:30" in alone
    assert f"served with emulators at {server.url}" in served
    say("forward")
    assert "Clock: 2026-11-22 12:30, 1.0 days ahead of this machine" in say("status")


@pytest.mark.django_db
def test_command_speaks_english_whatever_the_language(bare_demo: Demo) -> None:
    with translation.override("ru"), pytest.raises(CommandError, match="There is no fault “flood”"):
        say("faults", "on", "flood")


def test_without_an_action_it_serves(monkeypatch: pytest.MonkeyPatch, demo_data: Path) -> None:
    served: list[tuple[str, int]] = []

    def run_embedded(host: str, port: int, **callbacks: Any) -> None:
        served.append((host, port))
        callbacks["on_ready"](f"http://{host}:{port}/")

    monkeypatch.setattr(command, "run_embedded", run_embedded)

    assert "InfraZen is at http://127.0.0.1:8123/" in say("--port", "8123")
    assert served == [("127.0.0.1", 8123)]


def test_what_takes_long_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(operations.subprocess, "run", run)

    tasks.reset_demo()
    tasks.forward_demo(days=3)

    assert [command[2:] for command in ran] == [
        ["django", "demo", "reset", "--yes"],
        ["django", "demo", "forward", "--days", "3"],
    ]


def test_why_such_a_process_failed_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "CommandError: There is no demo.\n")

    monkeypatch.setattr(operations.subprocess, "run", run)

    operations.run_apart("reset", "--yes")

    assert "demo reset --yes failed: CommandError: There is no demo." in caplog.text


@pytest.mark.django_db
def test_work_is_under_way_from_when_it_is_announced(bare_demo: Demo) -> None:
    def is_under_way(*, minutes: int) -> bool:
        with time_machine.travel(NOW + timedelta(minutes=minutes), tick=True):
            return operations.is_under_way(bare_demo.state)

    assert not is_under_way(minutes=0)
    operations.announce("reset")

    assert is_under_way(minutes=1)
    assert not is_under_way(minutes=5)  # no worker took it
    with operations.alone():
        assert is_under_way(minutes=5)


def test_embedded_processes_live_at_the_time_of_their_folder(tmp_path: Path) -> None:
    """Whatever command is run on it, so that what it derives is not cut off at this machine's time."""
    (tmp_path / clock.FILE).write_text('{"anchor": "2026-11-21", "ahead_seconds": 864000}')
    program = (
        "import django; django.setup(); from django.utils import timezone; from common import clock;"
        "print(round((timezone.now() - clock.machine_now()).total_seconds()))"
    )

    def ahead(mode: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", program],
            env={
                "INFRAZEN_DATA": str(tmp_path),
                "ENV_FILE": "/dev/null",
                "DJANGO_SETTINGS_MODULE": "infrazen.settings",
                "INFRAZEN_MODE": mode,
            },
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    assert (ahead("embedded"), ahead("test")) == ("864000", "0")
    assert timezone.now() - clock.machine_now() < timedelta(seconds=1)
