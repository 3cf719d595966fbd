"""What people write about resources: tags and notes. The pages that show them are pages of the house."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from accounts.access import UserRequest, writer_required
from inventory import queries, services
from inventory.forms import NoteForm, TagForm
from inventory.models import Resource

UNPROCESSABLE = 422
MAX_SELECTED = 1000


@writer_required
@require_POST
def tag_set(request: UserRequest, pk: int) -> HttpResponse:
    """Sets one tag; with htmx the answer is the tags of the resource with their form."""
    resource = _resource_or_404(request, pk)
    form = TagForm(request.POST)
    if form.is_valid():
        services.set_tag(resource=resource, key=form.cleaned_data["key"], value=form.cleaned_data["value"])
        form = TagForm()
    return _tags(request, resource, form)


@writer_required
@require_POST
def tag_remove(request: UserRequest, pk: int) -> HttpResponse:
    """Removes a person's tag (`key`); the provider's stay."""
    resource = _resource_or_404(request, pk)
    services.remove_tag(resource=resource, key=request.POST.get("key", ""))
    return _tags(request, resource, TagForm())


@writer_required
@require_POST
def note_add(request: UserRequest, pk: int) -> HttpResponse:
    resource = _resource_or_404(request, pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        services.add_note(resource=resource, author=request.user, text=form.cleaned_data["text"])
        form = NoteForm()
    status = UNPROCESSABLE if form.errors else 200
    if not request.htmx and not form.errors:
        return redirect(_address(resource, "notes"))
    context = {
        "resource": resource,
        "notes": queries.notes_of(resource),
        "note_form": form,
        "may_write": True,
    }
    template = "inventory/_notes.html" if request.htmx else "inventory/note_form.html"
    return render(request, template, context, status=status)


@writer_required
@require_POST
def tags_set(request: UserRequest) -> HttpResponse:
    """Sets one tag on the `resource`s that were selected in the list; `next` is the list's address."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = reverse("inventory:resource_list")
    selected = [
        int(pk) for pk in request.POST.getlist("resource")[:MAX_SELECTED] if pk.isdecimal() and len(pk) < 19
    ]
    resources = Resource.objects.of(request.organization).filter(pk__in=selected)
    form = TagForm(request.POST)
    if not selected:
        messages.warning(request, _("No resource was selected."))
    elif not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    else:
        count = 0
        for resource in resources:
            services.set_tag(
                resource=resource, key=form.cleaned_data["key"], value=form.cleaned_data["value"]
            )
            count += 1
        told = ngettext(
            "%(count)d resource has the tag %(tag)s.", "%(count)d resources have the tag %(tag)s.", count
        )
        tag = "=".join(part for part in (form.cleaned_data["key"], form.cleaned_data["value"]) if part)
        messages.success(request, told % {"count": count, "tag": tag})
    return HttpResponseClientRedirect(back) if request.htmx else redirect(back)


def _tags(request: UserRequest, resource: Resource, form: TagForm) -> HttpResponse:
    if not request.htmx and not form.errors:
        return redirect(_address(resource, "tags"))
    context = {
        "resource": resource,
        "tags": queries.tags_of(resource),
        "tag_form": form,
        "may_write": True,
    }
    template = "inventory/_tags.html" if request.htmx else "inventory/tag_form.html"
    return render(request, template, context, status=UNPROCESSABLE if form.errors else 200)


def _address(resource: Resource, part: str) -> str:
    return f"{reverse('inventory:resource_detail', args=[resource.pk])}#{part}"


def _resource_or_404(request: UserRequest, pk: int) -> Resource:
    resource: Resource = get_object_or_404(Resource.objects.of(request.organization), pk=pk)
    return resource
