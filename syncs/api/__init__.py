"""Syncs, snapshots, states, resources as of a moment, and imports of billing files, for scripts."""
