"""What every operation of the schema has in common: the organization's header, and errors as problem details."""

from __future__ import annotations

from typing import Any

from accounts.api import ORGANIZATION_HEADER

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "properties": {
        "type": {"type": "string", "example": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence in the reader's language."},
        "code": {"type": "string", "description": "What went wrong, for programs."},
        "errors": {
            "type": "object",
            "description": "Of bad input: sentences by field; nested fields are joined by dots.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "line": {"type": "integer", "description": "Of a file that could not be read."},
        "column": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code"],
}

ORGANIZATION_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": ORGANIZATION_HEADER,
    "schema": {"type": "integer"},
    "description": "Id of one of your organizations; without it, the one that you chose last.",
}


def add_common(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components.setdefault("parameters", {})["Organization"] = ORGANIZATION_PARAMETER
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/Organization"})
            operation["responses"]["default"] = {
                "description": "What went wrong.",
                "content": {"application/problem+json": problem},
            }
    return result
