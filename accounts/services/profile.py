"""What a person writes about themselves."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.audit.services import record
from accounts.models import User


@transaction.atomic
def update_profile(*, user: User, changed: Sequence[str]) -> None:
    """Saves the named fields of an edited person."""
    if not changed:
        return
    before = User.objects.select_for_update().only(*changed).get(pk=user.pk)
    changes = {name: [getattr(before, name), getattr(user, name)] for name in changed}
    user.save(update_fields=list(changed))
    record("user.profile_changed", obj=user, actor=user, changes=changes)
