"""What rules about people forbid.

AccountError                    the text is for the log, doors word their own message
├── LastSuperAdmin              somebody must be left who can do everything
├── SuperAdminExists            the bootstrap command has done its work already
├── NotAMember                  the organization is not this person's (or is not there: the same answer)
└── Refused                     the text is one sentence for the reader, in their language
    ├── LastOwner               an organization needs an owner
    ├── PersonalOrganization    what somebody has of their own stays theirs, as long as they have an account
    ├── DemoOrganization        the demo is everybody's
    ├── OrganizationLeaving     its deletion is asked for
    ├── DeletionBegun           too late to change one's mind
    ├── AlreadyMember           nobody is invited twice
    ├── TooManyInvitations      so many letters are no invitations any more
    └── InvitationNotValid      unknown, expired, withdrawn or used
        └── WrongAccount        it is for another e-mail
"""


class AccountError(Exception):
    """A rule about people forbids it."""


class LastSuperAdmin(AccountError):
    pass


class SuperAdminExists(AccountError):
    pass


class NotAMember(AccountError):
    pass


class Refused(AccountError):
    """`code` names the rule for programs."""

    code = "refused"


class LastOwner(Refused):
    code = "last_owner"


class PersonalOrganization(Refused):
    code = "personal_organization"


class DemoOrganization(Refused):
    code = "demo_organization"


class OrganizationLeaving(Refused):
    code = "organization_leaving"


class DeletionBegun(Refused):
    code = "deletion_begun"


class AlreadyMember(Refused):
    code = "already_member"


class TooManyInvitations(Refused):
    code = "too_many_invitations"


class InvitationNotValid(Refused):
    code = "invitation_not_valid"


class WrongAccount(InvitationNotValid):
    code = "wrong_account"
