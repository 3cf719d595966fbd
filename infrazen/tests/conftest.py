"""Fixtures that journeys through the whole house borrow from the apps."""

from providers.tests.conftest import fake_provider as fake_provider
