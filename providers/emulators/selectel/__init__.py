"""Selectel beside its OpenStack: money, projects, people, and the managed services.

Endpoints (the name's part after `selectel.` is the path and the family of a fault) and what each stands for:

| endpoint | stands for |
|---|---|
| `selectel.billing` | https://api.selectel.ru: balances, prediction, statistics, transactions, reports, prices |
| `selectel.iam` | https://api.selectel.ru/iam |
| `selectel.resell` | https://api.selectel.ru/vpc/resell |
| `selectel.dedicated` | https://api.selectel.ru/servers |
| `selectel.dns` | https://api.selectel.ru/domains |
| `selectel.registry` | https://cr.selcloud.ru/api |
| `openstack.keystone` | https://cloud.api.selcloud.ru/identity |
| from the catalogue: `selectel.dbaas`, `selectel.mks`, `selectel.quota` | https://{pool}.{dbaas,mks}.selcloud.ru and the quota manager |

Accounts are described in `cloud.Cloud` of the OpenStack emulator and in `account`, prices in `prices`, what is charged
for a thing in `components`. The ledger charges; the statistics show its rows one to two hours later.
"""

from collections.abc import Mapping
from typing import Any

from providers.emulators.scenario import Scenario
from providers.emulators.selectel.emulator import SelectelEmulator


def build(section: Mapping[str, Any], *, scenario: Scenario) -> SelectelEmulator:
    """The emulator for a scenario's `[selectel]` section."""
    return SelectelEmulator(section, scenario=scenario)
