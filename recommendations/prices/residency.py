"""Where tagged data may lie: the rules' own tags and countries, as they are without anybody's settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from recommendations.engine.residency import RESIDENCY_OPTIONS

_DEFAULTS: Mapping[str, object] = {option.name: option.default for option in RESIDENCY_OPTIONS}
TAGS: tuple[str, ...] = _DEFAULTS["residency_tags"]  # type: ignore[assignment]  # a tuple of texts, as declared
COUNTRIES: tuple[str, ...] = _DEFAULTS["residency_countries"]  # type: ignore[assignment]
NO = frozenset({"no", "false", "0", "none"})


def is_personal(tags: Mapping[str, str]) -> bool:
    """Tagged `data:personal` or `data=personal`: such data does not leave the country."""
    lower = {key.casefold(): value.casefold() for key, value in tags.items()}
    return any(_bears(lower, word) for word in TAGS)


def may_lie_in(country: str, *, personal: bool) -> bool:
    """A country that nobody states is no proof that it is home."""
    return not personal or country in COUNTRIES


def _bears(tags: Mapping[str, str], word: str) -> bool:
    if word in tags:
        return tags[word] not in NO
    key, _sign, value = word.replace(":", "=").partition("=")
    return bool(value) and tags.get(key) == value
