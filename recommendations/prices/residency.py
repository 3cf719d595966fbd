"""Where tagged data may lie. Pure."""

from __future__ import annotations

from collections.abc import Mapping

HOME = "RU"
PERSONAL_KEYS = ("data:personal", "data-personal", "personal-data", "personal_data")
CLASS_KEYS = ("data", "data-class", "data_class")
NO = frozenset({"no", "false", "0", "none", "нет"})


def is_personal(tags: Mapping[str, str]) -> bool:
    """Tagged `data:personal` or `data=personal`: such data does not leave the country."""
    lower = {key.casefold(): value.casefold() for key, value in tags.items()}
    return any(key in lower and lower[key] not in NO for key in PERSONAL_KEYS) or any(
        lower.get(key) == "personal" for key in CLASS_KEYS
    )


def may_lie_in(country: str, *, personal: bool) -> bool:
    """A country that nobody states is no proof that it is home."""
    return not personal or country == HOME
