"""Small agents and models that the tests of conversations share."""

from collections.abc import Iterator
from typing import Any

from modelport.agents import ConversableAgent
from modelport.agents.iostream import IOStream

__all__ = ("Terminal", "echo", "saying", "talker", "tool_call")


def echo(messages: list[dict[str, Any]], **_: Any) -> str:
    """Says how many messages it was sent, and the last."""
    return f"{len(messages)}: {messages[-1]['content']}"


def saying(*replies: Any) -> Any:
    """A model that says *replies* in order, and keeps what it was asked in ``asked``."""
    left: Iterator[Any] = iter(replies)

    def model(messages: list[dict[str, Any]], **params: Any) -> Any:
        model.asked.append({"messages": [dict(each) for each in messages], **params})  # type: ignore[attr-defined]
        return next(left)

    model.asked = []  # type: ignore[attr-defined]
    return model


def talker(name: str, *replies: Any, **options: Any) -> ConversableAgent:
    """An agent that asks nobody, and whose model says *replies*."""
    options.setdefault("human_input_mode", "NEVER")
    model = saying(*replies) if replies else None
    return ConversableAgent(name, model=model, **options)


def tool_call(name: str, arguments: str, number: str = "call_1") -> dict[str, Any]:
    """A message of a model that calls a tool."""
    function = {"name": name, "arguments": arguments}
    return {"content": None, "tool_calls": [{"id": number, "type": "function", "function": function}]}


class Terminal(IOStream):
    """A terminal at which a person has typed *answers* already; ``text`` is what was printed."""

    def __init__(self, *answers: str) -> None:
        self.text: str = ""
        self.asked: list[str] = []
        self._answers = list(answers)

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", flush: bool = False) -> None:
        self.text += sep.join(map(str, objects)) + end

    def input(self, prompt: str = "", *, password: bool = False) -> str:
        self.asked.append(prompt)
        return self._answers.pop(0)
