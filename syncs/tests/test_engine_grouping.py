"""From the provider's word to the taxonomy: the administrators' table, the plugin, the metric's beginning."""

from __future__ import annotations

import pytest

from providers.contract.records import ResourceType
from syncs.engine.grouping import Grouping

from .world import LinesCloud, World, instant, line


def grouped(native_type: str, mappings=None) -> ResourceType | None:
    grouping = Grouping(plugin=LinesCloud, mappings=mappings or {})
    return grouping.resource_type(World().put("r:1", kind=native_type))


def test_an_administrators_mapping_comes_before_the_plugin() -> None:
    assert grouped("server") is ResourceType.SERVER
    assert grouped("server", {"server": ResourceType.DEDICATED_SERVER}) is ResourceType.DEDICATED_SERVER


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("load_balancers_small", ResourceType.LOAD_BALANCER),
        ("volume_gigabytes_fast", ResourceType.VOLUME),
        ("share_gigabytes_basic", ResourceType.FILE_STORAGE),
        ("dbaas_flavor", ResourceType.DATABASE),
        ("mks_node", ResourceType.KUBERNETES_CLUSTER),
        ("craas_storage", ResourceType.CONTAINER_REGISTRY),
        ("s3_standard", ResourceType.S3_BUCKET),
        ("network_floatingips", ResourceType.NETWORK),
        ("backup_gigabytes", ResourceType.BACKUP),
    ],
)
def test_the_beginning_of_a_metric_tells_where_no_mapping_does(metric, expected) -> None:
    assert grouped(metric) is expected


def test_what_maps_to_nothing_is_not_guessed() -> None:
    assert grouped("volumetric_thing") is None
    assert (
        Grouping(plugin=LinesCloud, mappings={}).resource_type(line("x", "1", start=instant(), kind="?"))
        is None
    )
