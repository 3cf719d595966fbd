"""The demo's page in the admin, for super admins, where there is a demo: begin anew, move the clock, switch faults.

Each of the three asks once more on a page of its own, and acts on POST. What takes long runs in a worker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import acting_user
from accounts.audit.services import record
from infrazen import tasks
from infrazen.demo import faults, operations, state, switches
from infrazen.demo.errors import DemoError
from infrazen.demo.forms import ForwardForm, SwitchForm
from infrazen.demo.plan import Plan
from infrazen.demo.status import Status, status
from providers.messages import sentence

View = Callable[..., HttpResponse]


def links(request: HttpRequest) -> list[dict[str, Any]]:
    """The item of the admin's sidebar, for whom the page is; costs no query, but for a look at the data folder."""
    if not request.user.is_superuser or settings.IS_PRODUCTION or state.load(settings.DATA) is None:
        return []
    return [{"title": _("Demo"), "icon": "science", "link": reverse("demo:panel")}]


def of_demo(view: View) -> View:
    """For super admins of an installation that has a demo; the view gets its `Status`. Others: 403, and 404."""

    @wraps(view)
    def door(request: HttpRequest) -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied
        try:
            found = status()
        except DemoError as error:
            raise Http404(str(error)) from error
        return view(request, found)

    return never_cache(admin.site.admin_view(door))


@of_demo
@require_safe
def panel(request: HttpRequest, found: Status) -> HttpResponse:
    """HTMX gets the part that changes while something is under way, and asks again as long as it is."""
    context = {"demo": found, "work": work_told(found), "groups": _groups(found)}
    is_fragment = request.headers.get("HX-Target") == "demo-work"
    if is_fragment:
        return TemplateResponse(request, "admin/demo/_work.html", context)
    return _page(request, "admin/demo/panel.html", _("Demo"), context)


@of_demo
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, found: Status) -> HttpResponse:
    if request.method == "POST":
        if not _is_free(request, found):
            return _back()
        operations.announce("reset")
        tasks.reset_demo.delay_on_commit()  # type: ignore[attr-defined]  # Celery's Django task
        _record(request, found, "reset_demo")
        messages.success(
            request,
            _("The demo begins anew. This takes about two minutes; pages stay as they are until then."),
        )
        return _back()
    text = _(
        "The organization “%(name)s” with its connections, their history and whatever was added there is deleted and read "
        "anew through real syncs. The clock goes back to today, and nothing is switched on. Other organizations stay."
    ) % {"name": found.organization.name}
    return _confirm(request, _("Reset the demo"), text, _("Reset"), is_dangerous=True)


@of_demo
@require_http_methods(["GET", "HEAD", "POST"])
def forward(request: HttpRequest, found: Status) -> HttpResponse:
    form = ForwardForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        if not _is_free(request, found):
            return _back()
        operations.announce("forward")
        tasks.forward_demo.delay_on_commit(days=days)  # type: ignore[attr-defined]  # Celery's Django task
        _record(request, found, "forward_demo", days=days)
        messages.success(
            request, _("The clock is on its way. The pages show the new day when it has arrived.")
        )
        return _back()
    text = _(
        "For the emulated providers and for every page it becomes later. The demo's connections are synced whenever they "
        "are due on the way. A reset turns the clock back."
    )
    return _confirm(request, _("Move the clock forward"), text, _("Move"), form=form)


@of_demo
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest, found: Status) -> HttpResponse:
    """`fault` and `connection` in the query: on where it is off, off where it is on."""
    form = SwitchForm(request.POST if request.method == "POST" else request.GET)
    if not form.is_valid():
        raise Http404
    given = form.cleaned_data
    try:
        chosen = faults.offer(Plan.load(), found.state.switched, given["fault"], given["connection"])
    except DemoError as error:
        raise Http404(str(error)) from error
    if request.method == "POST":
        _switch(request, found, chosen)
        return _back()
    heading = _("Switch off: %(fault)s") if chosen.switched else _("Switch on: %(fault)s")
    text = chosen.back if chosen.switched else chosen.sees
    return _confirm(
        request,
        heading % {"fault": f"{chosen.title} · {chosen.target.connection}"},
        text,
        _("Switch off") if chosen.switched else _("Switch on"),
        form=form,
        more="" if chosen.switched else chosen.back,
    )


def work_told(found: Status) -> dict[str, Any]:
    """The latest long work in words: `level`, `text`, and `percent` while it is under way; {} where there was none."""
    work = found.operation
    if found.is_under_way:
        names = {"reset": _("The demo begins anew"), "forward": _("The clock goes forward")}
        name = (
            names.get(work.name, "") if work and work.ended_at is None else _("The demo is being worked on")
        )
        share = 100 * work.done // work.total if work and work.total and work.ended_at is None else 0
        return {"level": "info", "text": name, "percent": share}
    if work is None:
        return {}
    if work.ended_at is None or (work.error and not work.error["message"]):
        return {
            "level": "error",
            "text": _("The latest work on the demo was interrupted. Reset the demo to be sure of it."),
        }
    if work.error:
        return {"level": "error", "text": sentence(work.error["message"], work.error["params"])}
    return {"level": "success", "text": _done(work)}


def _done(work: state.Operation) -> str:
    if work.name == "reset":
        return _("The demo is as at its first start.")
    counts = ", ".join(f"{_STATUS[name]()}: {count}" for name, count in sorted(work.syncs.items()))
    return _("The clock went forward. Syncs on the way: %(counts)s.") % {
        "counts": counts or _("none was due")
    }


_STATUS: dict[str, Callable[[], str]] = {
    "success": lambda: _("done"),
    "partial": lambda: _("partial"),
    "error": lambda: _("failed"),
}


def _groups(found: Status) -> list[dict[str, Any]]:
    """Offers by connection, each with the address that switches it."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for offer in found.offers:
        query = {"fault": offer.fault.key, "connection": offer.target.connection}
        row = {"offer": offer, "url": reverse("demo:switch", query=query)}
        groups.setdefault(offer.target.connection, []).append(row)
    by_name = {connection.connection_name: connection for connection in found.connections}
    return [
        {
            "name": name,
            "connection": by_name.get(name),
            "rows": rows,
            "on_count": sum(row["offer"].switched is not None for row in rows),
        }
        for name, rows in groups.items()
    ]


def _switch(request: HttpRequest, found: Status, chosen: faults.Offer) -> None:
    act = switches.switch_off if chosen.switched else switches.switch_on
    try:
        act(key=chosen.fault.key, connection=chosen.target.connection, now=timezone.now())
    except DemoError as error:
        messages.error(request, str(error))
        return
    _record(request, found, act.__name__, fault=chosen.fault.key, connection=chosen.target.connection)
    text = (
        _("Switched off: %(fault)s.")
        if chosen.switched
        else _("Switched on: %(fault)s. Sync the connection to see it.")
    )
    messages.success(request, text % {"fault": f"{chosen.title} · {chosen.target.connection}"})


def _is_free(request: HttpRequest, found: Status) -> bool:
    if found.is_under_way:
        messages.warning(request, _("The demo is being worked on already. Wait until that is done."))
    return not found.is_under_way


def _record(request: HttpRequest, found: Status, action: str, **details: Any) -> None:
    record(
        "admin.action_run",
        obj=found.organization,
        organization=found.organization,
        actor=acting_user(request),
        details={"action": action, **details},
    )


def _confirm(
    request: HttpRequest,
    title: str,
    text: str,
    button: str,
    *,
    form: Form | None = None,
    more: str = "",
    is_dangerous: bool = False,
) -> HttpResponse:
    context = {
        "text": text,
        "more": more,
        "button": button,
        "form": form,
        "variant": "danger" if is_dangerous else "primary",
    }
    response = _page(request, "admin/demo/confirm.html", title, context)
    response.status_code = 422 if form is not None and form.errors else 200
    return response


def _page(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> TemplateResponse:
    return TemplateResponse(
        request, template, {**admin.site.each_context(request), "title": title, **context}
    )


def _back() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("demo:panel"))
