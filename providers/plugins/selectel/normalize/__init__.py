"""Selectel's answers as records: `billing`, `rates`, `account`, `managed`, `prices`, with `words` for all. Pure."""
