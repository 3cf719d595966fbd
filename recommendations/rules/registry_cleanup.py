"""Images in a container registry that nobody pulls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from recommendations.engine import cleanup, disks, steps
from recommendations.engine.calculations import EXACT_PRICE, INTERPOLATED_PRICE, confidence, kopecks
from recommendations.engine.contract import (
    Answer,
    Category,
    Cost,
    Effort,
    Finding,
    NotMatched,
    Option,
    Options,
    Risk,
    Rule,
    Skip,
    SkipReason,
    Text,
    money,
    number,
)
from recommendations.engine.facts import RegistryImage, ResourceFacts


class RegistryCleanup(Rule):
    """The newest images of each repository stay, and whatever runs in a cluster that is known."""

    id = "registry.cleanup"
    title = gettext_lazy("Images in a registry that nobody pulls")
    description = gettext_lazy(
        "Images without a tag, or pushed and not pulled for %(days)d days. The newest %(keep_newest)d of each repository "
        "stay, and so does what runs in a cluster."
    )
    category = Category.STORAGE
    applies_to: ClassVar[frozenset[str]] = frozenset({"container_registry"})
    needs = (Cost(),)
    options = (
        Option(
            name="days",
            label=gettext_lazy("Not pulled for"),
            default=90,
            unit=gettext_lazy("days"),
            minimum=7,
        ),
        Option(
            name="keep_newest",
            label=gettext_lazy("Newest ones of a repository that stay"),
            default=10,
            minimum=1,
        ),
        cleanup.keep_tags("keep", "retain", "compliance"),
    )
    base_confidence = Decimal("0.7")
    effort = Effort.MINUTES
    risk = Risk.LOW
    is_destructive = True

    def evaluate(self, facts: ResourceFacts, options: Options) -> Answer:
        refused = cleanup.not_there(facts) or cleanup.kept_by_tag(facts, options["keep_tags"])
        if refused is not None:
            return refused
        if facts.images is None:
            return Skip(SkipReason.NO_EVIDENCE, Text(_("What lies in the registry is not read.")))
        unused = _unused(facts, facts.images, options)
        if not unused:
            return NotMatched(
                Text(
                    _("All of its %(count)d images are new, pulled or running."), {"count": len(facts.images)}
                )
            )
        cost = facts.cost(cleanup.COST_DAYS)
        assert cost is not None
        size = sum((image.size_gib for image in unused), Decimal(0))
        whole = sum((image.size_gib for image in facts.images), Decimal(0))
        billed = disks.storage_monthly(facts)
        by_size = cost.monthly if billed is None else min(billed, cost.monthly)
        saving = by_size * size / whole if whole else Decimal(0)
        return Finding(
            resource_pks=(facts.pk,),
            facts={
                _("Images"): len(facts.images),
                _("Not needed"): len(unused),
                _("Without a tag"): sum(1 for image in unused if not image.tags),
                _("Together"): number(size, _("GiB")),
            },
            current_monthly=cost.monthly,
            target_monthly=cost.monthly - saving,
            saving_monthly=saving,
            currency=cost.currency,
            formula=Text(
                _("%(cost)s × %(size)s of %(whole)s GiB = %(saving)s"),
                {
                    "cost": money(kopecks(by_size), cost.currency),
                    "size": number(size),
                    "whole": number(whole),
                    "saving": money(kopecks(saving), cost.currency),
                },
            ),
            steps=(
                steps.ask_owner(facts),
                Text(
                    _(
                        "Set a retention policy: keep the newest %(count)d of each repository, delete what has no tag."
                    ),
                    {"count": options["keep_newest"]},
                ),
                Text(_("Run it without deleting first and read the list.")),
                Text(
                    _("What will disappear: %(names)s."),
                    {"names": ", ".join(_name(image) for image in unused)},
                ),
                Text(_("Run it, then the collection of garbage.")),
            ),
            matters={"repositories": sorted({image.repository for image in unused})},
            confidence=confidence(
                self.base_confidence,
                price_factor=EXACT_PRICE if billed is not None else INTERPOLATED_PRICE,
                cost_days=cost.full_days,
            ),
            summary=Text(
                _("Delete %(count)d images of the registry “%(name)s” that nobody pulls."),
                {"count": len(unused), "name": facts.name},
            ),
            notes=()
            if facts.connection.running_images is not None
            else (Text(_("No cluster is read: check that none of the images runs somewhere.")),),
        )


def _unused(facts: ResourceFacts, images: Sequence[RegistryImage], options: Options) -> list[RegistryImage]:
    """The newest ones are counted among those with a tag: what has none was replaced."""
    running = facts.connection.running_images or frozenset()
    repositories: dict[str, list[RegistryImage]] = defaultdict(list)
    for image in images:
        repositories[image.repository].append(image)
    found = []
    for held in repositories.values():
        tagged = sorted(
            (image for image in held if image.tags),
            key=lambda image: (image.pushed_at, image.digest),
            reverse=True,
        )
        newest = {image.digest for image in tagged[: options["keep_newest"]]}
        for image in held:
            idle = facts.days_since(max(image.pushed_at, image.pulled_at or image.pushed_at))
            is_old = idle >= options["days"] or (not image.tags and image.digest not in newest)
            if is_old and image.digest not in newest | running:
                found.append(image)
    return found


def _name(image: RegistryImage) -> str:
    return f"{image.repository}:{image.tags[0]}" if image.tags else f"{image.repository}@{image.digest[:19]}"
