"""Guardrails: what an organization demands of its resources, and what breaks it."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PoliciesConfig(AppConfig):
    name = "recommendations.policies"
    label = "recommendation_policies"
    verbose_name = _("Policies")

    def ready(self) -> None:
        from accounts.notifications import kinds
        from recommendations.policies.announcements import POLICY_VIOLATED

        kinds.register(POLICY_VIOLATED)
