"""Pages that make, change, test and delete connections. The list of connections is a page of the house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from accounts.access import UserRequest, organization_required, writer_required
from accounts.impersonation import refuse, refuse_while_impersonating
from providers import catalogue, guides, queries, services, tasks
from providers.contract.errors import ProviderError, UnknownProvider
from providers.contract.plugin import ProviderPlugin
from providers.contract.records import ConnectionTest, ScopeStatus
from providers.forms import ConnectionForm
from providers.messages import Explanation, explain, provider_name, sentence
from providers.models import ProviderConnection
from providers.registry import plugin_class
from providers.scopes import scope_name

UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadScope:
    """A part of the account that these credentials cannot read, and why, in the reader's language."""

    name: str
    reason: str


@writer_required
@require_safe
def provider_choose(request: UserRequest) -> HttpResponse:
    """Which provider shall be connected?"""
    plugins = [
        {
            "name": sentence(plugin.display_name),
            "summary": sentence(plugin.summary),
            "badge": plugin.badge,
            "url": reverse("providers:connection_create", args=[plugin.key]),
        }
        for plugin in catalogue.offered_plugins()
    ]
    return render(request, "providers/provider_choose.html", {"plugins": plugins})


@organization_required
@require_safe
def provider_guide(request: UserRequest, provider_type: str) -> HttpResponse:
    """How to get the credentials at the provider, in the reader's language."""
    plugin = _plugin_or_404(provider_type)
    guide = guides.guide(plugin)
    if guide is None:
        raise Http404
    connect_url = reverse("providers:connection_create", args=[plugin.key])
    context = {
        "guide": guide,
        "summary": sentence(plugin.summary),
        "connect_url": connect_url if request.membership.may_write else "",
    }
    return render(request, "providers/guide.html", context)


@sensitive_post_parameters()
@refuse_while_impersonating
@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("form")
def connection_create(request: UserRequest, provider_type: str) -> HttpResponse:
    plugin = _plugin_or_404(provider_type)
    kind = catalogue.type_settings(provider_type)
    if not kind.is_enabled:
        messages.error(request, catalogue.disabled_sentence(provider_type))
        return _redirected(request, "providers:provider_choose")
    form = ConnectionForm(request.POST or None, plugin=plugin, interval=kind.sync_interval_minutes)
    problem = None
    if request.method == "POST" and form.is_valid():
        try:
            connection = services.create_connection(
                organization=request.organization,
                provider_type=provider_type,
                credentials=form.credentials(),
                now=timezone.now(),
                **form.settings(),
            )
        except ValidationError as error:
            form.add_service_errors(error)
        except ProviderError as error:
            problem = explain(error, provider_type=provider_type)
        else:
            messages.success(request, _("“%(name)s” is connected.") % {"name": connection.connection_name})
            return _to_connections(request)
    return _form_page(request, form, problem=problem)


@sensitive_post_parameters()
@refuse_while_impersonating
@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("form")
def connection_edit(request: UserRequest, pk: int) -> HttpResponse:
    connection = _connection_or_404(request, pk)
    form = ConnectionForm(
        request.POST or None, plugin=_plugin_or_404(connection.provider_type), connection=connection
    )
    problem = None
    if request.method == "POST" and form.is_valid():
        try:
            connection = services.update_connection(
                connection=connection, credentials=form.credentials(), now=timezone.now(), **form.settings()
            )
        except ValidationError as error:
            form.add_service_errors(error)
        except ProviderError as error:
            problem = explain(error, provider_type=connection.provider_type)
        else:
            messages.success(request, _("“%(name)s” is saved.") % {"name": connection.connection_name})
            return _to_connections(request)
    return _form_page(request, form, problem=problem)


@writer_required
@require_http_methods(["GET", "HEAD", "POST"])
def connection_delete(request: UserRequest, pk: int) -> HttpResponse:
    """Asks for the connection's name (`confirm_name`) before it deletes."""
    connection = _connection_or_404(request, pk)
    context: dict[str, Any] = {"connection": connection, "provider": provider_name(connection.provider_type)}
    if request.method == "POST":
        if request.POST.get("confirm_name", "").strip() == connection.connection_name:
            name = {"name": connection.connection_name}
            if services.delete_connection(connection=connection):
                messages.success(request, _("“%(name)s” is deleted.") % name)
            else:
                tasks.hand_out_deletion(pk)
                messages.info(
                    request,
                    _("“%(name)s” is switched off and being deleted; it has a lot of history.") % name,
                )
            return _to_connections(request)
        context["error"] = _("That is not the name of this connection.")
    context["losses"] = queries.losses(connection)
    status = UNPROCESSABLE if "error" in context else 200
    return render(request, "providers/connection_delete.html", context, status=status)


@sensitive_post_parameters()
@refuse_while_impersonating
@writer_required
@require_POST
@sensitive_variables("form")
def credentials_test(request: UserRequest, provider_type: str) -> HttpResponse:
    """Tests what a form holds before it is saved; saves nothing."""
    form = ConnectionForm(request.POST, plugin=_plugin_or_404(provider_type))
    return _tested(request, form)


@sensitive_post_parameters()
@writer_required
@require_POST
@sensitive_variables("form")
def connection_test(request: UserRequest, pk: int) -> HttpResponse:
    """Tests a connection as it is set, or under the changes that its form holds; saves nothing.

    A bare POST (the button in a list) tests what is set.
    """
    connection = _connection_or_404(request, pk)
    plugin = _plugin_or_404(connection.provider_type)
    form = ConnectionForm(request.POST, plugin=plugin, connection=connection)
    if any(name in request.POST for name in form.fields):
        refuse(request)  # somebody else's credentials are not typed for them
        return _tested(request, form)
    context = _test_context(
        connection.provider_type,
        lambda: services.test_saved_connection(connection=connection, now=timezone.now()),
    )
    if request.htmx:
        return render(request, "providers/_connection_test.html", context)
    return _form_page(request, ConnectionForm(plugin=plugin, connection=connection), **context)


@sensitive_variables("form", "credentials")
def _tested(request: UserRequest, form: ConnectionForm) -> HttpResponse:
    """The test's answer: the fragment for HTMX, the whole form with the answer otherwise.

    The name of the connection is no part of a test, so a form that lacks only a name is tested.
    """
    form.fields["connection_name"].required = False
    provider_type = form.plugin.key
    if not form.is_valid():
        return _incomplete(request, form)
    credentials = form.credentials()
    if form.connection:
        connection = form.connection
        context = _test_context(
            provider_type,
            lambda: services.test_saved_connection(
                connection=connection, changes=credentials, now=timezone.now()
            ),
        )
    else:
        context = _test_context(
            provider_type,
            lambda: services.test_connection(
                provider_type=provider_type, credentials=credentials, now=timezone.now()
            ),
        )
    if request.htmx:
        return render(request, "providers/_connection_test.html", context)
    return _form_page(request, form, **context)


def _incomplete(request: UserRequest, form: ConnectionForm) -> HttpResponse:
    """A test of a form that is not complete. For HTMX beside the form, so that what was typed stays."""
    if not request.htmx:
        return _form_page(request, form)
    wrong = [str(form[name].label) if name in form.fields else "" for name in form.errors]
    problem = Explanation(
        code="invalid",
        title=_("Fill in the form first."),
        text=", ".join(label for label in wrong if label),
        action="",
        action_label="",
    )
    return render(request, "providers/_connection_test.html", {"problem": problem}, status=UNPROCESSABLE)


def _test_context(provider_type: str, ask: Any) -> dict[str, Any]:
    """`test` with `test_facts` and `unread`, or `problem`."""
    try:
        test: ConnectionTest = ask()
    except ProviderError as error:
        return {"problem": explain(error, provider_type=provider_type)}
    except ValidationError as error:
        text = " ".join(error.messages)
        title = _("Something is missing.")
        return {"problem": Explanation(code="invalid", title=title, text=text, action="", action_label="")}
    readable = (ScopeStatus.COMPLETE, ScopeStatus.ABSENT)
    unread = [
        UnreadScope(name=scope_name(scope.scope), reason=sentence(scope.message, scope.params))
        for scope in test.scopes
        if scope.status not in readable
    ]
    facts = [(sentence(label), value) for label, value in test.facts.items()]
    return {"test": test, "test_facts": facts, "unread": unread}


def _form_page(
    request: UserRequest, form: ConnectionForm, *, problem: Explanation | None = None, **context: Any
) -> HttpResponse:
    """The form as a page, or as its fragment for HTMX; 422 when what was typed cannot be, or the provider refuses."""
    connection = form.connection
    if connection:
        action = reverse("providers:connection_edit", args=[connection.pk])
        test_url = reverse("providers:connection_test", args=[connection.pk])
    else:
        action = reverse("providers:connection_create", args=[form.plugin.key])
        test_url = reverse("providers:credentials_test", args=[form.plugin.key])
    context |= {
        "form": form,
        "connection": connection,
        "provider": sentence(form.plugin.display_name),
        "badge": form.plugin.badge,
        "summary": sentence(form.plugin.summary),
        "guide_url": reverse("providers:provider_guide", args=[form.plugin.key])
        if guides.guide(form.plugin)
        else "",
        "action": action,
        "test_url": test_url,
        "can_test": bool(form.plugin.credential_fields),
        "problem": problem,
    }
    if request.htmx and problem and not form.errors:  # beside the form, so that what was typed stays
        response = render(request, "providers/_connection_test.html", context, status=UNPROCESSABLE)
        return retarget(reswap(response, "innerHTML"), "#connection-test")
    template = "providers/_connection_form.html" if request.htmx else "providers/connection_form.html"
    return render(request, template, context, status=UNPROCESSABLE if form.errors or problem else 200)


def _to_connections(request: UserRequest) -> HttpResponse:
    return _redirected(request, "connections")


def _redirected(request: UserRequest, name: str) -> HttpResponse:
    """HTMX cannot follow a redirect into a whole page by itself."""
    return HttpResponseClientRedirect(reverse(name)) if request.htmx else redirect(name)


def _connection_or_404(request: UserRequest, pk: int) -> ProviderConnection:
    return get_object_or_404(ProviderConnection.objects.of(request.organization), pk=pk)


def _plugin_or_404(provider_type: str) -> type[ProviderPlugin]:
    try:
        return plugin_class(provider_type)
    except UnknownProvider:
        raise Http404 from None
