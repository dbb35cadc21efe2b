"""The server's description of itself, as an OpenAPI 3.1 document: each route, what is asked there and what is answered.

It is made of the app's routes, of what ``server.shapes`` tells of each, and of the error tree, when somebody first asks
for it. A route that no shape tells of is in it too, with its path, its errors and what its function says of itself.
"""

import http
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import msgspec

from modelport.errors import ModelportError
from modelport.registry import Registry
from modelport.server.http import Exchange
from modelport.sync import offload

if TYPE_CHECKING:
    from modelport.server.app import App, Route

__all__ = ("PATH", "SHAPES", "describe", "document")

PATH = "/openapi.json"
SHAPES: Registry = Registry("shapes", "modelport.server.shapes", "SHAPES")

_COMPONENTS = "#/components/"
_JSON = "application/json"
_KEYED = (401, 429)
_ALWAYS = (400, 403, 503)
_READING = (404, 408, 413, 415)  # what a body can be refused with
_ASKING = (500, 502, 504)  # what a model can fail with
_documents: "WeakKeyDictionary[App, bytes]" = WeakKeyDictionary()

Json = dict[str, Any]


async def document(app: "App", exchange: Exchange) -> None:
    """This server's description. It is made in a thread, once."""
    body = _documents.get(app)
    if body is None:
        body = _documents[app] = await offload(partial(_encoded, app))
    await exchange.respond(200, body, _JSON.encode())


def _encoded(app: "App") -> bytes:
    return msgspec.json.encode(describe(app.routes, keys=app.asks_for_keys))


def describe(routes: Iterable["Route"], *, keys: bool) -> Json:
    """The document of a server with these *routes*; *keys* tells whether it asks for API keys."""
    shapes = [(name, SHAPES.load(name)) for name in SHAPES.names()]
    writer = _Writer(shapes, keys=keys)
    paths: dict[str, Json] = {}
    for route in routes:
        shape = writer.shape_of(route)
        path = f"{route.path}{{{shape.rest}}}" if shape is not None and route.path.endswith("/") else route.path
        path = f"{path}{{id}}" if path.endswith("/") else path
        paths.setdefault(path, {})[route.method.lower()] = writer.operation(route, path)
    package = sys.modules["modelport"]  # loaded by now, and above this file, which may not import it
    return {
        "openapi": "3.1.0",
        "info": {"title": "modelport", "version": package.__version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": writer.components,
    }


_ABOUT = (
    "Models behind the APIs that agents speak. A field of a request that is not described here is a 400 that names it. "
    "Whoever sends the header `anthropic-version` gets errors in Anthropic's form on every path. What a GET answers, a "
    "HEAD answers without its body."
)


# --- types ------------------------------------------------------------------------------------------------------------


class _Types:
    """The schemas of all types, each under a name that tells whose it is: ``openai.ChatCompletion``."""

    def __init__(self) -> None:
        self.schemas: dict[str, Json] = {}
        self._of: dict[tuple[str, Any], Json] = {}

    def add(self, wire: str, types: Iterable[Any], narrow: Mapping[str, Mapping[str, Any]]) -> None:
        """Take in the *types* of one wire, as narrow as *narrow* says."""
        types = list(dict.fromkeys(types))
        template = f"{_COMPONENTS}schemas/{{name}}"
        schemas, components = msgspec.json.schema_components(types, ref_template=template)
        names = {name: _named(wire, name, components) for name in components}
        for kind, schema in zip(types, schemas, strict=True):
            self._of[wire, kind] = _renamed(schema, names)
        for name, schema in components.items():
            self.schemas[names[name]] = _renamed(schema, names)
        for name, more in narrow.items():
            whole, _, field = name.partition(":")
            schema = self.schemas[whole]
            if field:
                _narrow_field(schema, field, more)
            else:
                required = [*schema.get("required", ()), *more.get("required", ())]
                schema.update(more, required=required)

    def schema(self, wire: str, kind: Any) -> Json:
        """The schema of a type of that wire, or of either of several."""
        if isinstance(kind, tuple):
            return {"anyOf": [self._of[wire, each] for each in kind]}
        return self._of[wire, kind]

    def explain(self, schema: Json, fates: Mapping[str, str], narrow: Iterable[str]) -> None:
        """Say of each field what becomes of it; one that is rejected takes what passes and no more.

        Those that *narrow* names say it for themselves.
        """
        whole = schema["$ref"].rpartition("/")[2]
        properties = self.schemas[whole]["properties"]
        for name, fate in fates.items():
            if name in properties:
                if fate.startswith("rejected") and f"{whole}:{name}" not in narrow:
                    properties[name] = {"enum": [*_passing(fate), None]}
                properties[name] = {**properties[name], "description": fate}


def _passing(fate: str) -> list[Any]:
    """The value of a rejected field that passes, as its fate has it: ``; `false` passes``."""
    last = fate.rpartition("; ")[2]
    if not last.endswith(" passes"):
        return []
    word = last.removesuffix(" passes").strip("`")
    return [{"false": False, "0": 0}.get(word, word)]


def _narrow_field(schema: Json, field: str, more: Mapping[str, Any]) -> None:
    given = schema["properties"][field]
    if {"enum", "anyOf", "type"} & set(more):  # in place of what the type tells
        given = {name: value for name, value in given.items() if name in {"default", "description"}}
    schema["properties"][field] = {**given, **more}


def _named(wire: str, name: str, others: Iterable[str]) -> str:
    """A component's name: that of its type, after its wire's, or its module's where a wire has several of one name."""
    *modules, bare = name.split(".")
    plain = bare.lstrip("_")
    if plain != name and plain in others:
        plain = f"Wire{plain}"
    whose = [module for module in modules if module not in {"asking", "wire"}]
    return f"{whose[-1] if whose else wire}.{plain}"


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """*value* with its references to the components of other names; without what OpenAPI has no need of."""
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _renamed(each, names) for name, each in value.items() if (name, each) != ("default", None)}
    reference = found.get("$ref")
    if isinstance(reference, str):
        head, _, name = reference.rpartition("/")
        found["$ref"] = f"{head}/{names[name]}"
    if isinstance(found.get("discriminator"), dict):
        del found["discriminator"]  # it repeats what each type's own tag says
    return found


# --- operations -------------------------------------------------------------------------------------------------------


class _Writer:
    """Writes operations, and gathers the components that they refer to."""

    def __init__(self, shapes: Iterable[tuple[str, Any]], *, keys: bool) -> None:
        self._keys = keys
        self._types = _Types()
        self._shapes: dict[str, tuple[str, Any]] = {}  # by method and path, with whose they are
        self._errors: dict[str, Json] = {}  # by dialect
        for wire, found in shapes:
            told = found.routes.values()
            kinds = [kind for shape in told for kind in (shape.asks, *_each(shape.gives), shape.pieces)]
            kinds = [kind for kind in (*kinds, *found.errors.values(), *found.beside) if kind is not None]
            self._types.add(wire, kinds, found.narrow)
            self._shapes.update({name: (wire, shape) for name, shape in found.routes.items()})
            self._errors.update({name: self._types.schema(wire, kind) for name, kind in found.errors.items()})
            for shape in told:
                if shape.asks is not None:
                    self._types.explain(self._types.schema(wire, shape.asks), shape.fates, found.narrow)

    @property
    def components(self) -> Json:
        return {
            "schemas": dict(sorted(self._types.schemas.items())),
            "headers": _HEADERS,
            "parameters": _PARAMETERS,
            "securitySchemes": _SCHEMES if self._keys else {},
        }

    def shape_of(self, route: "Route") -> Any:
        """What is told of that route; None where nothing is."""
        return self._shapes.get(f"{route.method} {route.path}", ("", None))[1]

    def operation(self, route: "Route", path: str) -> Json:
        """One operation of *path*."""
        wire, shape = self._shapes.get(f"{route.method} {route.path}", ("", None))
        summary = (route.endpoint.__doc__ or path).strip().partition("\n")[0] if shape is None else shape.summary
        operation: Json = {
            "operationId": f"{route.method.lower()}{_identifier(path)}",
            "summary": summary.rstrip("."),
            "tags": [route.dialect.name],
        }
        if parameters := self._parameters(shape, path):
            operation["parameters"] = parameters
        if route.method == "POST":
            operation["requestBody"] = self._body(wire, shape, route)
        operation["responses"] = {"200": self._answer(wire, shape, route), **self._failures(shape, route)}
        if self._keys:
            operation["security"] = [] if route.open else [{name: []} for name in _SCHEMES]
        return operation

    def _parameters(self, shape: Any, path: str) -> list[Json]:
        parameters: list[Json] = []
        if path.endswith("}"):
            name = path.rpartition("{")[2].rstrip("}")
            schema = {"type": "string", "minLength": 1}
            parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
        for each in () if shape is None else shape.parameters:
            told = {"name": each.name, "in": each.place, "schema": each.schema, "description": each.description}
            parameters.append(told)
        if shape is not None and shape.timed:
            parameters.append({"$ref": f"{_COMPONENTS}parameters/timeout"})
        if shape is None or not shape.binary:
            parameters.append({"$ref": f"{_COMPONENTS}parameters/anthropic-version"})
        return parameters

    def _body(self, wire: str, shape: Any, route: "Route") -> Json:
        if shape is None or shape.asks is None:
            told = {"description": shape.binary} if shape is not None and shape.binary else {}
            return {"required": True, "content": {route.dialect.request_type: {}}, **told}
        content = {route.dialect.request_type: {"schema": self._types.schema(wire, shape.asks)}}
        return {"required": True, "content": content}

    def _answer(self, wire: str, shape: Any, route: "Route") -> Json:
        dialect = route.dialect
        answer: Json = {"description": "The answer", "headers": _refer("headers", "x-request-id")}
        if shape is None:
            return answer
        if shape.binary:
            kinds = shape.kinds or (dialect.response_type,)
            answer |= {"description": shape.binary, "content": {kind: {} for kind in kinds}}
        elif shape.gives is not None:
            kind = _JSON if shape.asks is None or shape.plain else dialect.response_type
            answer["content"] = {kind: {"schema": self._types.schema(wire, shape.gives)}}
        if shape.pieces is not None:
            _stream(answer, dialect.stream_type, self._types.schema(wire, shape.pieces))
        if shape.timed:
            answer["headers"] |= _refer("headers", "x-modelport-emulated")
        if shape.links:
            answer["links"] = {
                name: {"operationId": name, "parameters": {parameter: "$response.body#/id"}}
                for name, parameter in shape.links.items()
            }
        return answer

    def _failures(self, shape: Any, route: "Route") -> dict[str, Json]:
        """The errors that can come, in the dialect's form or, for who sends anthropic-version, in Anthropic's."""
        own, theirs = self._errors.get(route.dialect.name), self._errors["anthropic_messages"]
        kind = route.dialect.response_type
        content: Json = {kind: {}} if own is None else {}
        forms = [form for form in (own, theirs) if form is not None]
        either = forms[0] if forms[0] == forms[-1] else {"anyOf": forms}
        content |= {each: {"schema": either} for each in (_JSON, kind) if each not in content}
        codes = _codes()
        failures: dict[str, Json] = {}
        for status in self._statuses(shape, route):
            told = ", ".join(f"`{code}`" for code in codes.get(status, ()))
            description = f"{http.HTTPStatus(status).phrase}{f': {told}' if told else ''}"
            headers = _refer("headers", "x-request-id", *(["retry-after"] if status in {429, 503} else []))
            failures[str(status)] = {"description": description, "headers": headers, "content": content}
        return failures

    def _statuses(self, shape: Any, route: "Route") -> list[int]:
        statuses = {*_ALWAYS}
        if self._keys and not route.open:
            statuses.update(_KEYED)
        if route.method == "POST":
            statuses.update(_READING)
        if route.path.endswith("/"):
            statuses.add(404)
        if shape is None or shape.timed:
            statuses.update((*_ASKING, 429))
        if shape is not None:
            statuses.update(shape.statuses)
        return sorted(statuses)


def _stream(answer: Json, kind: str, piece: Json) -> None:
    """Tell that *answer* may be streamed. OpenAPI 3.1 has no word for a stream's pieces; 3.2 has ``itemSchema``."""
    what = "server-sent events, the data of each" if "event-stream" in kind else "lines of JSON, each"
    name = piece["$ref"].rpartition("/")[2]
    answer["description"] += f"; streamed, it is {what} a `{name}` or an error"
    answer["content"][kind] = {"x-itemSchema": piece}


def _each(kinds: Any) -> tuple[Any, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)


def _identifier(path: str) -> str:
    return "".join(each if each.isalnum() else "_" for each in path.rstrip("}")).replace("__", "_")


def _refer(place: str, *names: str) -> Json:
    return {name: {"$ref": f"{_COMPONENTS}{place}/{name}"} for name in names}


def _codes() -> dict[int, list[str]]:
    """The codes of our own errors, by their status."""
    found: dict[int, list[str]] = {}
    kinds = [ModelportError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if "code" in vars(kind) and kind.__module__.startswith("modelport."):
            found.setdefault(kind.status, []).append(kind.code)
    return {status: sorted(codes) for status, codes in found.items() if status != 500}


_HEADERS: Json = {
    "x-request-id": {
        "description": "The id that the server's log has beside an error",
        "schema": {"type": "string"},
        "required": True,
    },
    "retry-after": {
        "description": "Seconds after which to try again, where they are known",
        "schema": {"type": "integer", "minimum": 1},
    },
    "x-modelport-emulated": {
        "description": "The fields that were kept in the model's stead, separated by commas",
        "schema": {"type": "string"},
    },
}
_PARAMETERS: Json = {
    "timeout": {
        "name": "x-modelport-timeout",
        "in": "header",
        "description": "Seconds that the answer may take; never more than the server's own limit",
        "schema": {"type": "number", "exclusiveMinimum": 0},
    },
    "anthropic-version": {
        "name": "anthropic-version",
        "in": "header",
        "description": "Sent by Anthropic's clients; whatever it says, errors and lists of models are in their form",
        "schema": {"type": "string"},
    },
}
_SCHEMES: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key of this server"},
    "x-api-key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "The same, as Anthropic has it",
    },
}
