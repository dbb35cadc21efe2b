"""Ollama's wires: chat, generate, embed, and what is asked beside answers."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from modelport.dialects import ollama, ollama_embed, ollama_embeddings, ollama_generate
from modelport.dialects._ollama_asking import _OWN as OWN, OPTIONS, _Known as Known
from modelport.server.ollama import PS_PATH, SHOW_PATH, TAGS_PATH, VERSION_PATH, _Show as Show
from modelport.server.shapes.base import Count, Emulations, Shape, Shapes

__all__ = (
    "SHAPES",
    "Call",
    "CalledFunction",
    "Card",
    "ChatLine",
    "Details",
    "Error",
    "GenerateLine",
    "Line",
    "LoadedModel",
    "LoadedModels",
    "OllamaFacts",
    "OurFacts",
    "Said",
    "Tag",
    "Tags",
    "Vector",
    "Vectors",
    "Version",
)


class OllamaFacts(Struct):
    """What is known of an answer beyond the wire's own form."""

    emulated: Emulations | UnsetType = UNSET
    cached: bool | UnsetType = UNSET
    usage_estimated: bool | UnsetType = UNSET
    cost: Annotated[float, Meta(description="US dollars")] | UnsetType = UNSET
    total_tokens: Count | UnsetType = UNSET


class OurFacts(Struct):
    """What the wire has no place for. ``code`` is stable, and safe to match on."""

    code: str
    param: str | None


class Error(Struct):
    """An answer that is an error."""

    error: str
    modelport: OurFacts


class CalledFunction(Struct):
    """A called function, and what it is called with."""

    index: Count
    name: str
    arguments: dict[str, Any]


class Call(Struct):
    """One call of a tool."""

    id: str
    function: CalledFunction


class Said(Struct):
    """What the model said, thought and called."""

    role: Literal["assistant"]
    content: str
    thinking: str | UnsetType = UNSET
    tool_calls: list[Call] | UnsetType = UNSET


Nanoseconds = Annotated[int, Meta(ge=0, description="nanoseconds")]


class Line(Struct):
    """What every line has; the last has ``done`` and what follows it here. A whole answer is one such line."""

    model: str
    created_at: str
    done: bool
    done_reason: Literal["stop", "length", "content_filter"] | UnsetType = UNSET
    total_duration: Nanoseconds | UnsetType = UNSET
    prompt_eval_count: Count | UnsetType = UNSET
    eval_count: Count | UnsetType = UNSET
    modelport: OllamaFacts | UnsetType = UNSET


class ChatLine(Line, kw_only=True):
    """One line of an answer in a conversation."""

    message: Said


class GenerateLine(Line, kw_only=True):
    """One line of the answer to a prompt."""

    response: str
    thinking: str | UnsetType = UNSET
    tool_calls: list[Call] | UnsetType = UNSET


class Vectors(Struct):
    """One vector for each text."""

    model: str
    embeddings: list[list[float]]
    total_duration: Nanoseconds
    prompt_eval_count: Count
    modelport: OllamaFacts | UnsetType = UNSET


class Details(Struct):
    """What Ollama tells of a model's file; here there is none."""

    parent_model: str
    format: str
    family: str
    families: list[str]
    parameter_size: str
    quantization_level: str


class Tag(Struct):
    """A served model."""

    name: str
    model: str
    modified_at: str
    size: Count
    digest: str
    details: Details


class Tags(Struct):
    """The served models."""

    models: list[Tag]


class LoadedModel(Struct):
    """A served model, which is loaded for as long as the server runs."""

    name: str
    model: str
    size: Count
    digest: str
    details: Details
    expires_at: str
    size_vram: Count


class LoadedModels(Struct):
    """The models that are loaded."""

    models: list[LoadedModel]


class Vector(Struct):
    """The vector of a text."""

    embedding: list[float]


class Card(Struct):
    """What is known of a served model."""

    modelfile: str
    parameters: str
    template: str
    modified_at: str
    details: Details
    model_info: dict[str, Any]
    capabilities: list[Literal["completion", "tools", "thinking", "embedding"]]


class Version(Struct):
    """modelport's version."""

    version: str


_NONE = {"enum": [0, None]}
_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "maxItems": ollama_embed.MOST_TEXTS, "items": _TEXT}]}
_IMAGES = {"type": "array", "minItems": 1}
_NO_OPTIONS = {"type": "object", "additionalProperties": {"type": "null"}}
_KINDS: dict[Any, str] = {int: "integer", float: "number", bool: "boolean"}


def _option(name: str, fate: str) -> dict[str, Any]:
    """One of ``options``. None of the types that it is decoded to has all of them."""
    known: dict[str, Any] | None = msgspec.json.schema_components([Known])[1][Known.__name__]["properties"].get(name)
    if fate.startswith("rejected"):
        schema: dict[str, Any] = {"type": "null"}
    elif known is not None:
        schema = {key: value for key, value in known.items() if key != "default"}
    else:
        schema = {"type": [_KINDS[OWN[name]], "null"]}
    return {**schema, "description": fate}


_SOME_OPTIONS = {
    "type": "object",
    "properties": {name: _option(name, fate) for name, fate in OPTIONS.items()},
    "additionalProperties": False,
}
_OPTIONS = {"anyOf": [_SOME_OPTIONS, {"type": "null"}]}
_SAID = {"content": {"type": "string"}}
_SEEN = {"images": _IMAGES}
_NOT_SEEN: dict[str, Any] = {"images": {"enum": [[], None]}}
_NOT_CALLED: dict[str, Any] = {"tool_calls": {"enum": [[], None]}, "thinking": {"enum": ["", None]}}
_NO_RESULT = {"tool_name": {"enum": ["", None]}, "tool_call_id": {"enum": ["", None]}}


def _turn(role: str, needs: Mapping[str, Any], *others: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {"role": {"enum": [role]}, **needs}
    for other in others:
        properties |= other
    return {"properties": properties, "required": ["role", *needs]}


_TURNS = {
    "anyOf": [
        *(_turn("user", needs, _NOT_CALLED, _NO_RESULT) for needs in (_SAID, _SEEN)),
        _turn("system", _SAID, _NOT_SEEN, _NOT_CALLED, _NO_RESULT),
        _turn("assistant", _SAID, _NOT_SEEN, _NO_RESULT),
        _turn("assistant", {"thinking": _TEXT}, _NOT_SEEN, _NO_RESULT),
        _turn("assistant", {"tool_calls": {"type": "array", "minItems": 1}}, _NOT_SEEN, _NO_RESULT),
        *(_turn("tool", needs, _NOT_CALLED) for needs in (_SAID, _SEEN)),
    ]
}


def _any_of(*needs: Mapping[str, Any]) -> dict[str, Any]:
    """That at least one of these fields is there, and says something."""
    return {"anyOf": [{"properties": need, "required": list(need)} for need in needs]}


SHAPES: Shapes = Shapes(
    routes={
        f"POST {ollama.DIALECT.path}": Shape(
            summary="Answer a conversation, in Ollama's form; streamed unless stream is false",
            asks=ollama._Request,
            gives=ChatLine,
            pieces=ChatLine,
            fates=ollama.FATES,
            timed=True,
        ),
        f"POST {ollama_generate.DIALECT.path}": Shape(
            summary="Answer one prompt, in Ollama's form; streamed unless stream is false",
            asks=ollama_generate._Request,
            gives=GenerateLine,
            pieces=GenerateLine,
            fates=ollama_generate.FATES,
            timed=True,
        ),
        f"POST {ollama_embed.DIALECT.path}": Shape(
            summary="Vectors of texts, in Ollama's form",
            asks=ollama_embed._Request,
            gives=Vectors,
            fates=ollama_embed.FATES,
            timed=True,
        ),
        f"POST {ollama_embeddings.DIALECT.path}": Shape(
            summary="The vector of one text, in Ollama's older form",
            asks=ollama_embeddings._Request,
            gives=Vector,
            fates=ollama_embeddings.FATES,
            timed=True,
        ),
        f"GET {PS_PATH}": Shape(summary="The models that are loaded, in Ollama's form", gives=LoadedModels),
        f"GET {TAGS_PATH}": Shape(summary="The served models, in Ollama's form", gives=Tags),
        f"POST {SHOW_PATH}": Shape(summary="One served model, and what it can do", asks=Show, gives=Card, plain=True),
        f"GET {VERSION_PATH}": Shape(summary="modelport's version", gives=Version),
    },
    errors={"ollama": Error, "ollama_generate": Error, "ollama_embed": Error, "ollama_embeddings": Error},
    narrow={
        **{f"{name}.Request:options": _OPTIONS for name in ("ollama", "ollama_generate")},
        "ollama.Request:messages": {"minItems": 1},
        "ollama_embed.Request:input": _TEXTS,
        "ollama_embed.Request:options": {"anyOf": [_NO_OPTIONS, {"type": "null"}]},
        "ollama_embeddings.Request:prompt": _TEXT,
        "ollama_embeddings.Request:options": {"anyOf": [_NO_OPTIONS, {"type": "null"}]},
        "ollama.Message": _TURNS,
        "ollama.Show": _any_of({"model": _TEXT}, {"name": _TEXT}),
        "ollama_generate.Request": _any_of({"prompt": _TEXT}, {"images": _IMAGES}),
        **{f"ollama_generate.Request:{name}": _NONE for name in ("width", "height", "steps")},
        "ollama_generate.Request:suffix": {"enum": ["", None]},
        "ollama_generate.Request:template": {"enum": ["", None]},
        "ollama_generate.Request:context": {"enum": [[], None]},
    },
)
