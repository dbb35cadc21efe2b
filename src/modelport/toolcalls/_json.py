"""JSON within text that comes in any pieces, and what of it is a call. Knows no format of calls."""

import json as whole_json
import re
from collections.abc import Sequence

from msgspec import DecodeError, Raw, Struct, ValidationError, json

from modelport.toolcalls._reading import Broken, Reader, Steps
from modelport.types import Tool, ToolCallDelta

_VALUE = '{["0'
_FIRST_ITEM = '{["0]'
_KEY = '"'
_FIRST_KEY = '"}'
_STRING = re.compile(r'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+')
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")  # cut off
_PLAIN = re.compile(r"[A-Za-z0-9+.-]*+")
_SCALAR = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 400


class _Call(Struct):
    name: str
    arguments: Raw = Raw(b"")
    parameters: Raw = Raw(b"")  # what some models call them


class _Grammar:
    """Which of JSON's tokens may come next: brackets, comma and colon as they are, ``"`` a string, ``0`` the rest."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.next = _VALUE

    def take(self, sign: str) -> None:
        if sign not in self.next:
            raise Broken
        if sign in "{[":
            self.open.append(sign)
            self.next = _FIRST_KEY if sign == "{" else _FIRST_ITEM
        elif sign == ",":
            self.next = _KEY if self.open[-1] == "{" else _VALUE
        elif sign == ":":
            self.next = _VALUE
        elif sign == '"' and self.next in {_KEY, _FIRST_KEY}:
            self.next = ":"
        else:
            if sign in "}]":
                self.open.pop()
            self.next = "" if not self.open else ",}" if self.open[-1] == "{" else ",]"


def json_of(reader: Reader, first: str = "{[") -> Steps[str]:
    """Pass a JSON value that begins with one of *first*, and give its text.

    Raises:
        Broken: it is none, as soon as that is seen.
    """
    if (yield from reader.ahead(1)) not in tuple(first):
        raise Broken
    begin = reader.place
    if not _at_once(reader):
        grammar = _Grammar()
        while True:
            yield from _token(reader, grammar)
            if not grammar.next:
                break
            yield from reader.space()
    return reader.passed(begin, reader.place)


def _at_once(reader: Reader) -> bool:
    """Pass the value at the speed of C, if all of it is there and right; otherwise pass nothing."""
    try:
        _, reader._at = _DECODER.raw_decode(reader._text, reader._at)
    except (ValueError, RecursionError):
        return False
    return True


def _token(reader: Reader, grammar: _Grammar) -> Steps[None]:
    char = yield from reader.ahead(1)
    if not char:
        raise Broken
    if char in '{}[],:"':
        grammar.take(char)
        reader._at += 1
        if char == '"':
            yield from _rest_of_string(reader)
        return
    grammar.take("0")
    begin = reader._at
    while (end := _end_of(_PLAIN, reader)) == len(reader._text) and end - begin <= _LONGEST_NUMBER:
        yield from reader.more()
        begin = reader._at
    if end - begin > _LONGEST_NUMBER or not _SCALAR.fullmatch(reader._text, begin, end):
        raise Broken
    reader._at = end


def _rest_of_string(reader: Reader) -> Steps[None]:
    while True:
        reader._at = _end_of(_STRING, reader)
        rest = reader._text[reader._at : reader._at + 6]
        if rest.startswith('"'):
            reader._at += 1
            return
        if rest and not (_ESCAPE.fullmatch(rest) and reader._at + len(rest) == len(reader._text)):
            raise Broken
        yield from reader.more()


def _end_of(pattern: re.Pattern[str], reader: Reader) -> int:
    found = pattern.match(reader._text, reader._at)
    return reader._at if found is None else found.end()


def _number(text: str) -> str:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(text[:20])
    return text


def _no_constant(text: str) -> str:
    raise ValueError(text)


_DECODER = whole_json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_no_constant)


def call_in(text: str) -> ToolCallDelta:
    """The call that a JSON object with a name and arguments is.

    Raises:
        Broken: it is none.
    """
    try:
        call = json.decode(text, type=_Call)
    except (DecodeError, ValidationError, UnicodeError, RecursionError):
        raise Broken from None
    given = bytes(call.arguments) or bytes(call.parameters) or b"{}"
    return call_with(call.name, given.decode())


def bare_call_in(text: str) -> ToolCallDelta:
    """Like :func:`call_in`, for what no mark tells from other JSON: a name, arguments that are an object, nothing else.

    Raises:
        Broken: it is none.
    """
    try:
        given = json.decode(text, type=dict[str, Raw])
        kind = json.decode(given.pop("type", Raw(b'"function"')))
        given.pop("id", None)
        names = [given.pop(key) for key in ("name", "function", "tool") if key in given]
        values = [given.pop(key) for key in ("arguments", "parameters") if key in given]
        if kind != "function" or given or len(names) != 1 or len(values) != 1:
            raise Broken
        call = call_with(json.decode(names[0], type=str), bytes(values[0]).decode())
    except (DecodeError, ValidationError, UnicodeError, RecursionError):
        raise Broken from None
    if not call.arguments.startswith("{"):
        raise Broken
    return call


def call_with(name: str, arguments: str) -> ToolCallDelta:
    """A call of *name*; *arguments* is JSON, or JSON within JSON, as some models write it.

    Raises:
        Broken: it is neither, or the name is empty.
    """
    try:
        if arguments.startswith('"'):
            arguments = json.decode(arguments, type=str)
        json.decode(arguments)
        arguments.encode()
    except (DecodeError, UnicodeError, RecursionError):
        raise Broken from None
    if not name:
        raise Broken
    return ToolCallDelta(name=name, arguments="{}" if arguments == "null" else arguments)


def arguments_or_text(arguments: str) -> Raw:
    """*arguments* as JSON; such as are none, as the text that they are."""
    try:
        value = Raw(arguments.encode() or b"{}")
        json.decode(value)
    except (DecodeError, UnicodeError, RecursionError):
        return Raw(json.encode(arguments))
    return value


def object_or_none(arguments: str) -> dict[str, object] | None:
    """*arguments* as what they say, where that is an object."""
    try:
        value: object = json.decode(arguments or "{}")
    except (DecodeError, UnicodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def escaped(value: object, mark: str) -> str:
    """JSON of *value*, on one line, in which the character *mark* does not stand (none of JSON's own is one)."""
    return json.encode(value).decode().replace(mark, f"\\u{ord(mark):04x}")


def plain_name(name: str) -> str:
    """*name*, for a format in which nothing can be quoted: what no name of a tool has becomes ``_``."""
    return re.sub(r"[^\w.-]", "_", name) or "_"


def listed(tools: Sequence[Tool], mark: str) -> str:
    """*tools* as JSON objects, one in a line."""
    return "\n".join(
        escaped({"name": tool.name, "description": tool.description or "", "parameters": tool.parameters or {}}, mark)
        for tool in tools
    )
