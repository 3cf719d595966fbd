"""Guardrails: what an organization demands of its resources, and what breaks it."""
