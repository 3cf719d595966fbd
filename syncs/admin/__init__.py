"""Syncs for operators: what ran, what failed, what was found, what was not recognised."""

from syncs.admin import bills, connections, history, triage

__all__ = ["bills", "connections", "history", "triage"]
