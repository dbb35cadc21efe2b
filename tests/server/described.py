"""The server's description of itself, as tests hold answers and requests against it."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from modelport.server.app import ROUTES, Route
from modelport.server.openapi import describe
from tests.server.helpers import Answer

__all__ = ("answered", "asked", "complaints", "described", "identified", "operation_of", "path_of", "strict")


@cache
def described(*, keys: bool = True) -> Any:
    """The document, as it comes over the wire."""
    return json.loads(json.dumps(describe(ROUTES, keys=keys)))


def identified(route: Route) -> str:
    return f"{route.method} {route.path}"


def path_of(path: str) -> str:
    """The path in the document, where what follows a last slash has a name."""
    places = described()["paths"]
    found = [each for each in places if path == each or ("{" in each and path.startswith(each.partition("{")[0]))]
    assert len(found) == 1, path
    return str(found[0])


def operation_of(route: Route) -> Any:
    return described()["paths"][path_of(route.path)][route.method.lower()]


def answered(method: str, path: str, answer: Answer) -> Any:
    """What the document has of that answer's body."""
    response = described()["paths"][path_of(path)][method.lower()]["responses"][str(answer.status)]
    return response["content"][answer.headers["content-type"]]


def asked(path: str) -> Any:
    """The schema of what is posted there."""
    [content] = described()["paths"][path]["post"]["requestBody"]["content"].values()
    return content["schema"]


def complaints(schema: Any, value: Any, components: Any = None) -> list[str]:
    """Where *value* is not as told."""
    components = described()["components"] if components is None else components
    found = Draft202012Validator({**schema, "components": components}).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in found]


@cache
def strict() -> Any:
    """The components, with nothing let through that they do not name."""
    components = json.loads(json.dumps(described()["components"]))
    for schema in components["schemas"].values():
        if "properties" in schema and "openapi" not in schema["properties"]:
            schema.setdefault("additionalProperties", False)
    return components
