"""People and tenants for administrators. Nobody raises themselves: ranks and permissions are a super admin's to give."""

from accounts.admin import groups, invitations, organizations, users

__all__ = ["groups", "invitations", "organizations", "users"]
