"""Members of balancers: counted over their pools, and not known where pools may not be read."""

from __future__ import annotations

from typing import Any

import pytest

from providers.contract.errors import PermissionDenied, ProviderError, ProviderUnavailable, UnexpectedResponse
from providers.openstack.inventory import LISTS, balancers_with_members
from providers.openstack.normalize import Place, load_balancer

PLACE = Place(scope=("project", "p1"), project_id="p1", project_name="prod", region_id="ru-3")
BALANCERS = next(each for each in LISTS if each.name == "load_balancers")


class Octavia:
    """Answers from lists by path; an error is raised."""

    def __init__(self, balancers: list[dict[str, Any]], pools: list[dict[str, Any]] | ProviderError) -> None:
        self.answers = {"/loadbalancers": ("loadbalancers", balancers), "/pools": ("pools", pools)}
        self.asked: list[str] = []

    def get(self, path: str, *, params: dict[str, Any], interpret: Any) -> Any:
        self.asked.append(path)
        assert params["project_id"] == "p1"
        key, found = self.answers[path]
        if isinstance(found, ProviderError):
            raise found
        return interpret({key: found})


def balancer(balancer_id: str, *pools: str) -> dict[str, Any]:
    return {"id": balancer_id, "name": balancer_id, "pools": [{"id": pool} for pool in pools]}


def pool(balancer_id: str, *members: str) -> dict[str, Any]:
    return {
        "id": f"pool-{balancer_id}-{len(members)}",
        "loadbalancers": [{"id": balancer_id}],
        "members": [{"id": member} for member in members],
    }


def counts(octavia: Octavia) -> dict[str, Any]:
    items = balancers_with_members(None, octavia, BALANCERS, PLACE)
    records = [load_balancer(item, PLACE).record for item in items]
    return {record.resource_id: record.configuration.get("member_count") for record in records}


def test_members_of_all_pools_are_counted():
    octavia = Octavia(
        [balancer("busy", "p1", "p2"), balancer("idle", "p3")], [pool("busy", "a", "b"), pool("busy", "c")]
    )

    assert counts(octavia) == {"busy": 3, "idle": 0}


def test_balancers_without_pools_cost_no_further_call():
    octavia = Octavia([balancer("bare")], [])

    assert counts(octavia) == {"bare": 0}
    assert octavia.asked == ["/loadbalancers"]


@pytest.mark.parametrize(
    "error",
    [
        PermissionDenied("no", provider="acme", operation="GET /pools"),
        UnexpectedResponse("no", provider="acme", operation="GET /pools", params={"status": 404}),
    ],
)
def test_where_pools_may_not_be_read_members_are_not_known(error):
    assert counts(Octavia([balancer("busy", "p1")], error)) == {"busy": None}


def test_pools_that_do_not_answer_fail_the_list():
    error = ProviderUnavailable("later", provider="acme", operation="GET /pools")

    with pytest.raises(ProviderUnavailable):
        counts(Octavia([balancer("busy", "p1")], error))
