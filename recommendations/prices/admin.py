"""Prices for platform administrators: what is known, by whose word; correct, upload, publish, read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action

from accounts.access import acting_user
from common.admin import ModelAdmin, ReadOnlyModelAdmin, changelist_link, json_fact, object_link
from common.formatting import money
from providers.admin import ProviderFilter
from providers.messages import provider_name, sentence
from recommendations.prices import services, tasks
from recommendations.prices.csv_file import COLUMNS, parse
from recommendations.prices.errors import InvalidPriceFile, Problem
from recommendations.prices.forms import PublishTextForm, UploadForm
from recommendations.prices.models import Price, PriceReading, Source
from recommendations.prices.queries import monthly_amount

MANAGE = "accounts.manage_providers"
PREVIEWED = 20
"""Changed prices that a preview shows; all are counted."""
UNPROCESSABLE = 422
EDITED = ("amount", "includes_tax", "reason")


@admin.register(Price)
class PriceAdmin(ModelAdmin):
    """What does a provider ask, by whose word, since when? Saving an open price corrects it."""

    manage_permission = MANAGE
    list_display = [
        "sku_id",
        "provider",
        "organization_link",
        "component",
        "family",
        "region_id",
        "shown_amount",
        "monthly",
        "source",
        "valid_from",
        "valid_until",
        "read_at",
    ]
    list_filter = [
        ProviderFilter,
        "source",
        ("valid_until", admin.EmptyFieldListFilter),
        ("organization", admin.EmptyFieldListFilter),
        ("organization", AutocompleteSelectFilter),
        "resource_type",
        "component",
        "read_at",
    ]
    search_fields = ["sku_id", "name", "family", "region_id"]
    list_select_related = ["organization"]
    ordering = ["provider_type", "sku_id", "-valid_from", "-pk"]
    actions = ["withdraw"]
    actions_list = ["upload_prices"]
    organization_link = object_link("organization", _("organization"))
    changed_by_link = object_link("changed_by", _("by"))
    limits = json_fact("plan_limits", _("limits"))
    exclude = ["organization", "changed_by", "plan_limits"]
    facts = [
        "provider",
        "organization_link",
        "monthly",
        "history",
        "limits",
        "changed_by_link",
        *(
            field.name
            for field in Price._meta.fields
            if field.name not in (*EDITED, "id", "organization", "changed_by", "plan_limits")
        ),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Prices come from lists: a new one is uploaded."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The history stays."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_open = obj is None or obj.valid_until is None
        return is_open and super().has_change_permission(request, obj)

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_manage(request)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.upload_view)
        return [path("upload/", page, name="recommendation_prices_price_upload"), *super().get_urls()]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "reason" in form.base_fields:
            form.base_fields["reason"].required = True
            form.base_fields["reason"].initial = ""
        return form

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:
        """Never the row itself: a correction is put before it."""
        services.correct_price(
            price=Price.objects.get(pk=obj.pk),
            amount=form.cleaned_data["amount"],
            includes_tax=form.cleaned_data["includes_tax"],
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
            by=acting_user(request),
        )

    # Columns

    @admin.display(description=_("provider"), ordering="provider_type")
    def provider(self, price: Price) -> str:
        return provider_name(price.provider_type)

    @admin.display(description=_("amount"), ordering="amount")
    def shown_amount(self, price: Price) -> str:
        period = f"/{price.get_period_display()}" if price.period else ""
        return f"{money(price.amount, price.currency)}{period}"

    @admin.display(description=_("a month"))
    def monthly(self, price: Price) -> str:
        return money(monthly_amount(price), price.currency)

    @admin.display(description=_("history"))
    def history(self, price: Price) -> Any:
        rows = Price.objects.filter(provider_type=price.provider_type, sku_id=price.sku_id)
        return changelist_link(
            Price, rows.count(), provider_type__exact=price.provider_type, sku_id__exact=price.sku_id
        )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in ("sku_id__exact", "provider_type__exact") or super().lookup_allowed(
            lookup, value, request
        )

    # Actions

    @admin.action(description=_("End corrections and uploaded prices"), permissions=["manage"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Price]) -> None:
        now = timezone.now()
        chosen = queryset.exclude(source=Source.PLUGIN).filter(valid_until__isnull=True)
        count = sum(
            services.withdraw(price=price, now=now, by=acting_user(request)) for price in list(chosen)
        )
        text = ngettext("%(count)d price ended.", "%(count)d prices ended.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    @action(description=_("Upload a list"), permissions=["manage"], url_path="upload-prices")
    def upload_prices(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:recommendation_prices_price_upload"))

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        """First what the file would change, then, on a second press, it does."""
        if not self._may_manage(request):
            raise PermissionDenied
        if request.method == "POST" and "text" in request.POST:
            return self._store(request)
        form = UploadForm(request.POST or None, request.FILES or None)
        context: dict[str, Any] = {"form": form, "columns": COLUMNS}
        status = 200
        if request.method == "POST":
            status = UNPROCESSABLE
            if form.is_valid():
                text, replaces = form.cleaned_data["file"], form.cleaned_data["replaces"]
                try:
                    prices = parse(text)
                except InvalidPriceFile as error:
                    context["problems"] = error.problems
                else:
                    status = 200
                    context["preview"] = _previewed(services.preview(prices=prices, replaces=replaces))
                    context["again"] = PublishTextForm(initial={"text": text, "replaces": replaces})
        return self._upload_page(request, context, status)

    def _store(self, request: HttpRequest) -> HttpResponse:
        again = PublishTextForm(request.POST)
        problems: list[Problem] = []
        if again.is_valid():
            try:
                prices = parse(again.cleaned_data["text"])
            except InvalidPriceFile as error:
                problems = error.problems
            else:
                done = services.upload(
                    prices=prices,
                    replaces=again.cleaned_data["replaces"],
                    now=timezone.now(),
                    by=acting_user(request),
                )
                count = sum(len(each.new) + len(each.changed) + len(each.gone) for each in done.values())
                text = ngettext("%(count)d price changed.", "%(count)d prices changed.", count)
                self.message_user(request, text % {"count": count}, messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:recommendation_prices_price_changelist"))
        context = {"form": UploadForm(), "columns": COLUMNS, "problems": problems}
        return self._upload_page(request, context, UNPROCESSABLE)

    def _upload_page(self, request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "title": _("Upload a price list"),
            "opts": self.opts,
            **context,
        }
        return TemplateResponse(request, "admin/recommendation_prices/upload.html", whole, status=status)


@admin.register(PriceReading)
class PriceReadingAdmin(ReadOnlyModelAdmin):
    """Whose lists were read when, through which connection, and what failed?"""

    manage_permission = MANAGE
    list_display = [
        "organization_link",
        "provider",
        "status",
        "finished_at",
        "complete_at",
        "price_count",
        "new_count",
        "changed_count",
        "gone_count",
    ]
    list_filter = [
        "status",
        ProviderFilter,
        ("organization", AutocompleteSelectFilter),
        "finished_at",
    ]
    search_fields = ["organization__name", "provider_type"]
    list_select_related = ["organization", "connection"]
    ordering = ["-started_at", "-pk"]
    actions = ["read_now", "publish"]
    organization_link = object_link("organization", _("organization"))
    connection_link = object_link("connection", _("read through"))
    exclude = ["organization", "connection", "provider_type", "scopes"]
    facts = ["organization_link", "provider", "connection_link", "failures"]

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_manage(request)

    @admin.display(description=_("provider"), ordering="provider_type")
    def provider(self, reading: PriceReading) -> str:
        return provider_name(reading.provider_type)

    @admin.display(description=_("not read"))
    def failures(self, reading: PriceReading) -> str:
        texts = (
            f"{each['scope']}: {sentence(each['message'], each['params'])}" for each in reading.failed_scopes
        )
        return "; ".join(texts) or "—"

    @admin.action(description=_("Read these lists now"), permissions=["manage"])
    def read_now(self, request: HttpRequest, queryset: QuerySet[PriceReading]) -> None:
        chosen = list(queryset)
        for reading in chosen:
            tasks.read_prices.delay_on_commit(  # type: ignore[attr-defined]  # Celery's Django task
                organization_id=reading.organization_id,
                provider_type=reading.provider_type,
                by_id=acting_user(request).pk,
            )
        text = ngettext("%(count)d list is being read.", "%(count)d lists are being read.", len(chosen))
        self.message_user(request, text % {"count": len(chosen)}, messages.SUCCESS)

    @admin.action(description=_("Publish these lists to everybody"), permissions=["manage"])
    def publish(self, request: HttpRequest, queryset: QuerySet[PriceReading]) -> None:
        """Of several lists of one provider the later one would undo the earlier: one at a time."""
        chosen = list(queryset.select_related("organization"))
        if len({reading.provider_type for reading in chosen}) != len(chosen):
            self.message_user(
                request, _("Choose one list of each provider: everybody sees only one."), messages.ERROR
            )
            return
        count = 0
        for reading in chosen:
            done = services.publish(
                organization=reading.organization,
                provider_type=reading.provider_type,
                now=timezone.now(),
                by=acting_user(request),
            )
            count += len(done.new) + len(done.changed) + len(done.gone)
        text = ngettext(
            "%(count)d price changed for everybody.", "%(count)d prices changed for everybody.", count
        )
        self.message_user(request, text % {"count": count}, messages.SUCCESS)


def _previewed(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "provider": provider_name(provider_type),
            "counts": services.summary(each),
            "changed": [
                {
                    "sku": price.sku_id,
                    "before": money(price.amount, price.currency),
                    "after": money(listed.facts["amount"], listed.facts["currency"]),
                }
                for price, listed in each.changed[:PREVIEWED]
            ],
            "gone": [price.sku_id for price in each.gone[:PREVIEWED]],
        }
        for provider_type, each in found.items()
    ]
