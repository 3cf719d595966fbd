"""Texts in ASCII for tools that take nothing else."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LETTERS = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i", "й": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "ie", "ы": "y", "ь": "", "э": "e", "ю": "iu",
    "я": "ia", "«": '"', "»": '"', "–": "-", "—": "-", "…": "...", "·": "-", "×": "x", "№": "No.", "₽": "RUB",
}  # fmt: skip
"""Letters as ICAO Doc 9303 writes them in passports, and the signs that names have."""
_TABLE = str.maketrans(
    _LETTERS | {key.upper(): value.capitalize() for key, value in _LETTERS.items() if key.isalpha()}
)


@lru_cache(maxsize=1 << 16)
def to_ascii(text: str) -> str:
    """`text` in ASCII; what has no letters there becomes a question mark."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_TABLE))
    return "".join(sign if sign.isascii() else "" if unicodedata.combining(sign) else "?" for sign in plain)
