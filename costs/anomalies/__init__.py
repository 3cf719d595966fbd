"""Anomalies: days that cost more than the days before let expect, why, and whether a person accepts it."""
