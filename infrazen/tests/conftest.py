"""Fixtures that journeys through the whole house borrow from the apps, and the demo's folder."""

from infrazen.tests.demo_folder import bare_demo as bare_demo
from infrazen.tests.demo_folder import demo_data as demo_data
from infrazen.tests.demo_folder import kept_demos as kept_demos
from infrazen.tests.demo_folder import selectel_demo as selectel_demo
from infrazen.tests.demo_folder import small_demo as small_demo
from providers.tests.conftest import fake_provider as fake_provider
