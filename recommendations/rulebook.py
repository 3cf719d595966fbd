"""The rules as one organization has set them: which are on, with what options, and what they leave alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import Organization
from costs.explorer import subtrees
from costs.explorer.filters import Filters, parse_filters
from providers.models import ProviderConnection
from recommendations.engine.contract import Option, Options, Rule
from recommendations.engine.facts import ResourceFacts
from recommendations.engine.registry import all_rules
from recommendations.models import Exclusion, RuleSetting
from recommendations.proof import trust
from syncs.models import ResourceState

TEXTS_LIMIT = 100
TEXT_LENGTH = 200


class InvalidOption(ValueError):
    """A value that an option cannot have; the message is a sentence that names the option."""


def parse_option(option: Option, value: Any) -> Decimal | int | bool | tuple[str, ...]:
    """A value as people, the API or the database give it, as the option has it; raises InvalidOption."""
    if isinstance(option.default, bool):
        if value in (True, "true", "True", "on", "1", 1):
            return True
        if value in (False, "false", "False", "", "0", 0, None):
            return False
        raise InvalidOption(_("“%(option)s” is yes or no.") % {"option": option.label})
    if isinstance(option.default, tuple):
        return _texts(option, value)
    return _number(option, value)


def stored(value: Decimal | int | bool | tuple[str, ...]) -> Any:
    """The value as JSON keeps it."""
    if isinstance(value, Decimal):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def describe(rule: type[Rule], options: Mapping[str, Any]) -> str:
    """The rule's description with the values of its options in it."""
    shown = {name: ", ".join(value) if isinstance(value, tuple) else value for name, value in options.items()}
    return str(rule.description) % shown


@dataclass(frozen=True, slots=True)
class _Layer:
    """One setting, read: whether it says on or off, and the options that it changes."""

    is_enabled: bool | None
    options: Mapping[str, Any]


class Rulebook:
    """Settings, exclusions and experience of one organization, read once; three queries.

    `trust` is {rule: factor of its confidence}, learnt from proofs.
    """

    def __init__(self, organization: Organization, *, today: date) -> None:
        self.organization = organization
        rows = list(
            RuleSetting.objects.filter(Q(organization=organization) | Q(organization__isnull=True)).order_by(
                "pk"
            )
        )
        self.rules = all_rules()
        self._for_all: dict[str, _Layer] = {}
        self._of_organization: dict[str, _Layer] = {}
        self._of_connection: dict[tuple[str, int], _Layer] = {}
        self._of_tag: dict[str, list[tuple[str, str, _Layer]]] = {}
        for row in rows:
            self._place(row)
        self.exclusions = list(
            Exclusion.objects.of(organization)
            .filter(Q(until__isnull=True) | Q(until__gte=today))
            .order_by("pk")
        )
        self.trust = trust(organization)
        self._hash = _hash_of(rows, self.exclusions, self.rules)
        self._cache: dict[tuple[str, int, tuple[int, ...]], Options | None] = {}

    def inputs_hash(self, prices_version: str) -> str:
        """Stands for everything beside the facts that an evaluation depends on."""
        return hashlib.blake2b(f"{self._hash}/{prices_version}".encode(), digest_size=16).hexdigest()

    def options_for(self, rule: type[Rule], facts: ResourceFacts) -> Options | None:
        """The rule's options for a resource; None where it is off for it."""
        tags = tuple(
            place
            for place, (key, value, _layer) in enumerate(self._of_tag.get(rule.id, ()))
            if key in facts.tags and value in ("", facts.tags[key])
        )
        key = (rule.id, facts.connection.pk, tags)
        if key not in self._cache:
            self._cache[key] = self._resolved(rule, facts.connection.pk, tags)
        return self._cache[key]

    def options_of(self, rule: type[Rule], connection_id: int | None = None) -> Options | None:
        """As they are for a connection, or for the organization; None where the rule is off."""
        return self._resolved(rule, connection_id, ())

    def longest(self) -> dict[str, Options]:
        """{rule: options} with the largest number that anybody set, so that enough history is read."""
        found = {}
        for rule in self.rules.values():
            values = dict(Options(rule.declared()))
            for layer in self._layers_of(rule.id):
                for name, value in self._read(rule, layer).items():
                    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
                    values[name] = max(values[name], value) if is_number else value
            found[rule.id] = Options(rule.declared(), values)
        return found

    def excluded(self, connection: ProviderConnection) -> dict[str, set[int]]:
        """{rule, "" for all: resources of the connection that are left alone}; a query for each exclusion."""
        found: dict[str, set[int]] = {}
        for exclusion in self.exclusions:
            states = ResourceState.objects.of(self.organization).open().filter(connection=connection)
            wanted = subtrees.whole(self.organization, exclusion_filters(exclusion.scope))
            if not wanted:  # what it was about is gone: better too little left alone than everything
                continue
            rows = wanted.apply_to_states(states)
            found.setdefault(exclusion.rule_id, set()).update(rows.values_list("resource_id", flat=True))
        return found

    # ---- layers -------------------------------------------------------------------------------------------

    def _place(self, row: RuleSetting) -> None:
        layer = _Layer(row.is_enabled, row.options)
        if row.organization_id is None:
            self._for_all[row.rule_id] = layer
        elif row.connection_id is not None:
            self._of_connection[row.rule_id, row.connection_id] = layer
        elif row.tag_key:
            key = row.tag_key.casefold()
            self._of_tag.setdefault(row.rule_id, []).append((key, row.tag_value, layer))
        else:
            self._of_organization[row.rule_id] = layer

    def _layers_of(self, rule_id: str) -> list[_Layer]:
        single = [self._for_all.get(rule_id), self._of_organization.get(rule_id)]
        connections = [layer for (rule, _pk), layer in self._of_connection.items() if rule == rule_id]
        tags = [layer for _key, _value, layer in self._of_tag.get(rule_id, ())]
        return [layer for layer in (*single, *connections, *tags) if layer is not None]

    def _resolved(self, rule: type[Rule], connection_id: int | None, tags: Sequence[int]) -> Options | None:
        layers = [self._for_all.get(rule.id), self._of_organization.get(rule.id)]
        if connection_id is not None:
            layers.append(self._of_connection.get((rule.id, connection_id)))
        layers += [self._of_tag[rule.id][place][2] for place in tags]
        values: dict[str, Any] = {}
        is_enabled = True
        for layer in layers:
            if layer is not None:
                values.update(self._read(rule, layer))
                is_enabled = is_enabled if layer.is_enabled is None else layer.is_enabled
        return Options(rule.declared(), values) if is_enabled else None

    @staticmethod
    def _read(rule: type[Rule], layer: _Layer) -> dict[str, Any]:
        """What an older version of the rule could be set to and this one cannot is passed over."""
        values = {}
        for option in rule.declared():
            if option.name in layer.options:
                try:
                    values[option.name] = parse_option(option, layer.options[option.name])
                except InvalidOption:
                    continue
        return values


def exclusion_filters(scope: str) -> Filters:
    """The filters of a stored scope; what dimensions are gone is passed over as the explorer does."""
    query = QueryDict(scope)
    return parse_filters({name: query.getlist(name) for name in query})[0]


def _texts(option: Option, value: Any) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise InvalidOption(_("“%(option)s” is a list of texts.") % {"option": option.label})
    texts = tuple(item.strip() for item in items if item.strip())
    if len(texts) > TEXTS_LIMIT or any(len(text) > TEXT_LENGTH or "\0" in text for text in texts):
        raise InvalidOption(
            _("“%(option)s” takes %(count)d texts of up to %(length)d letters.")
            % {"option": option.label, "count": TEXTS_LIMIT, "length": TEXT_LENGTH}
        )
    return texts


def _number(option: Option, value: Any) -> Decimal | int:
    try:
        number = Decimal(str(value).strip().replace(",", ".").replace(" ", "").replace("\u00a0", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or isinstance(value, bool):
        raise InvalidOption(_("“%(option)s” is a number.") % {"option": option.label})
    is_whole = isinstance(option.default, int)
    if is_whole and number != number.to_integral_value():
        raise InvalidOption(_("“%(option)s” is a whole number.") % {"option": option.label})
    if option.minimum is not None and number < option.minimum:
        raise InvalidOption(
            _("“%(option)s” is at least %(limit)s.") % {"option": option.label, "limit": option.minimum}
        )
    if option.maximum is not None and number > option.maximum:
        raise InvalidOption(
            _("“%(option)s” is at most %(limit)s.") % {"option": option.label, "limit": option.maximum}
        )
    return int(number) if is_whole else number


def _hash_of(
    rows: Iterable[RuleSetting], exclusions: Iterable[Exclusion], rules: Mapping[str, type[Rule]]
) -> str:
    said = {
        "settings": [
            [row.rule_id, row.connection_id, row.tag_key, row.tag_value, row.is_enabled, row.options]
            for row in rows
        ],
        "exclusions": [[one.rule_id, one.scope] for one in exclusions],
        "rules": {
            rule.id: {option.name: str(option.default) for option in rule.declared()}
            for rule in rules.values()
        },
    }
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()
