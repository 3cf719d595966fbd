"""Where tagged data must stay. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy

from recommendations.engine.contract import Option, Options
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.pricing import Offer

RESIDENCY_OPTIONS = (
    Option(
        name="residency_tags",
        label=gettext_lazy("Tags of data that must stay in the country"),
        default=("data:personal", "data=personal", "data-class=personal", "personal-data"),
        help_text=gettext_lazy("A tag by its name, or by its name and value: data=personal."),
    ),
    Option(
        name="residency_countries",
        label=gettext_lazy("Countries in which it may be"),
        default=("RU",),
        help_text=gettext_lazy("Codes of two letters. A place whose country is not known is none of them."),
    ),
)


def must_stay(facts: ResourceFacts, options: Options) -> bool:
    """Whether it, what it belongs to or what belongs to it bears a tag of data that must not leave the country."""
    family = [facts, *facts.components, *([facts.parent] if facts.parent else [])]
    return any(_bears(each, str(word).casefold()) for each in family for word in options["residency_tags"])


def may_be_there(offers: Iterable[Offer], facts: ResourceFacts, options: Options) -> bool:
    """Whether the place of these offers is open to it; a place without a known country is closed to tagged data."""
    if not must_stay(facts, options):
        return True
    countries = {offer.country.upper() for offer in offers if offer.country}
    return bool(countries) and countries <= {str(each).upper() for each in options["residency_countries"]}


def _bears(facts: ResourceFacts, word: str) -> bool:
    if word in facts.tags:
        return facts.tags[word].casefold() not in ("false", "no", "0", "none")
    for sign in ("=", ":"):
        key, found, value = word.partition(sign)
        if found and facts.tags.get(key, "").casefold() == value:
            return True
    return False
