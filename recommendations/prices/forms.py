"""What people choose: a specification to compare, a file to upload."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from recommendations.prices.comparison import AS_LISTED, TAX_PERCENT, WITH_TAX, WITHOUT_TAX, Now, Wanted
from recommendations.prices.models import DiskClass

FILE_BYTES = 2 * 1024 * 1024
"""Its text goes once more through a form, after the preview: below DATA_UPLOAD_MAX_MEMORY_SIZE."""
HOUR_RATE = Decimal(2000)
"""Roubles an hour of whoever moves it, unless they say otherwise."""
MIGRATION_HOURS = Decimal(8)

COUNTRIES = (("", pgettext_lazy("country", "any")), ("RU", _("Russia")), ("KZ", _("Kazakhstan")))
TAX = ((AS_LISTED, _("as listed")), (WITH_TAX, _("with VAT")), (WITHOUT_TAX, _("without VAT")))
YES_NO = (("1", _("yes")), ("0", _("no")))


def _decimal(label: Any, least: str, most: str, places: int, help_text: Any = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        min_value=Decimal(least),
        max_value=Decimal(most),
        decimal_places=places,
        help_text=help_text,
        localize=False,
    )


class ComparisonForm(forms.Form):
    """A specification, and what moving there costs once. Fields that are not given have their defaults."""

    resource = forms.IntegerField(required=False, widget=forms.HiddenInput)
    vcpu = _decimal(_("vCPU"), "0.1", "1024", 1)
    memory = _decimal(_("Memory, GiB"), "0.25", "16384", 2)
    disk = _decimal(_("Disk, GiB"), "0", "1000000", 1)
    disk_class = forms.ChoiceField(
        label=_("Disk class"),
        choices=[("", pgettext_lazy("disk class", "any")), *DiskClass.choices],
        required=False,
    )
    share = forms.IntegerField(label=_("Guaranteed share of a vCPU, %"), min_value=1, max_value=100)
    ip = forms.ChoiceField(label=_("Public address"), choices=YES_NO)
    traffic = _decimal(_("Traffic, GB a month"), "0", "1000000", 1)
    country = forms.ChoiceField(label=_("Country"), choices=COUNTRIES, required=False)
    tax = forms.ChoiceField(label=_("VAT"), choices=TAX)
    tax_percent = _decimal(_("VAT, %"), "0", "100", 2)
    hours = _decimal(_("Hours to move"), "0", "10000", 1)
    rate = _decimal(_("₽ an hour"), "0", "1000000", 2)

    DEFAULTS = {
        "vcpu": "2",
        "memory": "4",
        "disk": "40",
        "disk_class": "",
        "share": "100",
        "ip": "1",
        "traffic": "0",
        "country": "",
        "tax": AS_LISTED,
        "tax_percent": str(TAX_PERCENT),
        "hours": str(MIGRATION_HOURS),
        "rate": str(HOUR_RATE),
    }

    def wanted(self, *, personal: bool) -> Wanted:
        data = self.cleaned_data
        return Wanted(
            vcpus=data["vcpu"],
            memory_gib=data["memory"],
            disk_gib=data["disk"],
            disk_class=data["disk_class"],
            cpu_share=data["share"],
            with_ip=data["ip"] == "1",
            traffic_gib=data["traffic"],
            country=data["country"],
            tax=data["tax"],
            tax_percent=data["tax_percent"],
            personal=personal,
        )

    def now(self, *, monthly: Decimal | None, egress_price: Decimal | None) -> Now:
        """The whole disk is copied out once."""
        data = self.cleaned_data
        return Now(
            monthly=monthly,
            hours=data["hours"],
            hour_rate=data["rate"],
            egress_gib=data["disk"],
            egress_price=egress_price,
        )


class UploadForm(forms.Form):
    file = forms.FileField(label=_("CSV file"))
    replaces = forms.BooleanField(
        label=_("It is the whole list: uploaded prices of its providers that it does not name are over"),
        required=False,
    )

    def clean_file(self) -> str:
        """The file's text."""
        uploaded = self.cleaned_data["file"]
        if uploaded.size > FILE_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB."))
        try:
            text: str = uploaded.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("The file is not in UTF-8.")) from error
        return text


class PublishTextForm(forms.Form):
    """What a preview hands on: the text that was looked at, and whether it is the whole list."""

    text = forms.CharField(widget=forms.Textarea, max_length=FILE_BYTES, strip=False)
    replaces = forms.BooleanField(required=False)
