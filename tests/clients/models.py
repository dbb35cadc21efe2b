"""The models that other people's clients are tried against: they have no weights, and do what they are asked.

``Obliging`` calls the tool that a request means or demands, with arguments of that tool's schema, made from what was
said; it answers in the form that a request demands; it stops at `max_tokens`; it counts what it read and wrote, a word
as a token. Everything comes in several pieces. The same request always gets the same answer. ``textual`` reads and
writes text and nothing else; what else is asked of it, the port does by asking in words. They know no wire format.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from modelport import ChatRequest, Finish, ImagePart, Message, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from modelport.types import Event, NamedTool, Tool

__all__ = ("Obliging", "textual")

KEPT = (
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "user",
    "metadata",
    "extra",
)
EMPTY_WORDS = frozenset({"call", "final", "from", "function", "magic", "result", "this", "tool", "with"})
DIMENSIONS = 8
TIMES = {"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "time": "12:00:00Z"}
DEEP = 4  # levels of a schema; below them only what it demands is made


class Obliging:
    """Answers with what it was told; calls tools and writes JSON where that is asked."""

    name = "obliging"
    accepts = KEPT

    def stream(self, request: ChatRequest) -> Iterator[Event]:
        thoughts = "I was asked to think. " if _is_to_think(request) else ""
        calls = _calls(request)
        text = "" if calls else _text(request)
        pieces = re.findall(r"\s*\S+\s*", text) if text.strip() else [text]
        most = request.max_tokens
        whole = calls or most is None or len(pieces) <= most
        for word in re.findall(r"\S+\s*", thoughts):
            yield ReasoningDelta(word)
        for index, (name, arguments) in enumerate(calls):
            yield ToolCallDelta(index=index, name=name)
            for start in range(0, len(arguments), 5):
                yield ToolCallDelta(index=index, arguments=arguments[start : start + 5])
        if not calls:
            for piece in pieces[:most]:
                yield TextDelta(piece)
        if not whole:
            yield Finish("length")
        written = len(pieces[:most]) if not calls else sum(len(arguments.split()) for _, arguments in calls)
        thought = len(thoughts.split())
        read = sum(len(message.text.split()) for message in request.messages)
        yield Usage(prompt_tokens=read, completion_tokens=written + thought, reasoning_tokens=thought, cost=0.0)

    def embed(self, texts: Sequence[str], dimensions: int | None = None) -> list[list[float]]:
        return [_vector(text, dimensions or DIMENSIONS) for text in texts]


def _vector(text: str, dimensions: int) -> list[float]:
    """A direction of length one that depends on all of the text."""
    data = hashlib.shake_256(text.encode()).digest(dimensions)
    raw = [byte / 255 - 0.5 for byte in data]
    length = sum(value * value for value in raw) ** 0.5
    return [value / length for value in raw]


def _is_to_think(request: ChatRequest) -> bool:
    effort = request.reasoning_effort
    return effort not in {None, "none"} or "thinking" in (request.extra or {})


# --- what is said ---


def _asked(request: ChatRequest) -> str:
    """What the user said last."""
    return next((message.text for message in reversed(request.messages) if message.role == "user"), "")


def _since(request: ChatRequest) -> list[Message]:
    """The messages after the user's last."""
    last = max((at for at, message in enumerate(request.messages) if message.role == "user"), default=-1)
    return list(request.messages[last + 1 :])


def _text(request: ChatRequest) -> str:
    form = request.response_format
    said = _asked(request)
    if form is not None and form.type == "json_schema":
        return json.dumps(_Filling(form.json_schema or {}, said).value(), ensure_ascii=False)
    if form is not None and form.type == "json_object":
        for message in request.messages:
            if (schema := _schema_in(message.text)) is not None:
                return json.dumps(_Filling(schema, said).value(), ensure_ascii=False)
        keys = _quoted(said) or ["answer"]
        return json.dumps({key: f"the {key}" for key in keys})
    results = [message.text for message in _since(request) if message.role in {"tool", "function"}]
    if results:
        return "The tools said: " + "; ".join(results)
    images = [part for message in request.messages for part in _images(message)]
    if images:
        return f"I was shown {len(images)} pictures, and told: {said}"
    return f"You said: {said}"


def _schema_in(text: str) -> dict[str, Any] | None:
    """A schema that is given in words: the first JSON object that describes properties."""
    for found in re.finditer(r"\{", text):
        try:
            value, _ = json.JSONDecoder().raw_decode(text, found.start())
        except ValueError:
            continue
        if isinstance(value, dict) and "properties" in value:
            return value
    return None


def _images(message: Message) -> Iterator[ImagePart]:
    if not isinstance(message.content, str):
        yield from (part for part in message.content or () if isinstance(part, ImagePart))


# --- tools ---


def _calls(request: ChatRequest) -> list[tuple[str, str]]:
    """The calls to make, each a tool's name and its arguments as JSON."""
    said = _asked(request)
    return [
        (tool.name, json.dumps(_Filling(tool.parameters or {}, said).value(), ensure_ascii=False))
        for tool in _chosen(request, said)
    ]


def _chosen(request: ChatRequest, said: str) -> list[Tool]:
    tools, choice = request.tools or (), request.tool_choice
    if not tools or choice == "none":
        return []
    if isinstance(choice, NamedTool):
        return [tool for tool in tools if tool.name == choice.name]
    called = {call.name for message in _since(request) for call in message.tool_calls or ()}
    left = [tool for tool in tools if tool.name not in called]
    meant = _meant(left, said)
    if choice == "required":
        meant = meant or left[:1] or [tools[0]]
    return meant[:1] if request.parallel_tool_calls is False else meant


def _meant(tools: Sequence[Tool], said: str) -> list[Tool]:
    """Those that have a word of their names in what is said."""
    return [tool for tool in tools if _words(tool.name) & _words(said)]


def _words(text: str) -> set[str]:
    """The words that tell what a text is about; a name in one piece is also a word."""
    plain = text.lower()
    words = {word for word in re.split(r"[\W_]+", plain) if len(word) > 3}
    return (words - EMPTY_WORDS) | set(re.findall(r"\w+_\w+", plain))


# --- a model of text alone ---


def textual(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Answers in words; calls tools and writes JSON where it is asked for that in words."""
    told = [_plainly(message["content"]) for message in messages if message["role"] != "assistant"]
    last = next((_plainly(message["content"]) for message in reversed(messages) if message["role"] == "user"), "")
    yield from re.findall(r"\s*\S+\s*", _in_words("\n\n".join(told), last))


textual.tool_parser = "hermes"  # type: ignore[attr-defined]


def _plainly(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or ())


def _in_words(everything: str, last: str) -> str:
    results = re.findall(r"<tool_response>\n(.*?)\n</tool_response>", last, re.DOTALL)
    if results:
        return "The tools said: " + "; ".join(str(json.loads(result)["content"]) for result in results)
    asked = [part for part in last.split("\n\n") if not re.match(r"You can call|Answer with|\{", part)]
    said = asked[-1] if asked else last
    listed = re.findall(r"<tools>\n(.*?)\n</tools>", everything, re.DOTALL)
    tools = [msgspec.json.decode(line, type=Tool) for line in listed[-1].splitlines()] if listed else []
    must = re.search(r"You must call.*", everything)
    calls = _meant(tools, said) or [tool for tool in tools if must and tool.name in must[0]] or tools[: bool(must)]
    if calls:
        made = [{"name": call.name, "arguments": _Filling(call.parameters or {}, said).value()} for call in calls]
        return "\n".join(f"<tool_call>\n{json.dumps(one, ensure_ascii=False)}\n</tool_call>" for one in made)
    if form := re.search(r"Answer with .*JSON", last):
        schema = _schema_in(last[form.start() :]) or _schema_in(everything)
        keys = _quoted(said) or ["answer"]
        value = _Filling(schema, said).value() if schema else {key: f"the {key}" for key in keys}
        return json.dumps(value, ensure_ascii=False)
    return f"You said: {said}"


# --- values of a schema ---


def _quoted(text: str) -> list[str]:
    return [a or b for a, b in re.findall(r"'([^']+)'|\"([^\"]+)\"", text)]


def _names(text: str) -> list[str]:
    """Proper names after a preposition: `in San Francisco`."""
    return re.findall(r"\b(?:in|for|named|about) ([A-Z]\w+(?: [A-Z]\w+)*)", text)


class _Filling:
    """A value of a JSON schema: numbers and quoted words that were said are used first, in their order."""

    def __init__(self, schema: Mapping[str, Any], said: str) -> None:
        self._root = schema
        self._numbers = iter([float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", said)])
        self._texts = iter([*_quoted(said), *_names(said)])
        self._said = said

    def value(self) -> Any:
        return self._of(self._root, 0)

    def _of(self, schema: Any, depth: int) -> Any:
        schema = self._plain(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        if "default" in schema and depth > DEEP:
            return schema["default"]
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        made = getattr(self, f"_{kind}", None)
        return made(schema, depth) if made else None

    def _plain(self, given: Any) -> dict[str, Any]:
        """The schema itself, in place of what refers to it; the first of several that is not null."""
        schema: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
        if "$ref" in schema:
            found: Any = self._root
            for step in str(schema.pop("$ref")).removeprefix("#/").split("/"):
                found = found[step]
            return self._plain({**found, **schema})
        for one in schema.pop("allOf", ()):
            schema = {**self._plain(one), **schema}
        for several in ("anyOf", "oneOf"):
            options = [self._plain(one) for one in schema.pop(several, ())]
            if options:
                return {**schema, **next((one for one in options if one.get("type") != "null"), options[0])}
        return schema

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        properties = schema.get("properties", {})
        return {name: self._of(of, depth + 1) for name, of in properties.items() if depth < DEEP or name in required}

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        few = schema.get("minItems", 0 if depth >= DEEP else 1)
        return [self._of(schema.get("items", {}), depth + 1) for _ in range(few)]

    def _number(self, schema: dict[str, Any], depth: int) -> float:
        said = next(self._numbers, None)
        least = schema.get("minimum", schema.get("exclusiveMinimum", -1e300))
        most = schema.get("maximum", schema.get("exclusiveMaximum", 1e300))
        if said is not None and least < said < most:
            return said
        return float(max(min(1.0, most), least + (least == schema.get("exclusiveMinimum"))))

    def _integer(self, schema: dict[str, Any], depth: int) -> int:
        return int(self._number(schema, depth))

    def _boolean(self, schema: dict[str, Any], depth: int) -> bool:
        return True

    def _null(self, schema: dict[str, Any], depth: int) -> None:
        return None

    def _string(self, schema: dict[str, Any], depth: int) -> str:
        if form := schema.get("format"):
            return TIMES.get(form, str(form))
        text: str = next(self._texts, None) or self._said or "something"
        most: int = schema.get("maxLength", len(text))
        return text[:most].ljust(schema.get("minLength", 0), ".")
