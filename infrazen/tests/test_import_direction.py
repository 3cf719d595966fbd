"""One flight of stairs: an app imports only from the steps below it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

# From the ground up; an app may import itself and whatever stands on a lower step.
STEPS = (
    {"common"},
    {"accounts"},
    {"providers"},
    {"inventory"},
    {"syncs", "monitoring"},
    {"costs"},
    {"recommendations"},
    {"infrazen"},
)
STEP_OF = {app: step for step, apps in enumerate(STEPS) for app in apps}
OURS = frozenset(STEP_OF)
PLAIN_PYTHON = (
    "common.text",
    "providers.contract",
    "providers.focus_rules",
    "providers.focus_schema",
    "providers.http",
    "providers.openstack",
    "providers.plugins",
)
FRAMEWORK = frozenset({"django", "rest_framework", "allauth", "celery", "django_celery_beat"})


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that the file imports, wherever in it; relative names made absolute."""
    package = list(path.relative_to(REPOSITORY).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def files(folder: str) -> list[Path]:
    """The product's code; the tests of a door stand beside it and may walk through the whole house."""
    return sorted(path for path in (REPOSITORY / folder).rglob("*.py") if "tests" not in path.parts)


def offences(paths: list[Path], is_forbidden) -> list[str]:
    return [
        f"{path.relative_to(REPOSITORY)}:{line} imports {module}"
        for path in paths
        for line, module in imported_modules(path)
        if is_forbidden(module)
    ]


def is_within(module: str, *prefixes: str) -> bool:
    return any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes)


@pytest.mark.parametrize("app", sorted(OURS))
def test_app_imports_only_downwards(app: str) -> None:
    allowed = {other for other in OURS if STEP_OF[other] < STEP_OF[app]} | {app}
    found = offences(files(app), lambda module: module.partition(".")[0] in OURS - allowed)

    assert found == []


@pytest.mark.parametrize(
    "folder", ["providers/plugins", "providers/openstack", "providers/contract", "providers/focus_rules"]
)
def test_plugins_know_the_contract_and_no_framework(folder: str) -> None:
    found = offences(
        files(folder),
        lambda module: (
            module.partition(".")[0] in FRAMEWORK
            or (module.partition(".")[0] in OURS and not is_within(module, *PLAIN_PYTHON))
        ),
    )

    assert found == []


def test_plugins_load_without_the_framework() -> None:
    """Also what they import from elsewhere of ours is plain Python: nothing drags Django in."""
    plugins = [
        f"providers.plugins.{path.parent.name}.provider"
        for path in files("providers/plugins")
        if path.name == "provider.py"
    ]
    program = f"import sys, {', '.join(plugins)}; print(sorted({set(FRAMEWORK)!r} & sys.modules.keys()))"

    result = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_plugins_do_not_know_each_other() -> None:
    found = [
        offence
        for plugin in sorted(path for path in (REPOSITORY / "providers/plugins").iterdir() if path.is_dir())
        for offence in offences(
            files(f"providers/plugins/{plugin.name}"),
            lambda module, name=plugin.name: (
                is_within(module, "providers.plugins")
                and module != "providers.plugins"
                and not is_within(module, f"providers.plugins.{name}")
            ),
        )
    ]

    assert found == []


def test_emulators_share_nothing_with_the_product() -> None:
    found = offences(
        files("providers/emulators"),
        lambda module: (
            module.partition(".")[0] in FRAMEWORK
            or (module.partition(".")[0] in OURS and not is_within(module, "providers.emulators"))
        ),
    )

    assert found == []


def test_relative_imports_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrazen.tests.test_import_direction.REPOSITORY", tmp_path)
    module = tmp_path / "providers" / "plugins" / "acme" / "client.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "from ...models import ProviderConnection\nfrom . import normalize\nimport costs.models as c\n"
    )

    assert list(imported_modules(module)) == [
        (1, "providers.models.ProviderConnection"),
        (2, "providers.plugins.acme.normalize"),
        (3, "costs.models"),
    ]
