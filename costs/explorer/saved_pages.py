"""The pages of saved views, and the forms that save views and write notes on charts."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import UserRequest, organization_required, writer_required
from costs.explorer import services
from costs.explorer.forms import ChartNoteForm, SavedViewForm
from costs.explorer.models import ChartNote, SavedView
from costs.explorer.queries import today_of
from costs.explorer.saved import may_change, visible_views

UNPROCESSABLE = 422


@organization_required
@require_safe
def view_list(request: UserRequest) -> HttpResponse:
    """Own views and shared ones."""
    return _list_page(request)


@require_POST
@writer_required
def view_save(request: UserRequest) -> HttpResponse:
    """Keeps the view of `query` under a name, and shows it; 422 with the list where that does not go."""
    form = SavedViewForm(request.POST)
    if form.is_valid():
        try:
            view = services.save_view(
                membership=request.membership,
                today=today_of(request.organization, timezone.now()),
                **form.cleaned_data,
            )
        except services.ExplorerError as error:
            form.add_error("name", _sentence(error))
        else:
            messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
            return redirect(f"{reverse('explorer:explorer')}?{view.query}")
    return _list_page(request, form)


@require_POST
@writer_required
def view_change(request: UserRequest, pk: int) -> HttpResponse:
    """Renames and shares."""
    view = _own_or_404(request, pk)
    form = SavedViewForm(request.POST)
    if form.is_valid():
        try:
            services.change_view(
                membership=request.membership,
                view=view,
                name=form.cleaned_data["name"],
                is_shared=form.cleaned_data["is_shared"],
                today=today_of(request.organization, timezone.now()),
            )
        except services.ExplorerError as error:
            form.add_error("name", _sentence(error))
        else:
            messages.success(request, _("The view “%(name)s” is changed.") % {"name": view.name})
            return redirect("explorer:view_list")
    return _list_page(request, form)


@require_POST
@writer_required
def view_delete(request: UserRequest, pk: int) -> HttpResponse:
    view = _own_or_404(request, pk)
    services.delete_view(membership=request.membership, view=view)
    messages.success(request, _("The view “%(name)s” is deleted.") % {"name": view.name})
    return redirect("explorer:view_list")


@require_POST
@writer_required
def note_add(request: UserRequest) -> HttpResponse:
    """A note on the charts of the view of `query`; back to it."""
    form = ChartNoteForm(request.POST)
    if form.is_valid():
        try:
            services.add_note(
                membership=request.membership,
                day=form.cleaned_data["date"],
                text=form.cleaned_data["text"],
                query=form.cleaned_data["query"],
                today=today_of(request.organization, timezone.now()),
            )
        except services.ExplorerError as error:
            messages.error(request, _sentence(error))
    else:
        messages.error(request, _("A note has a day and at most 140 letters."))
    return redirect(f"{reverse('explorer:explorer')}?{request.POST.get('query', '')[:20_000]}")


@require_POST
@writer_required
def note_delete(request: UserRequest, pk: int) -> HttpResponse:
    note = get_object_or_404(ChartNote.objects.of(request.organization), pk=pk)
    services.delete_note(note=note)
    return redirect(f"{reverse('explorer:explorer')}?{request.POST.get('query', '')[:20_000]}")


def _list_page(request: UserRequest, form: SavedViewForm | None = None) -> HttpResponse:
    views = [
        {
            "view": view,
            "may_change": may_change(request.membership, view),
            "is_own": view.owner_id == request.user.pk,
        }
        for view in visible_views(request.membership)
    ]
    errors = [error for listed in form.errors.values() for error in listed] if form else []
    context = {"views": views, "errors": errors, "may_write": request.membership.may_write}
    return render(request, "explorer/view_list.html", context, status=UNPROCESSABLE if errors else 200)


def _own_or_404(request: UserRequest, pk: int) -> SavedView:
    """A view that its reader may not change is none of theirs; somebody's own ones are not told to exist."""
    view = get_object_or_404(visible_views(request.membership), pk=pk)
    if not may_change(request.membership, view):
        raise Http404
    return view


def _sentence(error: services.ExplorerError) -> str:
    if isinstance(error, services.NameTaken):
        return _("You have a view of that name already.")
    return _("There are enough of them in this organization. Delete one that nobody needs.")
