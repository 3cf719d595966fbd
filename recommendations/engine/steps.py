"""Steps that advice is made of: short texts, with the provider's own command where one is known. Pure.

A step's `command` is one line to type: OpenStack's client for whatever is an OpenStack cloud, the method of the API for
Beget. Where none is known, the same step stands in words alone. A command is to be read by a person, who runs it.
Sources: reference of `openstack` (python-openstackclient); Beget's cloud API (VPS, images, cloud services).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from decimal import Decimal

from django.utils.translation import gettext_noop as _

from recommendations.engine.contract import Text, number
from recommendations.engine.facts import ResourceFacts

OPENSTACK = frozenset({"openstack", "selectel", "vkcloud"})
"""Providers whose servers, disks and addresses are OpenStack's own, under its ids."""
BEGET = "beget"
BEGET_API = "https://api.beget.com"

OPENSTACK_COMMANDS: Mapping[tuple[str, str], str] = {
    ("server", "stop"): "server stop {id}",
    ("server", "start"): "server start {id}",
    ("server", "shelve"): "server shelve {id}",
    ("server", "unshelve"): "server unshelve {id}",
    ("server", "copy"): "server image create --name {copy} {id}",
    ("server", "resize"): "server resize --flavor <flavor> {id}",
    ("server", "mark"): "server set --property finops-delete-after=<date> {id}",
    ("server", "delete"): "server delete {id}",
    ("volume", "copy"): "volume snapshot create --force --volume {id} {copy}",
    ("volume", "mark"): "volume set --property finops-delete-after=<date> {id}",
    ("volume", "retype"): "volume set --type <type> --retype-policy on-demand {id}",
    ("volume", "delete"): "volume delete {id}",
    ("snapshot", "delete"): "volume snapshot delete {id}",
    ("backup", "delete"): "volume backup delete {id}",
    ("image", "delete"): "image delete {id}",
    ("floating_ip", "delete"): "floating ip delete {id}",
    ("load_balancer", "delete"): "loadbalancer delete {id}",
    ("router", "delete"): "router delete {id}",
    ("file_storage", "delete"): "share delete {id}",
}
BEGET_COMMANDS: Mapping[tuple[str, str], str] = {
    ("server", "stop"): "POST {api}/v1/vps/server/{id}/stop",
    ("server", "start"): "POST {api}/v1/vps/server/{id}/start",
    ("server", "copy"): "POST {api}/v1/vps/snapshot",
    ("server", "resize"): "PUT {api}/v1/vps/server/{id}/configuration",
    ("server", "delete"): "POST {api}/v1/vps/server/{id}/remove",
    ("snapshot", "delete"): "DELETE {api}/v1/vps/snapshot/{id}",
    ("image", "delete"): "DELETE {api}/v1/image/{id}",
    ("floating_ip", "delete"): "DELETE {api}/v1/vps/network/{id}",
    ("s3_bucket", "delete"): "DELETE {api}/v1/cloud/{id}",
    ("database", "resize"): "PATCH {api}/v1/cloud/{id}/configuration",
}


def command(facts: ResourceFacts, verb: str) -> str:
    """The line to type, "" where none is known."""
    provider = facts.connection.provider_type
    kind = (facts.resource_type, verb)
    if provider in OPENSTACK and kind in OPENSTACK_COMMANDS:
        region = f"--os-region-name {shlex.quote(facts.region_id)} " if facts.region_id else ""
        line = OPENSTACK_COMMANDS[kind].format(
            id=shlex.quote(facts.resource_id), copy=shlex.quote(f"before-delete-{facts.name}")
        )
        return f"openstack {region}{line}"
    if provider == BEGET and kind in BEGET_COMMANDS:
        own_id = facts.resource_id.rpartition(":")[2]
        return BEGET_COMMANDS[kind].format(api=BEGET_API, id=own_id)
    return ""


# ---- people and time ------------------------------------------------------------------------------------------


def ask_owner(facts: ResourceFacts) -> Text:
    if facts.owner:
        return Text(
            _("Ask %(owner)s whether “%(name)s” is needed."), {"owner": facts.owner, "name": facts.name}
        )
    return Text(_("Find the owner of “%(name)s” and ask whether it is needed."), {"name": facts.name})


def mark(facts: ResourceFacts, days: int) -> Text:
    """The waiting mark before a deletion."""
    return _with_command(
        facts,
        "mark",
        Text(
            _("Mark “%(name)s” as to be deleted in %(days)d days."),
            {"name": facts.name, "days": days},
        ),
        _("Mark “%(name)s” as to be deleted in %(days)d days: %(command)s"),
    )


def wait(days: int) -> Text:
    return Text(_("Wait %(days)d days; if somebody misses it, undo the last step."), {"days": days})


def agree_on_time(facts: ResourceFacts) -> Text:
    return Text(_("Agree on a time: “%(name)s” restarts and is away for some minutes."), {"name": facts.name})


def watch(days: int) -> Text:
    return Text(
        _("Watch its load for %(days)d days; go back to the old size if it is short."), {"days": days}
    )


def ask_provider(facts: ResourceFacts) -> Text:
    return Text(
        _("Open a ticket with %(provider)s: id %(id)s, with the billed lines attached."),
        {"provider": facts.connection.provider_name, "id": facts.resource_id},
    )


def check_bill() -> Text:
    return Text(_("Check the next day's bill."))


# ---- what is done to a resource -------------------------------------------------------------------------------


def stop_server(facts: ResourceFacts) -> Text:
    return _named(facts, "stop", _("Stop “%(name)s”."), _("Stop “%(name)s”: %(command)s"))


def start_server(facts: ResourceFacts) -> Text:
    return _named(facts, "start", _("Start “%(name)s”."), _("Start “%(name)s”: %(command)s"))


def shelve_server(facts: ResourceFacts) -> Text:
    """Shelved, it keeps its disks and addresses and gives its processor and memory back."""
    return _named(facts, "shelve", _("Shelve “%(name)s”."), _("Shelve “%(name)s”: %(command)s"))


def unshelve_server(facts: ResourceFacts) -> Text:
    return _named(
        facts,
        "unshelve",
        _("Take “%(name)s” from the shelf."),
        _("Take “%(name)s” from the shelf: %(command)s"),
    )


def copy_server(facts: ResourceFacts) -> Text:
    """An image or a snapshot of the whole machine."""
    return _named(
        facts,
        "copy",
        _("Make a snapshot of “%(name)s” and see that it is whole."),
        _("Make a snapshot of “%(name)s” and see that it is whole: %(command)s"),
    )


def resize(facts: ResourceFacts, size: str) -> Text:
    """To a size in words; a restart belongs to it."""
    return _with_command(
        facts,
        "resize",
        Text(_("Change “%(name)s” to %(size)s."), {"name": facts.name, "size": size}),
        _("Change “%(name)s” to %(size)s: %(command)s"),
    )


def snapshot_volume(facts: ResourceFacts) -> Text:
    if facts.storage_gib is None:
        return _named(
            facts,
            "copy",
            _("Make a snapshot of “%(name)s”."),
            _("Make a snapshot of “%(name)s”: %(command)s"),
        )
    return _with_command(
        facts,
        "copy",
        Text(
            _("Make a snapshot of “%(name)s” (%(size)s)."),
            {"name": facts.name, "size": number(facts.storage_gib, _("GiB"))},
        ),
        _("Make a snapshot of “%(name)s” (%(size)s): %(command)s"),
    )


def retype_volume(facts: ResourceFacts, family: str) -> Text:
    return _with_command(
        facts,
        "retype",
        Text(_("Move “%(name)s” to the disk class %(family)s."), {"name": facts.name, "family": family}),
        _("Move “%(name)s” to the disk class %(family)s: %(command)s"),
    )


def delete(facts: ResourceFacts) -> Text:
    """Of anything; comes after a copy, a mark and a waiting time."""
    return _named(facts, "delete", _("Delete “%(name)s”."), _("Delete “%(name)s”: %(command)s"))


def release_ip(facts: ResourceFacts) -> Text:
    return _named(
        facts,
        "delete",
        _("Release the address “%(name)s”; the same one will not come back."),
        _("Release the address “%(name)s”; the same one will not come back: %(command)s"),
    )


def what_disappears(facts: ResourceFacts) -> Text:
    """Exactly what a deletion of it takes away."""
    names = ", ".join(_in_words(each) for each in (facts, *facts.components))
    return Text(_("What will disappear: %(names)s."), {"names": names})


def after_a_copy(facts: ResourceFacts, days: int) -> tuple[Text, ...]:
    """Mark, wait, list what disappears, delete: the end of every deletion; a copy goes before it."""
    return (mark(facts, days), wait(days), what_disappears(facts), delete(facts))


# ---- words ----------------------------------------------------------------------------------------------------


def size_in_words(vcpus: Decimal | None, memory_mib: int | None, storage_gib: Decimal | None = None) -> str:
    """4 vCPU, 8 GiB, 100 GiB; what is not known is left out."""
    words = []
    if vcpus is not None:
        words.append(f"{plain(vcpus)} vCPU")
    if memory_mib is not None:
        words.append(f"{plain(Decimal(memory_mib) / 1024)} GiB")
    if storage_gib is not None:
        words.append(f"{plain(storage_gib)} GiB")
    return ", ".join(words)


def plain(value: Decimal) -> str:
    """Without trailing zeros and without an exponent."""
    return f"{value.quantize(Decimal('0.01')).normalize():f}"


def _in_words(facts: ResourceFacts) -> str:
    size = facts.storage_gib if facts.resource_type != "server" else None
    return f"{facts.name} ({plain(size)} GiB)" if size else facts.name


def _named(facts: ResourceFacts, verb: str, words: str, words_with_command: str) -> Text:
    return _with_command(facts, verb, Text(words, {"name": facts.name}), words_with_command)


def _with_command(facts: ResourceFacts, verb: str, text: Text, words_with_command: str) -> Text:
    line = command(facts, verb)
    return Text(words_with_command, {**text.params, "command": line}) if line else text
