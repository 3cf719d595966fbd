"""Hold FOCUS exports to the FinOps Foundation's own validator.

    make focus-validate                     the demo's whole history, exported in ASCII
    make focus-validate FILE=export.parquet a file of yours, FOCUS 1.2, CSV or Parquet

The validator needs Python 3.12, exactly, and some 630 MB in `.tools/`; where there is none this says so and ends well.
It ends well itself even when rules fail: what counts is its report, less the rules that are known to be wrong (`ALLOWED`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.tools import SQLITE, fresh_database, run_child

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".tools" / "focus"
REQUIREMENTS = ("focus-validator==2.2.1", "pyarrow>=22,<26")
VERSION = "1.2"
"""The newest version whose rules the validator brings with it."""
NEEDED = (3, 12)

ALLOWED: Mapping[str, str] = {
    **dict.fromkeys(
        ("InvoiceId-C-004-C", "InvoiceId-C-005-C"),
        "one says null, the other not null, both without a condition",
    ),
    **dict.fromkeys(
        (
            f"{column}-C-{number}-C"
            for column in ("CommitmentDiscountStatus", "CapacityReservationStatus")
            for number in ("004", "002", "000")
        ),
        "the condition is lost: null is refused in every row",
    ),
    **dict.fromkeys(("CostAndUsage-D-000-M", "CostAndUsage-D-002-M"), "parents of the two above"),
    **dict.fromkeys(
        ("EffectiveCost-C-005-C", "EffectiveCost-C-000-M"),
        "demands 0 of every purchase, also of one for the current period (FOCUS_Spec issue 2673)",
    ),
    **dict.fromkeys(
        ("BilledCost-C-005-C", "BilledCost-C-000-M"), "demands 0 wherever somebody else issues the invoice"
    ),
}
"""Rule -> why a correct file breaks it. Validator 2.2.1 with the rules 1.2.0.1."""
NOT_ASCII = "the tool takes ASCII alone; export with the ASCII option to see the rest of this column's rules"


def main(arguments: list[str]) -> None:
    python = _python()
    if python is None:
        print(
            "Not validated: the validator needs Python 3.12, and there is none here. Install one, or name it: "
            "PYTHON312=/path/to/python3.12 make focus-validate"
        )
        return
    binary = _installed(python)
    if arguments:
        sys.exit(_validate(binary, [Path(argument).resolve() for argument in arguments]))
    with (
        tempfile.TemporaryDirectory(prefix="infrazen-focus-") as folder,
        fresh_database(SQLITE) as environment,
    ):
        path = Path(folder) / "demo.parquet"
        run_child(
            "benchmarks.focus_validate", "--demo", path, environment={**environment, "DEMO_MODE": "true"}
        )
        sys.exit(_validate(binary, [path]))


def export_demo(path: Path) -> None:
    """The demo, lived through in this process's fresh database and written as a file that passes our own checks."""
    import django

    django.setup()
    from contextlib import ExitStack

    from django.core.management import call_command

    from accounts.models import Organization
    from costs.queries import history_bounds
    from infrazen.demo.serve import prepare

    call_command("migrate", verbosity=0)
    with ExitStack() as stack:
        prepare(stack, opens_admin=False, say=lambda *_words: None)
        organization = Organization.objects.get()
        bounds = history_bounds(organization)
        assert bounds is not None, "the demo has costs"
        call_command(
            "focus_export",
            str(path),
            organization=organization.pk,
            period=f"{bounds[0]}..{bounds[1]}",
            ascii=True,
            check=True,
        )


def _python() -> str | None:
    """The first Python of the needed version."""
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("3.12*/bin/python3.12"), reverse=True)
    for candidate in (os.environ.get("PYTHON312", ""), "python3.12", *map(str, pyenv)):
        if not candidate:
            continue
        try:
            asked = [candidate, "-c", f"import sys; sys.exit(sys.version_info[:2] != {NEEDED})"]
            if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
                return candidate
        except OSError:
            continue
    return None


def _installed(python: str) -> Path:
    binary = TOOLS / "bin" / "focus-validator"
    if not binary.exists():
        print(f"Installing the validator into {TOOLS.relative_to(ROOT)} (630 MB).", flush=True)
        subprocess.run([python, "-m", "venv", str(TOOLS)], check=True)
        pip = [
            str(TOOLS / "bin" / "python"),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
        ]
        subprocess.run([*pip, *REQUIREMENTS], check=True)
    return binary


def _validate(binary: Path, paths: list[Path]) -> int:
    """0 where every file breaks none but the allowed rules."""
    status = 0
    for path in paths:
        failed = dict(_failures(binary, path))
        wrong = {name: why for name, why in failed.items() if not why}
        print(f"{path.name}: {len(failed)} rules fail, {len(failed) - len(wrong)} of them known to be wrong.")
        for name, why in sorted(failed.items()):
            print(f"  {'allowed ' if why else 'FAILS   '} {name}{f': {why}' if why else ''}")
        status = status or int(bool(wrong))
    return status


def _failures(binary: Path, path: Path) -> Iterator[tuple[str, str]]:
    """(rule, why it is allowed or "") of every rule that the file breaks."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            str(binary), "--data-file", str(path), "--validate-version", VERSION, "--block-download",
            "--applicability-criteria", "ALL", "--output-type", "unittest", "--output-destination", str(report),
        ]  # fmt: skip
        done = subprocess.run(command, cwd=_home(binary), capture_output=True, text=True, check=False)
        if not report.exists():
            sys.exit(f"The validator gave no report on {path}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314  # a report that was just written here
    if not cases:
        sys.exit(f"The validator checked nothing in {path}.")
    broken = [
        case.get("name", "").partition(" :: ")
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    in_letters = {rule.partition("-")[0] for rule, _, kind in broken if kind == "Format"}
    for rule, _, kind in broken:
        of_letters = kind == "Format" or (kind == "Composite" and rule.partition("-")[0] in in_letters)
        yield rule, ALLOWED.get(rule, "") or (NOT_ASCII if of_letters else "")


def _home(binary: Path) -> str:
    """It opens a file of its own relative to the working directory."""
    code = "import focus_validator, pathlib; print(pathlib.Path(focus_validator.__file__).parents[1])"
    asked = [str(binary.parent / "python"), "-c", code]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--demo"]:
        export_demo(Path(sys.argv[2]))
    else:
        main(sys.argv[1:])
