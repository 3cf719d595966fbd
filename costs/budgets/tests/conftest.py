"""Fixtures that tests of budgets borrow from the apps below."""

from providers.tests.conftest import fake_provider as fake_provider
from syncs.tests.conftest import plugins as plugins
