"""What Ollama's two wires ask in the same way: options, formats, thoughts, images, tools. Private to them.

Source: https://docs.ollama.com/api
"""

import re
import time
from binascii import Error as NotBase64, a2b_base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from modelport.dialects._fates import note_of
from modelport.dialects.base import Asked
from modelport.errors import InvalidRequest, UnsupportedField
from modelport.media import media_type_of
from modelport.types import (
    ChatRequest,
    ImagePart,
    Message,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    translate_validation,
)

__all__ = (
    "COMMON_FATES",
    "OPTIONS",
    "Common",
    "OllamaAsked",
    "asked_of",
    "check_keep_alive",
    "common_fields",
    "format_of",
    "images_of",
    "refuse_set",
    "wire_content",
    "wire_fields",
)

_LOADING = "rejected: how a model is loaded is its operator's affair"
_OWN_OPTION = "honoured: reaches models that take it, by its name"
OPTIONS: dict[str, str] = {
    "temperature": "honoured: 0 to 2",
    "top_p": "honoured: 0 to 1",
    "seed": "honoured",
    "stop": "honoured: emulated, by cutting the text, where the model takes none",
    "presence_penalty": "honoured: −2 to 2",
    "frequency_penalty": "honoured: −2 to 2",
    "num_predict": "honoured: as `max_tokens`; `-1` is no bound; emulated, by cutting the answer at an estimate, where "
    "the model takes none",
    **dict.fromkeys(("top_k", "min_p", "typical_p", "tfs_z", "repeat_penalty", "repeat_last_n"), _OWN_OPTION),
    **dict.fromkeys(("mirostat", "mirostat_tau", "mirostat_eta", "penalize_newline"), _OWN_OPTION),
    **dict.fromkeys(("num_ctx", "num_keep"), _OWN_OPTION),
    **dict.fromkeys(("num_batch", "num_gpu", "main_gpu", "num_thread", "numa", "low_vram", "f16_kv"), _LOADING),
    **dict.fromkeys(("logits_all", "vocab_only", "use_mmap", "use_mlock", "embedding_only"), _LOADING),
}
"""What becomes of each of ``options``. Those that no other wire has reach models that take them, and others refuse."""

COMMON_FATES: dict[str, str] = {
    "format": "honoured: `json`, or a JSON Schema; emulated, by asking for JSON, looking at it and asking again, where "
    "the model takes none",
    "options": "honoured: each has a row of its own",
    "stream": "honoured: `true` where it is absent",
    "think": "honoured: as `reasoning_effort`; `true` is `medium`; with `false`, thoughts are left out",
    "keep_alive": "honoured: advice, which changes no answer: models stay loaded in any case; `0` is refused",
    "truncate": "rejected: nothing is left out of a conversation here; `false` passes",
    "shift": "rejected: nothing is left out of a conversation here; `false` passes",
    "logprobs": "rejected: answers carry no log probabilities here; `false` passes",
    "top_logprobs": "rejected: answers carry no log probabilities here; 0 passes",
}
"""What becomes of the fields that both wires have."""

_SAME = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")
_OWN = {
    **dict.fromkeys(("top_k", "repeat_last_n", "mirostat", "num_ctx", "num_keep"), int),
    **dict.fromkeys(("min_p", "typical_p", "tfs_z", "repeat_penalty", "mirostat_tau", "mirostat_eta"), float),
    "penalize_newline": bool,
}
_PLACED = {"messages", "model", "stop", "max_tokens", "extra", "response_format", "reasoning_effort", *_SAME}
_LONGEST = 64  # characters of a duration
_DURATION = re.compile(r"-?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)?((\d+(\.\d*)?)(ns|us|µs|ms|s|m|h))*")


class _Known(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The options that every wire has, with their ranges."""

    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    stop: str | tuple[str, ...] | None = None
    num_predict: Annotated[int, Meta(le=2**31 - 1)] | None = None


class Common(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The fields that both wires have."""

    model: str | None = None
    format: Literal["json", ""] | dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    stream: bool | None = None
    think: bool | Literal["low", "medium", "high"] | None = None
    keep_alive: str | float | None = None
    truncate: bool | None = None
    shift: bool | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class OllamaAsked(Asked, frozen=True, kw_only=True):
    """``thoughts``: whether they are to be told; ``began``: when the request was read, in nanoseconds of a clock."""

    thoughts: bool = True
    began: int = 0


def asked_of(given: Common, request: ChatRequest) -> OllamaAsked:
    """*request*, and how its answer is wanted; a stream unless it is said otherwise."""
    return OllamaAsked(
        request=request,
        stream=given.stream is not False,
        thoughts=given.think is not False,
        began=time.perf_counter_ns(),
    )


def common_fields(given: Common) -> dict[str, Any]:
    """What the fields of both wires set in a request."""
    check_keep_alive(given.keep_alive)
    names = ("truncate", "shift", "logprobs", "top_logprobs")
    refuse_set({name: getattr(given, name) for name in names}, COMMON_FATES)
    fields = _options(given.options or {})
    fields["model"] = None if given.model is None else given.model.removesuffix(":latest")
    fields["response_format"] = format_of(given.format)
    if given.think is True:
        fields["reasoning_effort"] = "medium"
    elif isinstance(given.think, str):
        fields["reasoning_effort"] = given.think
    return fields


def format_of(given: str | dict[str, Any] | None) -> ResponseFormat | None:
    """``json``, or a JSON Schema, as a form of the answer."""
    if isinstance(given, dict):
        return ResponseFormat("json_schema", name="answer", json_schema=given)
    return ResponseFormat("json_object") if given else None


def refuse_set(fields: Mapping[str, Any], fates: Mapping[str, str]) -> None:
    """Refuse the first of *fields* that asks for something and whose fate is to be rejected."""
    for name, value in fields.items():
        if value:
            raise UnsupportedField(f"{name}: {note_of(fates, name)}; leave it out", param=name)


def check_keep_alive(given: str | float | None) -> None:
    """Refuse what is no duration, and what asks for a model to be unloaded."""
    if given is None:
        return
    if isinstance(given, str):
        if len(given) > _LONGEST or not _DURATION.fullmatch(given):
            raise InvalidRequest(f"keep_alive must be a duration such as 5m, got {given[:40]!r}", param="keep_alive")
        stays = any(digit in "123456789" for digit in given)
    else:
        stays = given != 0
    if not stays:
        raise UnsupportedField(
            "keep_alive: models stay loaded here for as long as the server runs, so none is unloaded after an answer; "
            "leave it out",
            param="keep_alive",
        )


# --- options ----------------------------------------------------------------------------------------------------------


def _options(given: dict[str, Any]) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    known: dict[str, Any] = {}
    for name, value in given.items():
        where = f"options.{name}"
        fate = OPTIONS.get(name)
        if fate is None:
            raise InvalidRequest(f"{where[:200]} is not a field that is known here: leave it out", param=where[:200])
        if value is None:
            continue
        if fate.startswith("rejected"):
            raise UnsupportedField(f"{where}: {note_of(OPTIONS, name)}; leave it out", param=where)
        if name in _OWN:
            extra[name] = _own(name, value)
        else:
            known[name] = value
    try:
        options = msgspec.convert(known, _Known)
    except msgspec.ValidationError as error:
        raise translate_validation(error, "options", known) from None
    fields: dict[str, Any] = {name: getattr(options, name) for name in _SAME}
    stop = options.stop
    fields["stop"] = (stop,) if isinstance(stop, str) else stop or None
    fields["max_tokens"] = _most(options.num_predict)
    fields["extra"] = extra or None
    return fields


def _own(name: str, value: Any) -> Any:
    try:
        return msgspec.convert(value, _OWN[name])
    except msgspec.ValidationError as error:
        raise translate_validation(error, f"options.{name}", value) from None


def _most(given: int | None) -> int | None:
    if given is None or given == -1:  # as many as it takes
        return None
    if given < 1:
        raise InvalidRequest(
            f"options.num_predict must be 1 or more, or -1 for no bound, got {given}", param="options.num_predict"
        )
    return given


# --- pictures ---------------------------------------------------------------------------------------------------------


def images_of(given: Sequence[str], where: str) -> list[ImagePart]:
    """Images in base64 as parts; what kind they are is told by their first bytes."""
    parts = []
    for at, text in enumerate(given):
        try:
            kind = media_type_of(a2b_base64(text[:64], strict_mode=True))
        except (NotBase64, ValueError):
            kind = None
        if kind is None:
            name = f"{where}[{at}]"
            raise InvalidRequest(f"{name} must be a PNG, JPEG, GIF, WebP or BMP file in base64", param=name)
        parts.append(ImagePart(f"data:{kind};base64,{text}"))
    return parts


# --- and back: what asks ----------------------------------------------------------------------------------------------


def wire_fields(request: ChatRequest, *, stream: bool, tools: bool) -> dict[str, Any]:
    """The fields of both wires that ask *request*.

    Raises:
        UnsupportedField: something is set that the wire has no place for.
    """
    options: dict[str, Any] = {name: getattr(request, name) for name in _SAME}
    options |= {"stop": request.stop, "num_predict": request.max_tokens}
    for name, value in (request.extra or {}).items():
        if not OPTIONS.get(name, "").startswith("honoured"):
            raise UnsupportedField(f"{name}: Ollama's wire has no place for it; leave it out", param=name)
        options[name] = value
    placed = _PLACED | ({"tools"} if tools else set())
    for name in request.__struct_fields__:
        value = getattr(request, name)
        if name not in placed and value is not None and (name, value) != ("n", 1):
            raise UnsupportedField(f"{name}: Ollama's wire has no place for it; leave it out", param=name)
    body: dict[str, Any] = {"stream": stream}
    if request.model is not None:
        body["model"] = request.model
    options = {name: value for name, value in options.items() if value is not None}
    if options:
        body["options"] = options
    form = request.response_format
    if form is not None and form.type != "text":
        body["format"] = "json" if form.type == "json_object" else form.json_schema
    if request.reasoning_effort is not None:
        effort = request.reasoning_effort
        body["think"] = False if effort == "none" else effort
    return body


def wire_content(message: Message, where: str) -> dict[str, Any]:
    """``content``, ``images`` and ``thinking`` of *message*."""
    content = message.content
    if content is None or isinstance(content, str):
        return {"content": content or ""}
    fields: dict[str, Any] = {"content": message.text}
    images = []
    for at, part in enumerate(content):
        if isinstance(part, ImagePart):
            images.append(_base64_of(part, f"{where}.content[{at}]"))
        elif isinstance(part, ReasoningPart):
            fields["thinking"] = fields.get("thinking", "") + part.text
        else:
            assert isinstance(part, TextPart)
    return {**fields, "images": images} if images else fields


def _base64_of(part: ImagePart, where: str) -> str:
    image = part.image
    if isinstance(image, str) and image.startswith("data:image/") and ";base64," in image[:100]:
        return image.partition(";base64,")[2]
    raise UnsupportedField(f"{where} must be an image as a data: URL to cross Ollama's wire", param=where)
