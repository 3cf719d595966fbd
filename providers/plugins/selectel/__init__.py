"""Selectel: money from the billing API, things from OpenStack and the managed services of every project and pool."""
