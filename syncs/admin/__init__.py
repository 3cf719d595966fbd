"""Syncs for operators: what ran, what failed, what was found, what was not recognised."""

from syncs.admin import bills, completes, connections, history, states, triage

__all__ = ["bills", "completes", "connections", "history", "states", "triage"]
