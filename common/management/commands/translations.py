"""`manage.py translations`: keep the catalogues of every language but English complete."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog
from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common import translations

SOURCE_LANGUAGE = "en"  # the msgids
SHOWN = 20


class Command(BaseCommand):
    help = "Checks, updates or compiles the translations; needs no gettext tools."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--check", action="store_true", help="fail when a text is missing, untranslated or broken"
        )
        what.add_argument(
            "--update", action="store_true", help="write new texts into the .po files, drop old ones"
        )
        what.add_argument("--compile", action="store_true", help="write the .mo files that Django reads")

    def handle(self, *, check: bool, update: bool, compile: bool, **options: Any) -> None:  # noqa: A002
        locale = Path(settings.LOCALE_PATHS[0])
        for language, _name in settings.LANGUAGES:
            if language == SOURCE_LANGUAGE:
                continue
            path = locale / language / "LC_MESSAGES" / "django.po"
            existing = translations.read(path, language=language)
            if compile:
                translations.compile_catalogue(existing, path.with_suffix(".mo"))
            elif update:
                self._update(path, existing, language)
            else:
                self._check(path, existing, language)

    def _update(self, path: Path, existing: Catalog, language: str) -> None:
        merged = translations.merge(_wanted(language), existing)
        translations.write(merged, path)
        left = sum(1 for message in merged if message.id and not translations.is_translated(message))
        self.stdout.write(f"{language}: {len(merged)} texts, {left} to translate.")

    def _check(self, path: Path, existing: Catalog, language: str) -> None:
        found = translations.problems(_wanted(language), existing)
        if found:
            shown = "\n".join(f"  {problem}" for problem in found[:SHOWN])
            more = f"\n  and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            raise CommandError(
                f"{path.relative_to(settings.BASE_DIR)}: {len(found)} problems. "
                f"`make messages` adds new texts and drops old ones.\n{shown}{more}"
            )
        self.stdout.write(f"{language}: {len(existing)} texts, all translated.")


def _wanted(language: str) -> Catalog:
    """What our apps and templates mark, and what the borrowed packages show without a translation."""
    root = Path(settings.BASE_DIR)
    configs = list(apps.get_app_configs())
    ours = [Path(config.path) for config in configs if Path(config.path).parent == root]
    others = {config.name: Path(config.path) for config in configs if Path(config.path).parent != root}
    found = [
        text
        for folder in [*ours, root / "templates"]
        for text in translations.texts(folder, relative_to=root)
    ]
    found += translations.borrowed(
        {name: others[name] for name in settings.TEXTS_BORROWED_FROM},
        [Path(django.__file__).parent / "conf", *others.values()],
        language=language,
    )
    return translations.template(found, language=language)
