"""What the programs share: a model client that answers by script, and a place to report to. Knows neither side."""

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

__all__ = ("CONFIG", "FINDINGS", "ScriptedClient", "attempt", "call", "failed", "llm", "plain", "report", "typing_in")

FINDINGS: dict[str, Any] = {}

# The entry that most programs use. cache_seed None: what one program asked must not answer another's question.
CONFIG: dict[str, Any] = {
    "config_list": [{"model": "scripted-1", "model_client_cls": "ScriptedClient"}],
    "cache_seed": None,
}


def llm(**more: Any) -> dict[str, Any]:
    """An llm_config of one ScriptedClient, with *more* beside its config_list."""
    return {**copy.deepcopy(CONFIG), **more}


class ScriptedClient:
    """A ModelClient whose answers are written down: text, a dict with tool calls, an error, or a function of params.

    A prompt token per message, a completion token per word, a quarter of a dollar per completion token.
    """

    def __init__(self, config: Any, replies: Iterable[Any] = (), requests: list[Any] | None = None, **_: Any) -> None:
        self.model = config.get("model", "scripted")
        # Nothing in here may tell one client from another: a cache of modelport's goes by a client's own values, too.
        self._replies = iter(replies)
        self._note = ([] if requests is None else requests).append

    def create(self, params: Mapping[str, Any]) -> Any:
        self._note(plain(params))
        reply = next(self._replies, RuntimeError("the script is over"))
        reply = reply(params) if callable(reply) else reply
        if isinstance(reply, BaseException):
            raise reply
        replies = reply if isinstance(reply, list) else [reply]
        choices = [SimpleNamespace(message=_message(each)) for each in replies]
        words = sum(len(str(each).split()) for each in replies)
        asked = len(params.get("messages", [0]))
        usage = SimpleNamespace(prompt_tokens=asked, completion_tokens=words, total_tokens=asked + words)
        return SimpleNamespace(model=self.model, choices=choices, usage=usage)

    def message_retrieval(self, response: Any) -> list[Any]:
        return [
            choice.message.content
            if choice.message.tool_calls is None and choice.message.function_call is None
            else {name: value for name, value in vars(choice.message).items() if value is not None or name == "content"}
            for choice in response.choices
        ]

    def cost(self, response: Any) -> float:
        return float(response.usage.completion_tokens) / 4

    @staticmethod
    def get_usage(response: Any) -> dict[str, Any]:
        return {
            "prompt_tokens": response.usage.prompt_tokens,
            "completion_tokens": response.usage.completion_tokens,
            "total_tokens": response.usage.total_tokens,
            "cost": response.cost,
            "model": response.model,
        }


def _message(reply: Any) -> SimpleNamespace:
    if isinstance(reply, str) or reply is None:
        reply = {"content": reply}
    reply = copy.deepcopy(reply)
    return SimpleNamespace(
        content=reply.get("content"),
        role="assistant",
        function_call=reply.get("function_call"),
        tool_calls=reply.get("tool_calls"),
    )


def call(name: str, arguments: Any, ident: str = "call_1") -> dict[str, Any]:
    """A tool call as a model asks for it; *arguments* that are no text become JSON."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": text}}


# --- reporting ---


def report(**findings: Any) -> None:
    """What is compared, by name. A name reported twice is a mistake of the program."""
    for name, value in findings.items():
        if name in FINDINGS:
            raise KeyError(f"{name!r} is reported twice")
        FINDINGS[name] = plain(value)


def attempt(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What *function* returns, or the error it raises, as a value to report."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return failed(error)


def failed(error: BaseException) -> dict[str, Any]:
    """An error as a value: the names of its class and of those above it, and its text."""
    names = [each.__name__ for each in type(error).__mro__ if each not in {object, BaseException, Exception}]
    return {"error": names or [type(error).__name__], "text": str(error)}


@contextmanager
def typing_in(lines: Iterable[str]) -> Any:
    """Within it, input() reads *lines* instead of a keyboard; gives the prompts that were shown."""
    import builtins

    left, shown = list(lines), list[str]()
    keyboard: Any = builtins
    before = keyboard.input

    def scripted(prompt: str = "") -> str:
        shown.append(prompt)
        if not left:
            raise EOFError("nobody is at the keyboard any more")
        print(f"{prompt}{left[0]}")
        return left.pop(0)

    keyboard.input = scripted
    try:
        yield shown
    finally:
        keyboard.input = before


def plain(value: Any) -> Any:
    """*value* as JSON has it. Agents become their names, errors what failed() says, other objects their fields."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {_key(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, BaseException):
        return failed(value)
    if hasattr(value, "chat_history") and hasattr(value, "summary"):
        wanted = ("chat_id", "chat_history", "summary", "cost", "human_input")
        return {name: plain(getattr(value, name)) for name in wanted}
    if hasattr(value, "send") and hasattr(value, "name"):
        return f"agent {value.name}"
    if isinstance(value, type) or callable(value):
        return f"<{getattr(value, '__name__', type(value).__name__)}>"
    if isinstance(value, SimpleNamespace):
        return plain(vars(value))
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    return f"<a {type(value).__name__}>"


def _key(key: Any) -> str:
    return str(plain(key))
