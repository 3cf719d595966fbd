"""Why a message did not leave, as words for people."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Problem(models.TextChoices):
    """Kept with a delivery; the label is what people read. Other apps' texts and addresses are never kept."""

    UNREACHABLE = "unreachable", _("It cannot be reached.")
    REFUSED = "refused", _("It refused the message.")
    BUSY = "busy", _("It is busy; we try again.")
    FORBIDDEN_ADDRESS = (
        "forbidden_address",
        _("The address leads into a private network, which is not allowed."),
    )
    NOT_CONFIGURED = "not_configured", _("The administrator has not set this channel up.")
    CHAT_CLOSED = "chat_closed", _("The chat does not let our bot write any more. Link it again.")
    REDIRECTED = "redirected", _("It sent us on to another address; enter that one.")


class SendError(Exception):
    """`is_final`: another attempt would end the same; `retry_after`: seconds that the other side asks for."""

    def __init__(self, problem: Problem, *, is_final: bool = False, retry_after: float | None = None) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.is_final = is_final
        self.retry_after = retry_after
