"""Absolute addresses that leave the site."""

from __future__ import annotations

from typing import Any

from django.urls import reverse


def invitation_link(request: Any, token: str) -> str:
    """The token is no part of the path: paths are written to logs."""
    link: str = request.build_absolute_uri(reverse("accounts:invitation", query={"key": token}))
    return link
