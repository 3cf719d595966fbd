"""`make focus-validate`: says plainly where it cannot run, and reads the validator's report where it can.

A fake interpreter stands in for Python 3.12, and installs a fake validator that hands out a report.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import focus_validate

OLDER = "#!/bin/sh\nexit 1\n"
INTERPRETER = """#!/bin/sh
case "$1 $2" in
    "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip")
        echo "$@" >> "{log}"
        cp "{folder}/validator" "$(dirname "$0")/focus-validator" ;;
    "-c import focus_validator"*) echo "{folder}" ;;
    "-c import sys"*) exit 0 ;;
    *) exit 9 ;;
esac
"""
VALIDATOR = """#!/bin/sh
echo "$@" >> "{log}"
while [ "$1" != "--output-destination" ]; do shift; done
[ -f "{folder}/report" ] && cp "{folder}/report" "$2"
exit 0
"""
ALLOWED, OTHER = "InvoiceId-C-005-C :: Nullability", "BilledCost-C-001-M :: Type"


class Place:
    """A home and a PATH of its own, with whatever interpreters a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.programs = folder / "programs"
        self.file = folder / "export.parquet"
        self.programs.mkdir()

    def put(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{folder}", str(self.folder)).replace("{log}", str(self.log)))
        path.chmod(0o755)
        return path

    def report(self, *failing: str, passing: int = 1) -> None:
        cases = [f'<testcase name="{name}"><failure/></testcase>' for name in failing]
        cases += ['<testcase name="Fine-C-001-M :: Type"/>'] * passing
        (self.folder / "report").write_text(f"<testsuite>{''.join(cases)}</testsuite>")

    def validate(self) -> Any:
        """What the process would end with."""
        with pytest.raises(SystemExit) as ended:
            focus_validate.main([str(self.file)])
        return ended.value.code


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(tmp_path)
    monkeypatch.setenv("PATH", f"{found.programs}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PYTHON312", raising=False)
    monkeypatch.setattr(focus_validate, "ROOT", tmp_path)
    monkeypatch.setattr(focus_validate, "TOOLS", tmp_path / ".tools" / "focus")
    found.put(found.programs / "python3.12", OLDER)  # hides one that the machine may have
    return found


@pytest.fixture
def newer(place: Place) -> Place:
    place.put(place.programs / "python3.12", INTERPRETER)
    place.put(place.folder / "validator", VALIDATOR)
    return place


@pytest.mark.parametrize("arguments", [[], ["export.parquet"]])
def test_without_the_needed_python_it_says_so_and_ends_well(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("PYTHON312", str(place.folder / "nowhere"))

    focus_validate.main(arguments)

    told = capsys.readouterr().out
    assert told.startswith("Not validated: the validator needs Python 3.12, and there is none here.")
    assert "PYTHON312=/path/to/python3.12 make focus-validate" in told
    assert not focus_validate.TOOLS.exists()


def test_a_named_one_comes_before_the_path_and_the_path_before_pyenv(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = place.folder / "home" / ".pyenv" / "versions"
    older, latest = (
        place.put(versions / name / "bin" / "python3.12", INTERPRETER) for name in ("3.12.1", "3.12.2")
    )
    place.put(versions / "3.13.0" / "bin" / "python3.12", INTERPRETER)

    assert focus_validate._python() == str(latest)
    place.put(place.programs / "python3.12", INTERPRETER)
    assert focus_validate._python() == "python3.12"
    monkeypatch.setenv("PYTHON312", str(older))
    assert focus_validate._python() == str(older)


def test_a_file_that_breaks_known_wrong_rules_alone_passes(
    newer: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    newer.report(ALLOWED)

    statuses = [newer.validate(), newer.validate()]

    assert statuses == [0, 0]
    told = capsys.readouterr().out
    assert told.count("Installing the validator into .tools/focus (630 MB).") == 1
    assert "export.parquet: 1 rules fail, 1 of them known to be wrong." in told
    assert "allowed  InvoiceId-C-005-C: one says null" in told
    log = newer.log.read_text()
    assert log.count("install --quiet focus-validator==2.2.1") == 1
    assert log.count(f"--data-file {newer.file} --validate-version 1.2 --block-download") == 2


def test_a_file_that_breaks_another_rule_fails(newer: Place, capsys: pytest.CaptureFixture[str]) -> None:
    newer.report(ALLOWED, OTHER)

    assert newer.validate() == 1
    told = capsys.readouterr().out
    assert "export.parquet: 2 rules fail, 1 of them known to be wrong." in told
    assert "FAILS    BilledCost-C-001-M\n" in told


def test_letters_beyond_ascii_are_the_tools_weakness(
    newer: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    newer.report("RegionName-C-003-C :: Format", "RegionName-C-000-C :: Composite")

    assert newer.validate() == 0
    assert capsys.readouterr().out.count("export with the ASCII option") == 2


def test_no_report_and_an_empty_one_are_no_passes(newer: Place) -> None:
    assert "The validator gave no report" in newer.validate()
    newer.report(passing=0)
    assert "The validator checked nothing" in newer.validate()
