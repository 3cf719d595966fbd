"""OpenStack: Keystone and the services of its catalogue, for Selectel and for private clouds.

Endpoint `openstack.keystone` is served at `/openstack/keystone`, below it `/v3/auth/tokens`. Everything else a client
finds in the catalogue of its token: `/openstack/{nova,cinder,neutron,glance,manila,octavia,swift,gnocchi}/{region}/…`.
The part after `openstack.` is also the family of a fault, and a fault's `path` begins with the region.

The section `[openstack]` of a scenario has `token_lifetime_seconds` and, as `[[openstack.account]]`, private clouds
(see `cloud.Cloud`); the accounts of `[selectel]` are domains of the same Keystone. A scenario with `[selectel]` needs
`[openstack]` too, or its plugin finds money without things.
"""

from collections.abc import Mapping
from typing import Any

from providers.emulators.openstack.emulator import OpenStackEmulator
from providers.emulators.scenario import Scenario


def build(section: Mapping[str, Any], *, scenario: Scenario) -> OpenStackEmulator:
    """The emulator for a scenario's `[openstack]` section."""
    return OpenStackEmulator(section, scenario=scenario)
