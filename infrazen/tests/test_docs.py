"""What the documentation names is there: commands, variables, files. Prose is left to its readers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
PAGES = sorted(
    path
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    if path.is_file()
)
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\b([A-Z][A-Z0-9]+_[A-Z0-9_]+)\b")
NOT_SETTINGS = frozenset({"AFTER_SYNC", "AFTER_RETYPING"})
"""Names in capitals that an operator does not set: constants of the code."""


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", PAGES, ids=_name)
def test_links_lead_to_files(file: Path) -> None:
    targets = [
        link.partition("#")[0] for link in LINK.findall(CODE.sub("", file.read_text(encoding="utf-8")))
    ]
    local = [target for target in targets if target and "://" not in target]

    assert [target for target in local if not (file.parent / target).exists()] == []


@pytest.mark.parametrize("file", PAGES, ids=_name)
def test_commands_exist(file: Path) -> None:
    named = set(re.findall(r"manage\.py (\w+)", file.read_text(encoding="utf-8")))

    assert named - set(get_commands()) == set()


def test_variables_of_operations_are_in_the_example() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "docs" / "operations.md").read_text(
        encoding="utf-8"
    )
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    code = " ".join(CODE.findall(text))

    known = set(VARIABLE.findall(example)) | {"ENV_FILE"} | NOT_SETTINGS
    assert {name for name in VARIABLE.findall(code) if name not in known} == set()


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "adr"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))

    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))
