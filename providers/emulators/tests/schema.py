"""Answers of the cloud API against Beget's OpenAPI documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

DOCUMENTS = ("openapi-auth.yaml", "openapi-vps.yaml", "openapi-cloud.yaml", "openapi-vps-image.yaml")


class Schemas:
    """Schemas of the answers with HTTP 200, by method and path.

    Fields that a document does not name are errors here: in an emulator they
    are misspellings, while a real answer may well have new ones.
    """

    def __init__(self, folder: Path) -> None:
        self._operations: list[tuple[str, re.Pattern[str], Draft4Validator]] = []
        for name in DOCUMENTS:
            document = yaml.load((folder / name).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
            _close(document["components"]["schemas"])
            registry = Registry().with_resource(
                f"urn:{name}", Resource(contents=document, specification=DRAFT4)
            )
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    content = operation["responses"]["200"].get("content", {}).get("application/json")
                    if content is None:
                        continue
                    schema = {"$ref": f"urn:{name}{content['schema']['$ref']}"}
                    self._operations.append(
                        (method.upper(), _pattern(path), Draft4Validator(schema, registry=registry))
                    )
        self._operations.sort(key=lambda operation: operation[1].pattern.count("[^/]+"))

    def errors(self, method: str, path: str, payload: Any) -> list[str]:
        """What is wrong with an answer; raises KeyError for a path that no document has."""
        for known_method, pattern, validator in self._operations:
            if known_method == method and pattern.fullmatch(path.split("?")[0]):
                return [
                    f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
                    for error in validator.iter_errors(payload)
                ]
        raise KeyError(f"{method} {path}")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))


def _close(schema: Any) -> None:
    """Forbid unnamed properties wherever a schema names any."""
    if isinstance(schema, list):
        for item in schema:
            _close(item)
    elif isinstance(schema, dict):
        for item in schema.values():
            _close(item)
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
