"""What a parser of tool calls is. A file of this folder that defines ``PARSER`` adds one; so may other packages."""

from collections.abc import Sequence
from typing import Any, Protocol

from modelport.errors import ConfigError
from modelport.registry import Registry, did_you_mean
from modelport.types import Event, Tool

__all__ = ("PARSERS", "ToolCallParser", "parser_named")

PARSERS = Registry("toolcalls", "modelport.toolcalls", "PARSER")

_found: dict[str, "type[ToolCallParser]"] = {}  # looking for one reads folders


class ToolCallParser(Protocol):
    """One way to write tool calls, both ways. An object reads one answer, since it holds state; it is told the tools.

    ``feed`` takes the answer's text in any pieces, and gives text that is no call as it came and calls as
    :class:`ToolCallDelta`, each whole, with a name and the JSON text of its arguments; ids and indexes are left open.
    ``finish`` gives what is left at the end. How the text was split makes no difference.
    """

    def __init__(self, tools: Sequence[Tool] = ()) -> None: ...

    def feed(self, text: str) -> list[Event]: ...

    def finish(self) -> list[Event]: ...

    @staticmethod
    def describe(tools: Sequence[Tool]) -> str:
        """What tells a model which tools there are, and how to call them."""
        ...

    @staticmethod
    def call_text(name: str, arguments: str) -> str:
        """A call, as the model would have written it; *arguments* is JSON text."""
        ...

    @staticmethod
    def result_text(name: str | None, content: str) -> str:
        """What a call gave, for the model to read; nothing in *content* can end it early."""
        ...


def parser_named(name: Any, where: str = "tool_parser") -> type[ToolCallParser]:
    """The parser of that name.

    Raises:
        ConfigError: there is none; *where* names what asked for it.
    """
    if not isinstance(name, str):
        raise ConfigError(f"{where} must be the name of a parser, got {type(name).__name__}", param=where)
    if name in _found:
        return _found[name]
    if name not in PARSERS:
        known = PARSERS.names()
        hint = did_you_mean(name, known)
        raise ConfigError(f"{where}: no parser is named {name!r}{hint} (there are: {', '.join(known)})", param=where)
    found: type[ToolCallParser] = PARSERS.load(name)
    return _found.setdefault(name, found)
