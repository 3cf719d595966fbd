"""Saved views and notes for administrators: read only, they are a tenant's own."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyModelAdmin, object_link
from costs.explorer.models import ChartNote, SavedView


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyModelAdmin):
    """Which views do people keep?"""

    list_display = ["name", "organization_link", "owner", "is_shared", "updated_at"]
    list_filter = ["is_shared", "updated_at"]
    search_fields = ["name", "query", "organization__name"]
    list_select_related = ["organization", "owner"]
    fields = ["name", "organization_link", "owner", "is_shared", "query", "created_at", "updated_at"]
    facts = ["organization_link"]
    organization_link = object_link("organization", _("organization"))


@admin.register(ChartNote)
class ChartNoteAdmin(ReadOnlyModelAdmin):
    """What do people say happened?"""

    list_display = ["date", "text", "organization_link", "author", "created_at"]
    list_filter = ["date"]
    search_fields = ["text", "organization__name"]
    list_select_related = ["organization", "author"]
    fields = ["date", "text", "filters", "organization_link", "author", "created_at"]
    facts = ["organization_link"]
    organization_link = object_link("organization", _("organization"))
