"""JSON Schemas that come from strangers: bounded, compiled once, and values held against them. Knows no request.

The validator is ``jsonschema``: it is what most of Python validates with, keeps to the published test suite of every
draft, and tells each violation with its place, which is what a model needs to mend its answer. msgspec and pydantic
validate types of Python, not schemas; the compiled validators make code of what a stranger sent. It is imported when
the first schema comes. Three things it leaves to others are bounded here: addresses in ``$ref`` (none is followed out
of the schema), patterns (see ``_patterns``), and work: a schema that branches without end runs out of time.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from msgspec import json

from modelport.errors import InvalidRequest
from modelport.sync import offload, use_threads
from modelport.wrappers._patterns import Cost, cost_of

__all__ = ("Schema", "compiled", "schema_of")

_BYTES = 64 * 1024
_DEPTH = 64
_NODES = 2_000
_SECONDS = 0.5  # of this thread's time, for one value
_KEPT = 128  # compiled schemas
_TOLD = 5  # violations of one value
_LONG = 300  # characters of one of them
_NOT_TAKEN = ("$dynamicRef", "$recursiveRef", "$id")

_kept: OrderedDict[bytes, Any] = OrderedDict()  # validators, by their schemas
_keeping = threading.Lock()
_work = threading.local()


async def compiled(schema: Any, where: str) -> "Schema":
    """As :func:`schema_of`, without holding up an event loop: it takes time, and the first import reads files."""
    if _is_kept(schema):
        return schema_of(schema, where)
    before = use_threads(None)  # not those of the model, which may be busy
    try:
        return await offload(schema_of, schema, where)
    finally:
        use_threads(before)


def _is_kept(schema: Any) -> bool:
    try:
        key = json.encode(schema)
    except (TypeError, ValueError, RecursionError):
        return False
    with _keeping:
        return key in _kept


def schema_of(schema: Any, where: str) -> "Schema":
    """The compiled *schema*; *where* names it in errors.

    Raises:
        InvalidRequest: it is none, or holds more than is looked at.
    """
    try:
        key = json.encode(schema)
    except (TypeError, ValueError, RecursionError):
        raise InvalidRequest(f"{where} must be a JSON Schema of plain JSON values", param=where) from None
    with _keeping:
        kept = _kept.get(key)
        if kept is not None:
            _kept.move_to_end(key)
            return Schema(kept, where)
    if len(key) > _BYTES:
        raise InvalidRequest(f"{where} is {len(key)} bytes long; at most {_BYTES} are taken", param=where)
    if not isinstance(schema, dict | bool):
        raise InvalidRequest(f"{where} must be a JSON Schema, an object, got {type(schema).__name__}", param=where)
    _check(schema, where)
    validator = _compiled(schema, where)
    with _keeping:
        _kept[key] = validator
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return Schema(validator, where)


class Schema:
    """A schema that values can be held against; *where* names it in errors."""

    def __init__(self, validator: Any, where: str) -> None:
        self.where = where
        self._validator = validator

    def problems(self, value: Any) -> list[str]:
        """What is wrong with *value*, the first few of it, each with its place; empty where it is valid.

        Raises:
            InvalidRequest: the schema takes too much work to hold this value against it.
        """
        _work.until = time.thread_time() + _SECONDS
        try:
            return [_told(error) for error in islice(self._validator.iter_errors(value), _TOLD)]
        except (_TooMuch, RecursionError) as error:
            what = str(error) if isinstance(error, _TooMuch) else "it goes round in circles"
            raise InvalidRequest(f"{self.where} takes too much work: {what}", param=self.where) from None


class _TooMuch(Exception):
    """A value is not held against the schema to the end."""


def _told(error: Any) -> str:
    place = str(error.json_path)[:_LONG]
    said = str(error.message)
    return f"{place}: {said if len(said) <= _LONG else said[:_LONG] + '…'}"


def _check(schema: Any, where: str) -> None:
    """The bounds that need no compiling."""
    level, depth, nodes = [schema], 0, 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > _DEPTH:
            raise InvalidRequest(f"{where} is nested deeper than {_DEPTH} levels", param=where)
        if nodes > _NODES:
            raise InvalidRequest(f"{where} has more than {_NODES} parts", param=where)
        level = list(_inside(level))
    objects = [node for node in _nodes(schema) if isinstance(node, dict)]
    anchors = {node["$anchor"]: node for node in objects if isinstance(node.get("$anchor"), str)}
    for node in objects:
        _check_references(schema, node, anchors, where)
        _check_patterns(node, where)


def _inside(level: list[Any]) -> Iterator[Any]:
    for node in level:
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            if isinstance(inner, dict | list):
                yield inner


def _nodes(schema: Any) -> Iterator[Any]:
    level = [schema]
    while level:
        yield from level
        level = list(_inside(level))


def _check_references(schema: Any, node: dict[Any, Any], anchors: dict[str, Any], where: str) -> None:
    for name in _NOT_TAKEN:
        if isinstance(node.get(name), str) and not (name == "$id" and node is schema):
            raise InvalidRequest(f"{where} has {name} within, which is not taken: use $ref with #/…", param=where)
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return
    if not reference.startswith("#"):
        raise InvalidRequest(
            f"{where} refers to {reference[:100]!r}: nothing is fetched, so a $ref must begin with #", param=where
        )
    try:
        _lookup(schema, reference, anchors)
    except (LookupError, ValueError, TypeError):
        raise InvalidRequest(f"{where}: $ref {reference[:100]!r} leads nowhere", param=where) from None


def _check_patterns(node: dict[Any, Any], where: str) -> None:
    for pattern in _patterns(node):
        try:
            cost_of(pattern)
        except ValueError as error:
            raise InvalidRequest(f"{where}: the pattern {pattern[:100]!r} {error}", param=where) from None


def _patterns(node: dict[Any, Any]) -> Iterator[str]:
    pattern, of_properties = node.get("pattern"), node.get("patternProperties")
    if isinstance(pattern, str):
        yield pattern
    if isinstance(of_properties, dict):
        yield from (name for name in of_properties if isinstance(name, str))


def _compiled(schema: Any, where: str) -> Any:
    import jsonschema  # type: ignore[import-untyped]
    import referencing

    base = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    counted = {name: _counted(name, keyword) for name, keyword in base.VALIDATORS.items()}
    try:
        base.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise InvalidRequest(f"{where} is no valid JSON Schema: {_told(error)}", param=where) from None
    registry: Any = referencing.Registry()  # which fetches nothing
    return jsonschema.validators.extend(base, counted)(schema, registry=registry)


def _lookup(schema: Any, reference: str, anchors: dict[str, Any]) -> Any:
    """What *reference*, which begins with #, refers to.

    Raises:
        LookupError, ValueError, TypeError: to nothing.
    """
    from urllib.parse import unquote  # slow to import, and only needed here

    place = unquote(reference[1:])
    if place and not place.startswith("/"):
        return anchors[place]
    found = schema
    for step in place.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found[int(name)] if isinstance(found, list) else found[name]
    return found


def _counted(name: str, keyword: Callable[..., Any]) -> Callable[..., Any]:
    """*keyword*, which a value is held against only as long as there are steps left."""
    is_pattern = name in {"pattern", "patternProperties"}

    def look(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if time.thread_time() > _work.until:
            raise _TooMuch(f"more than {_SECONDS} s for one value")
        if is_pattern:
            _check_texts(value, instance)
        yield from keyword(validator, value, instance, schema) or ()

    return look


def _check_texts(patterns: Any, instance: Any) -> None:
    texts = [instance] if isinstance(instance, str) else list(instance) if isinstance(instance, dict) else []
    longest = max(map(len, texts), default=0)
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        cost: Cost = cost_of(pattern)
        if not cost.allows(longest):
            raise _TooMuch(f"the pattern {pattern[:100]!r} for a text of {longest} characters")
