"""Every action that the audit trail knows, «noun.verb_in_the_past», with the words that people read.

One list, so that filters can offer all of them and a typing slip in a call of `record` fails its first test. An action
is never renamed: old entries bear its name.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

SIGN_IN: dict[str, Any] = {
    "user.signed_up": _("Signed up"),
    "user.signed_in": _("Signed in"),
    "user.sign_in_failed": _("Failed to sign in"),
    "user.signed_out": _("Signed out"),
    "sign_in.limited": _("Sign-in held back after failures"),
    "sign_in.refused": _("Sign-in refused"),
    "address.limited": _("Address held back after too many requests"),
    "user.password_set": _("Password set for the first time"),
    "user.password_changed": _("Password changed"),
    "user.password_reset": _("Password reset by e-mail"),
    "user.email_added": _("E-mail address added"),
    "user.email_removed": _("E-mail address removed"),
    "user.email_changed": _("E-mail address changed"),
    "user.email_confirmed": _("E-mail address confirmed"),
    "user.login_method_added": _("Way to sign in added"),
    "user.login_method_removed": _("Way to sign in removed"),
    "user.login_method_kept": _("Removing a way to sign in refused"),
    "user.factor_added": _("Second factor added"),
    "user.factor_renamed": _("Passkey renamed"),
    "user.factor_removed": _("Second factor removed"),
    "user.factor_reset": _("Recovery codes made anew"),
    "user.recovery_codes_viewed": _("Recovery codes looked at"),
    "user.recovery_codes_downloaded": _("Recovery codes downloaded"),
    "user.factor_failed": _("Second factor refused"),
    "user.session_ended": _("Session ended from another one"),
    "user.sessions_ended": _("Signed out everywhere"),
    "user.profile_changed": _("Profile changed"),
    "user.made_super_admin": _("Made super admin by command"),
}

IMPERSONATION: dict[str, Any] = {
    "impersonation.started": _("Began to act as somebody else"),
    "impersonation.ended": _("Ended acting as somebody else"),
    "impersonation.refused": _("Was refused to act as somebody else"),
}

ORGANIZATIONS: dict[str, Any] = {
    "organization.created": _("Organization created"),
    "organization.renamed": _("Organization renamed"),
    "organization.changed": _("Organization changed"),
    "organization.handed_over": _("Organization handed over"),
    "organization.deletion_requested": _("Deletion of the organization requested"),
    "organization.deletion_cancelled": _("Deletion of the organization called off"),
    "organization.deleted": _("Organization deleted"),
    "membership.role_changed": _("Role of a member changed"),
    "membership.removed": _("Member removed"),
    "membership.left": _("Left the organization"),
    "invitation.sent": _("Invitation sent"),
    "invitation.resent": _("Invitation sent again"),
    "invitation.accepted": _("Invitation accepted"),
    "invitation.declined": _("Invitation declined"),
    "invitation.revoked": _("Invitation withdrawn"),
}

TOKENS: dict[str, Any] = {
    "token.created": _("API token created"),
    "token.revoked": _("API token revoked"),
}

CHANNELS: dict[str, Any] = {
    "channel.added": _("Notification channel added"),
    "channel.changed": _("Notification channel changed"),
    "channel.removed": _("Notification channel removed"),
}

CONNECTIONS: dict[str, Any] = {
    "connection.created": _("Connection created"),
    "connection.changed": _("Connection changed"),
    "connection.deleted": _("Connection deleted"),
    "connection.credentials_read": _("Credentials read"),
    "connection.credentials_changed": _("Credentials changed"),
    "connection.retried": _("Connection tried again after failures"),
    "provider_type.changed": _("Provider switched on or off for everybody"),
    "credentials.rotated": _("Credentials encrypted anew"),
}

DATA: dict[str, Any] = {
    "sync.requested": _("Sync started"),
    "complete_sync.requested": _("Sync of all connections started"),
    "complete_sync.retried": _("Failed connections synced again"),
    "file.uploaded": _("Billing file uploaded"),
    "tag.set": _("Tag set"),
    "tag.removed": _("Tag removed"),
    "note.added": _("Note written"),
    "type.mapped": _("Type mapped"),
    "unrecognized.resolved": _("Unrecognized resources resolved"),
    "budget.created": _("Budget created"),
    "budget.changed": _("Budget changed"),
    "budget.deleted": _("Budget deleted"),
    "planned_change.created": _("Change of costs planned"),
    "planned_change.changed": _("Planned change of costs changed"),
    "planned_change.deleted": _("Planned change of costs deleted"),
    "anomaly.acknowledged": _("Anomaly accepted"),
    "unit_metric.created": _("Unit metric created"),
    "unit_metric.changed": _("Unit metric changed"),
    "unit_metric.deleted": _("Unit metric deleted"),
    "unit_metric.counted": _("Quantities of a unit metric given"),
    "report.created": _("Report created"),
    "report.changed": _("Report changed"),
    "report.deleted": _("Report deleted"),
    "report.requested": _("Report made by hand"),
    "report.sent": _("Report sent by hand"),
    "report.run_deleted": _("Run of a report deleted"),
    "report.downloaded": _("File of a report downloaded"),
    "export.downloaded": _("Data exported"),
    "view.saved": _("View of costs saved"),
    "view.changed": _("View of costs changed"),
    "view.deleted": _("View of costs deleted"),
    "chart_note.added": _("Note on a chart written"),
    "chart_note.deleted": _("Note on a chart deleted"),
}

RECOMMENDATIONS: dict[str, Any] = {
    "recommendation.decided": _("Recommendation decided"),
    "recommendation.assigned": _("Recommendation assigned"),
    "recommendation_rule.changed": _("Rule of recommendations set"),
    "power_schedule.created": _("Power schedule made"),
    "power_schedule.changed": _("Power schedule changed"),
    "power_schedule.deleted": _("Power schedule removed"),
    "policy.created": _("Policy made"),
    "policy.changed": _("Policy changed"),
    "policy.deleted": _("Policy removed"),
    "violation.excepted": _("Violation of a policy excepted"),
    "violation.reopened": _("Exception from a policy ended"),
    "violation.assigned": _("Violation of a policy assigned"),
    "exclusion.created": _("Exclusion from recommendations made"),
    "exclusion.changed": _("Exclusion from recommendations changed"),
    "exclusion.deleted": _("Exclusion from recommendations removed"),
}

CONTEXT: dict[str, Any] = {
    "context.assigned": _("Business context assigned"),
    "context.node_added": _("Business context added"),
    "context.node_changed": _("Business context changed"),
    "context.node_removed": _("Business context removed"),
    "context.tags_chosen": _("Tags of the business context chosen"),
    "rule.added": _("Allocation rule added"),
    "rule.changed": _("Allocation rule changed"),
    "rule.moved": _("Allocation rule moved in the order"),
    "rule.switched_on": _("Allocation rule switched on"),
    "rule.switched_off": _("Allocation rule switched off"),
}

PRICES: dict[str, Any] = {
    "price.read": _("Price lists read by hand"),
    "price.uploaded": _("Price list uploaded"),
    "price.corrected": _("List price corrected"),
    "price.withdrawn": _("List price withdrawn"),
    "price.published": _("Price list published to everybody"),
}

ADMIN: dict[str, Any] = {
    "admin.added": _("Added in the admin"),
    "admin.changed": _("Changed in the admin"),
    "admin.deleted": _("Deleted in the admin"),
    "admin.action_run": _("Action of the admin run"),
}

AUDIT: dict[str, Any] = {
    "audit.exported": _("Audit trail exported"),
    "audit.purged": _("Old audit entries removed"),
    "backup.made": _("Backup made"),
}

ACTIONS: dict[str, Any] = {
    **SIGN_IN,
    **IMPERSONATION,
    **ORGANIZATIONS,
    **TOKENS,
    **CHANNELS,
    **CONNECTIONS,
    **DATA,
    **RECOMMENDATIONS,
    **CONTEXT,
    **PRICES,
    **ADMIN,
    **AUDIT,
}
"""Action -> words."""


def label(action: str) -> str:
    """The action's words; the action itself where a newer version wrote it."""
    return str(ACTIONS.get(action, action))
