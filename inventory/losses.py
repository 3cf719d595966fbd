"""What of this app goes with an organization; told to `accounts.losses`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.losses import Loss
from accounts.models import Organization
from inventory.models import Resource, ResourceNote, Tag, TagSource


def of_organization(organization: Organization) -> list[Loss]:
    """Resources, and what people wrote on them: measurements and provider's tags would come back with a connection."""
    own_tags = Tag.objects.of(organization).filter(source=TagSource.USER)
    return [
        Loss(label=_("Resources"), count=Resource.objects.of(organization).count()),
        Loss(label=_("Tags set by people"), count=own_tags.count()),
        Loss(label=_("Notes"), count=ResourceNote.objects.of(organization).count()),
    ]
