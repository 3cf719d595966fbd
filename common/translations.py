"""The Russian catalogue without gettext's tools: texts out of code and templates, compared, merged, compiled.

`manage.py translations` is the door. A text is *ours* when our code or templates mark it, and *borrowed*
when an installed package shows it and brings no translation of its own; both stand in one .po file.
"""

import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

# What each argument of a marking function is: a message, its plural ("p"), or its context ("c")
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
COMMENT_TAG = "Translators:"
# `contrib` of a package holds apps of their own, each installed or not
SKIPPED_FOLDERS = frozenset({"contrib", "locale", "migrations", "static", "tests", "__pycache__"})
TEMPLATE_SUFFIXES = frozenset({".html", ".txt"})
WIDTH = 100

Key = tuple[str, str]  # context ("" without one), singular msgid


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One marked text: `msgid` is a string, or (singular, plural)."""

    msgid: str | tuple[str, str]
    context: str | None
    comments: tuple[str, ...]
    location: str

    @property
    def key(self) -> Key:
        return self.context or "", self.msgid if isinstance(self.msgid, str) else self.msgid[0]


def texts(folder: Path, *, relative_to: Path) -> Iterator[Text]:
    """Every text that Python files and templates under the folder mark. Raises SyntaxError with the file's name."""
    for path in _files(folder):
        location = path.relative_to(relative_to).as_posix()
        source = path.read_text(encoding="utf-8")
        if path.suffix in TEMPLATE_SUFFIXES:
            # What templatize leaves of the page is words of X; only their indentation could upset a Python parser.
            source = "\n".join(line.lstrip() for line in templatize(source, origin=location).split("\n"))
        found = extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS, comment_tags=(COMMENT_TAG,))
        for _line, msgid, comments, context in found:
            if msgid and msgid != ("", ""):
                yield Text(
                    msgid=msgid if isinstance(msgid, str) else (msgid[0], msgid[1]),
                    context=context,
                    comments=tuple(comments),
                    location=location,
                )


def borrowed(packages: Mapping[str, Path], translated: Iterable[Path], *, language: str) -> Iterator[Text]:
    """Texts of the packages (name to folder) that no `translated` folder has in the language.

    Located by the package's name alone, so that its next version changes nothing that stayed.
    """
    known = set[Key]()
    for folder in translated:
        for path in folder.rglob(f"locale/{language}/LC_MESSAGES/django.po"):
            known |= {_key(message) for message in read(path, language=language) if is_translated(message)}
    for name, folder in packages.items():
        for text in texts(folder, relative_to=folder):
            if text.key not in known:
                yield replace(text, location=name, comments=())


def template(found: Iterable[Text], *, language: str) -> Catalog:
    """A catalogue of the texts, nothing translated; texts that occur twice are merged."""
    catalogue = _empty(language)
    for text in found:
        catalogue.add(
            text.msgid,
            context=text.context,
            locations=[(text.location, 0)],
            auto_comments=list(text.comments),
        )
    return catalogue


def read(path: Path, *, language: str) -> Catalog:
    """The catalogue in a .po file; an empty one where there is no file. Raises PoFileError for a broken one."""
    if not path.exists():
        return _empty(language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def merge(wanted: Catalog, existing: Catalog) -> Catalog:
    """`wanted` with the translations of `existing`; what is wanted no more is gone, and nothing is guessed."""
    existing.update(wanted, no_fuzzy_matching=True, update_creation_date=False)
    existing.obsolete.clear()
    for message in existing:
        message.locations = sorted(set(message.locations))
    return existing


def is_translated(message: Message) -> bool:
    """Whether every form of the message has a text that a person has confirmed."""
    return bool(message.id) and not message.fuzzy and all(_strings(message))


def problems(wanted: Catalog, existing: Catalog) -> list[str]:
    """What keeps the catalogue from being complete, one sentence each; empty when all is well."""
    found = [
        f"missing: {_shown(message)}" for message in wanted if message.id and not _find(existing, message)
    ]
    for message in existing:
        if not message.id:
            continue
        if not _find(wanted, message):
            found.append(f"no longer used: {_shown(message)}")
        elif message.fuzzy:
            found.append(f"fuzzy: {_shown(message)}")
        elif not all(_strings(message)):
            found.append(f"not translated: {_shown(message)}")
        else:
            found += [f"{error}: {_shown(message)}" for error in message.check(existing)]
    return found


def write(catalogue: Catalog, path: Path) -> None:
    """The .po file, ordered by place and without line numbers, so that a change shows only what changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=WIDTH, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    _replace(path, buffer.getvalue())


def compile_catalogue(catalogue: Catalog, path: Path) -> None:
    """The .mo file that Django reads, without what `is_translated` denies: an empty plural would show nothing."""
    for message in list(catalogue):
        if message.id and not is_translated(message):
            catalogue.delete(message.id, context=message.context)
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    _replace(path, buffer.getvalue())


def _empty(language: str) -> Catalog:
    return Catalog(
        locale=language,
        project="InfraZen",
        version="1",
        header_comment="# InfraZen. `make messages` adds new texts and drops old ones.",
        fuzzy=False,
    )


def _files(folder: Path) -> Iterator[Path]:
    for current, folders, names in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if name not in SKIPPED_FOLDERS and not name.startswith(".")
        )
        for name in sorted(names):
            path = Path(current) / name
            if path.suffix == ".py" or (path.suffix in TEMPLATE_SUFFIXES and "templates" in path.parts):
                yield path


def _key(message: Message) -> Key:
    return message.context or "", message.id if isinstance(message.id, str) else message.id[0]


def _find(catalogue: Catalog, message: Message) -> bool:
    """Whether the catalogue has this very message: same context, same singular, same plural."""
    found = catalogue.get(message.id if isinstance(message.id, str) else message.id[0], message.context)
    return found is not None and found.id == message.id


def _strings(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or [""])


def _shown(message: Message) -> str:
    text = message.id if isinstance(message.id, str) else message.id[0]
    places = ", ".join(sorted({place for place, _line in message.locations}))
    return f"{text!r}{f' ({places})' if places else ''}"


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
