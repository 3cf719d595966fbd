"""The settings page of API tokens: what there is, a new one shown once, the end of one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import UserRequest, organization_required
from accounts.settings_tabs import settings_tabs
from accounts.tokens import queries, services
from accounts.tokens.forms import TokenForm

PAGE_SIZE = 200


@never_cache
@organization_required
def token_list(request: UserRequest) -> HttpResponse:
    """GET lists; POST makes a token and answers with the page that shows it, the only one that ever does."""
    form = TokenForm(request.POST or None, membership=request.membership)
    made, secret = None, ""
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = services.create_token(
                membership=request.membership,
                name=form.cleaned_data["name"],
                scope=form.chosen_scope,
                expires_at=form.expires_at,
            )
        except services.TooManyTokens:
            form.add_error(
                None,
                _("You have %(count)d tokens in this organization. Revoke one that is not used any more.")
                % {"count": services.TOKENS_AT_MOST},
            )
        else:
            form = TokenForm(membership=request.membership)
    tokens = queries.manageable_tokens(request.membership)[:PAGE_SIZE]
    context = {"tabs": settings_tabs(request), "form": form, "tokens": tokens, "made": made, "secret": secret}
    return render(request, "accounts/settings/tokens.html", context)


@require_POST
@organization_required
def token_revoke(request: UserRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(queries.manageable_tokens(request.membership), pk=pk)
    services.revoke_token(token=token)
    messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token.name})
    return redirect("tokens:token_list")
