"""Forms of a person's own settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from accounts.models import Theme, User
from common.time_zones import time_zone_choices

CURRENCIES = (
    ("RUB", _("Russian rouble (₽)")),
    ("USD", _("US dollar ($)")),
    ("EUR", _("Euro (€)")),
    ("CNY", _("Chinese yuan (¥)")),
    ("KZT", _("Kazakhstani tenge (₸)")),
    ("BYN", _("Belarusian rouble (Br)")),
)
"""Those in which the supported providers bill, and for which the Central Bank of Russia publishes a rate."""


class ProfileForm(forms.ModelForm):
    """Who one is and how one reads. What is left empty follows the site or the browser."""

    class Meta:
        model = User
        fields = ["full_name", "time_zone", "currency", "language", "theme"]
        labels = {
            "full_name": _("Name"),
            "time_zone": _("Time zone"),
            "currency": _("Currency"),
            "language": _("Language"),
            "theme": _("Theme"),
        }

    use_required_attribute = False  # an empty choice is one too

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["full_name"].widget.attrs["autocomplete"] = "name"
        own = self.instance
        self._choose(
            "time_zone",
            [
                ("", _("As this site: %(zone)s") % {"zone": settings.TIME_ZONE}),
                *time_zone_choices(now, with_name=own.time_zone),
            ],
        )
        self._choose("currency", list(CURRENCIES))
        self._choose("language", [("", _("As in the browser")), *_own_names()])
        self._choose("theme", list(Theme.choices))

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        """A plain text column as a list to choose from; empty is a choice of its own where the list has it."""
        field = forms.ChoiceField(label=self.fields[name].label, choices=choices)
        if not choices[0][0]:
            field.empty_values = []
        self.fields[name] = field


def _own_names() -> list[tuple[str, str]]:
    """Each language in its own words: who cannot read this page finds theirs all the same."""
    return [(code, get_language_info(code)["name_local"].capitalize()) for code, _name in settings.LANGUAGES]
