"""What holds guessing back in embedded mode outlives the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

SIX_FAILURES = """
import django
django.setup()
from allauth.core import ratelimit
from django.core.management import call_command
from django.test import RequestFactory

call_command("createcachetable", verbosity=0)  # as `serve` does
request = RequestFactory().post("/")
print([ratelimit.consume(request, action="login_failed", key="anna@example.com") for _failure in range(6)])
"""


def six_failures_in_a_new_process(data: Path) -> str:
    """Which of them were let through."""
    finished = subprocess.run(
        [sys.executable, "-c", SIX_FAILURES],
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "INFRAZEN_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": "infrazen.settings",
        },
        check=True,
        capture_output=True,
        text=True,
    )
    return finished.stdout.strip()


def test_account_stays_held_back_in_the_next_process(tmp_path: Path) -> None:
    first = six_failures_in_a_new_process(tmp_path)
    second = six_failures_in_a_new_process(tmp_path)

    assert first == "[True, True, True, True, True, False]"
    assert second == "[False, False, False, False, False, False]"
