"""Pages of prices: a specification at every provider, the list prices that are known, the history of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import UserRequest, organization_required, writer_required
from accounts.audit.services import record
from common import formatting
from costs.explorer.exports import BYTE_ORDER_MARK, csv_line
from costs.queries import rates_on
from inventory.models import Resource, ResourceType
from providers.messages import provider_name, sentence
from providers.scopes import scope_name
from recommendations.engine.pricing import PriceBook
from recommendations.prices import queries, tasks
from recommendations.prices.comparison import ROUBLES, TAX_PERCENT, Candidate, compare
from recommendations.prices.existing import Existing, existing_server
from recommendations.prices.forms import ComparisonForm
from recommendations.prices.models import Component, Period, Price, PriceReading
from recommendations.prices.reading import readable_types

UNPROCESSABLE = 422
PAGE_SIZE = 50
SERVERS = (ResourceType.SERVER, ResourceType.DEDICATED_SERVER)


@organization_required
@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def comparison(request: UserRequest) -> HttpResponseBase:
    """`resource` fills in what nobody typed; the table is a fragment for htmx, and CSV with `format=csv`."""
    now = timezone.now()
    book = queries.price_book(request.organization, now)
    existing = _existing(request, book)
    form = ComparisonForm(specification(request.GET, existing))
    candidates: list[Candidate] = []
    one_off = None
    if form.is_valid():
        candidates, one_off = compared(book, form, existing, now)
        if request.GET.get("format") == "csv":
            return _csv(request, candidates)
    context = {
        "form": form,
        "existing": existing,
        "rows": [_row(each) for each in candidates],
        "one_off": one_off,
        "has_prices": len(book) > 0,
        "query": urlencode({key: value for key, value in request.GET.items() if key != "format" and value}),
        "shows_tax_percent": form["tax_percent"].value() != str(TAX_PERCENT),
    }
    status = 200 if form.is_valid() else UNPROCESSABLE
    if request.htmx and request.htmx.target == "price-comparison":
        return render(request, "prices/_comparison.html", context, status=status)
    return render(request, "prices/comparison.html", context, status=status)


def compared(
    book: PriceBook, form: ComparisonForm, existing: Existing | None, now: datetime
) -> tuple[list[Candidate], Decimal]:
    """What a valid form asks for, and what moving costs once."""
    egress = None
    if existing is not None:
        egress = book.traffic_price(existing.resource.connection.provider_type, region_id=None)
    in_roubles = egress is not None and egress.currency == ROUBLES
    paid = form.now(
        monthly=existing.monthly if existing else None,
        egress_price=egress.monthly if egress and in_roubles else None,
    )
    candidates = compare(
        book,
        form.wanted(personal=bool(existing and existing.personal)),
        now=paid,
        at=now,
        rates=rates_on({offer.currency for offer in book}, timezone.localdate(now)),
    )
    return candidates, paid.one_off


@organization_required
@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def price_list(request: UserRequest) -> HttpResponse:
    """What is known of list prices, and how their last reading ended."""
    now = timezone.now()
    filters = _filters(request.GET)
    rows = queries.listed_prices(request.organization, filters, now)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    kept = {key: value for key, value in request.GET.items() if key != "page" and value}
    context = {
        "page": page,
        "rows": [_price_row(price) for price in page.object_list],
        "query": urlencode(kept),
        "search": filters.text,
        "filters": _filter_choices(request, filters, now),
        "is_filtered": bool(kept),
        "readings": [_reading_row(each) for each in queries.readings(request.organization)],
        "may_read": request.membership.may_write and bool(readable_types(request.organization)),
    }
    if request.htmx and request.htmx.target == "prices":
        return render(request, "prices/_prices.html", context)
    return render(request, "prices/price_list.html", context)


@organization_required
@require_safe
def price_history(request: UserRequest) -> HttpResponse:
    """`provider` and `sku` name the price: a SKU may hold anything, and is no part of a path."""
    provider_type, sku_id = request.GET.get("provider", ""), request.GET.get("sku", "")
    prices = queries.price_history(request.organization, provider_type, sku_id)
    if not prices:
        raise Http404
    counts = next(iter(queries.offers(price for price in prices if price.valid_until is None)), None)
    context = {
        "price": prices[0],
        "provider": provider_name(provider_type),
        "counts": counts,
        "component": _component_text(prices[0]),
        "rows": [_price_row(price) for price in prices],
        "chart": _chart(prices, timezone.now()),
        "chart_label": _("Price of %(sku)s over time") % {"sku": sku_id},
    }
    return render(request, "prices/price_history.html", context)


@writer_required
@require_POST
def reading_start(request: UserRequest) -> HttpResponse:
    """Reads the organization's own lists now; each provider type is a task of its own."""
    wanted = readable_types(request.organization)
    for provider_type in wanted:
        tasks.read_prices.delay_on_commit(  # type: ignore[attr-defined]  # Celery's Django task
            organization_id=request.organization.pk, provider_type=provider_type, by_id=request.user.pk
        )
    if wanted:
        messages.success(request, _("The price lists are being read. Look again in a minute."))
    else:
        messages.warning(request, _("None of your connections can read a price list now."))
    return redirect("prices:price_list")


# ---- comparison -----------------------------------------------------------------------------------------------


def _existing(request: UserRequest, book: PriceBook) -> Existing | None:
    asked = request.GET.get("resource", "")
    if not asked:
        return None
    if not asked.isdecimal() or len(asked) > 18:
        raise Http404
    rows = Resource.objects.of(request.organization).filter(resource_type__in=SERVERS)
    resource = get_object_or_404(rows.select_related("connection"), pk=int(asked))
    return existing_server(request.organization, resource, book)


def specification(given: Mapping[str, Any], existing: Existing | None) -> dict[str, str]:
    """Defaults, then what the server has, then what was typed."""
    values = dict(ComparisonForm.DEFAULTS)
    if existing is not None:
        known = {
            "resource": str(existing.resource.pk),
            "vcpu": _plain(existing.vcpus),
            "memory": _plain(existing.memory_gib),
            "disk": _plain(existing.disk_gib),
            "disk_class": existing.disk_class,
            "ip": "1" if existing.with_ip else "0",
        }
        values |= {name: value for name, value in known.items() if value}
    return values | {name: given[name] for name in (*ComparisonForm.DEFAULTS, "resource") if name in given}


def _plain(value: Decimal | None) -> str:
    if value is None:
        return ""
    text = f"{round(value, 2):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _row(candidate: Candidate) -> dict[str, Any]:
    quote = candidate.quote
    return {
        "candidate": candidate,
        "provider": provider_name(quote.provider_type),
        "place": quote.zone_id or quote.region_id,
        "size": _size(candidate),
        "parts": [(_(part.word), part.monthly) for part in candidate.parts],
        "missing": ", ".join(_(word) for word in candidate.missing),
        "histories": [
            (
                offer.name,
                f"{reverse('prices:price_history')}?{urlencode({'provider': offer.provider_type, 'sku': offer.sku_id})}",
            )
            for offer in quote.offers[:3]
        ]
        if not quote.is_interpolated
        else [],
    }


def _size(candidate: Candidate) -> str:
    quote = candidate.quote
    texts = [
        _("%(count)s vCPU") % {"count": formatting.number(quote.vcpus, 0 if quote.vcpus % 1 == 0 else 1)},
        formatting.memory_mib(quote.memory_mib),
    ]
    if quote.storage_gib:
        texts.append(formatting.size_gib(quote.storage_gib))
    return ", ".join(texts)


def _csv(request: UserRequest, candidates: list[Candidate]) -> StreamingHttpResponse:
    record(
        "export.downloaded",
        organization=request.organization,
        details={"what": "price-comparison.csv", "rows": len(candidates)},
    )
    response = StreamingHttpResponse(_lines(candidates), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="price-comparison.csv"'
    return response


def _lines(candidates: list[Candidate]) -> Iterator[str]:
    words = list(dict.fromkeys(part.word for each in candidates for part in each.parts))
    yield BYTE_ORDER_MARK
    yield csv_line(
        [
            *(
                "provider",
                "region",
                "zone",
                "country",
                "line",
                "vcpus",
                "memory_mib",
                "disk_gib",
                "disk_class",
            ),
            *(f"{word}_rub_month" for word in words),
            *("total_rub_month", "difference_rub_month", "payback_months", "includes_vat", "is_interpolated"),
            *("is_allowed", "read_at"),
        ]
    )
    for each in candidates:
        quote = each.quote
        parts = {part.word: part.monthly for part in each.parts}
        yield csv_line(
            [
                *(quote.provider_type, quote.region_id, quote.zone_id, each.country, quote.family),
                *(quote.vcpus, quote.memory_mib, quote.storage_gib, each.disk_class),
                *(_kopecks(parts.get(word)) for word in words),
                *(each.monthly, each.difference, each.payback_months, each.includes_tax),
                *(quote.is_interpolated, each.is_allowed, each.read_at.isoformat()),
            ]
        )


def _kopecks(value: Decimal | None) -> Decimal | None:
    return None if value is None else round(value, 2)


# ---- the list -------------------------------------------------------------------------------------------------


def _filters(given: Mapping[str, Any]) -> queries.PriceFilters:
    return queries.PriceFilters(
        provider_type=given.get("provider", ""),
        resource_type=given.get("type", ""),
        component=given.get("component", ""),
        region_id=given.get("region", ""),
        text=given.get("q", "").strip(),
    )


def _filter_choices(
    request: UserRequest, filters: queries.PriceFilters, now: datetime
) -> list[dict[str, Any]]:
    found = queries.choices(request.organization, now)
    types, components = dict(ResourceType.choices), dict(Component.choices)
    return [
        {
            "key": "provider",
            "label": _("Provider"),
            "value": filters.provider_type,
            "choices": [(each, provider_name(each)) for each in found.provider_types],
        },
        {
            "key": "type",
            "label": _("Type"),
            "value": filters.resource_type,
            "choices": [(each, types[each]) for each in found.resource_types],
        },
        {
            "key": "component",
            "label": _("What for"),
            "value": filters.component,
            "choices": [(each, components[each]) for each in found.components],
        },
        {
            "key": "region",
            "label": _("Region"),
            "value": filters.region_id,
            "choices": [(each, each) for each in found.regions],
        },
    ]


def _price_row(price: Price) -> dict[str, Any]:
    return {
        "price": price,
        "provider": provider_name(price.provider_type),
        "component": _component_text(price),
        "period": f"/{Period(price.period).label}" if price.period else "",
        "monthly": queries.monthly_amount(price),
        "is_own": price.organization_id is not None,
        "history_url": f"{reverse('prices:price_history')}?"
        + urlencode({"provider": price.provider_type, "sku": price.sku_id}),
    }


def _component_text(price: Price) -> str:
    return str(price.get_component_display() if price.component else price.get_resource_type_display())


def _reading_row(reading: PriceReading) -> dict[str, Any]:
    return {
        "reading": reading,
        "provider": provider_name(reading.provider_type),
        "failures": [
            f"{scope_name(each['scope'].split('/'))}: {sentence(each['message'], each['params'])}"
            for each in reading.failed_scopes
        ],
    }


def _chart(prices: list[Price], now: datetime) -> dict[str, Any] | None:
    """A step for each price that held, per source's turn: what counted at each change; None for a single point."""
    moments = sorted(
        {
            moment
            for price in prices
            for moment in (price.valid_from, price.valid_until or now)
            if moment <= now
        }
    )
    if len(moments) < 2 or len({price.currency for price in prices}) != 1:
        return None
    values = []
    for moment in moments:
        holding = [
            price
            for price in prices
            if price.valid_from <= moment and (price.valid_until is None or price.valid_until > moment)
        ]
        offer = next(iter(queries.offers(holding)), None)
        values.append(None if offer is None else f"{offer.monthly:f}")
    return {
        "labels": [timezone.localtime(moment).date().isoformat() for moment in moments],
        "series": [{"name": _("a month"), "number": 1, "values": values}],
        "currency": prices[0].currency,
    }
