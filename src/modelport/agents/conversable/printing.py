"""How a message looks on the terminal, in AutoGen 0.2's form, which programs and people read."""

from collections.abc import Mapping
from typing import Any

from modelport.agents.content import text_of
from modelport.agents.conversable.history import as_message
from modelport.agents.iostream import IOStream, colored
from modelport.client.templating import instantiate

__all__ = ("print_message", "print_names", "print_rest")


_PLAIN = (TypeError, ValueError, AssertionError)  # not their subclasses, which may want more than a text


def print_message(message: Any, sender: str, recipient: str, *, templates: bool) -> None:
    """Print what *sender* said to *recipient*; with *templates*, ``{names}`` in it are filled from its context."""
    try:
        _print_whole(IOStream.get_default(), as_message(message, sender), sender, recipient, templates)
    except (TypeError, ValueError, AssertionError) as error:
        if type(error) not in _PLAIN:
            raise
        raise type(error)(f"{error} (in what {sender!r} said to {recipient!r})") from error


def print_rest(message: Any) -> None:
    """Print what is left of a message whose words were printed as they came: the calls, and the line below."""
    _print_speech(IOStream.get_default(), {**as_message(message), "content": None}, templates=False)
    _print_line(IOStream.get_default())


def print_names(stream: IOStream, sender: str, recipient: str) -> None:
    """Print who speaks to whom."""
    stream.print(colored(sender, "yellow"), "(to", f"{recipient}):\n", flush=True)


def _print_line(stream: IOStream) -> None:
    stream.print("\n", "-" * 80, flush=True, sep="")


def _print_whole(stream: IOStream, message: Mapping[str, Any], sender: str, recipient: str, templates: bool) -> None:
    print_names(stream, sender, recipient)
    results = message.get("tool_responses")
    if results:
        for result in results:
            _print_whole(stream, as_message(result, sender), sender, recipient, templates)
        if message.get("role") == "tool":
            return  # its content only repeats the results
    if message.get("role") in {"function", "tool"}:
        _print_result(stream, message)
    else:
        _print_speech(stream, message, templates)
    _print_line(stream)


def _print_result(stream: IOStream, message: Mapping[str, Any]) -> None:
    key = "name" if message["role"] == "function" else "tool_call_id"
    heading = f"***** Response from calling {message['role']} ({message.get(key, 'No id found')}) *****"
    _framed(stream, heading, message["content"])


def _print_speech(stream: IOStream, message: Mapping[str, Any], templates: bool) -> None:
    content = message.get("content")
    if content is not None:
        if "context" in message:
            content = instantiate(content, message["context"], templates)
        stream.print(text_of(content), flush=True)
    call = message.get("function_call")
    if call:
        call = dict(call)
        heading = f"***** Suggested function call: {call.get('name', '(No function name found)')} *****"
        _framed(stream, heading, _arguments(call))
    for each in message.get("tool_calls") or ():
        called = dict(each.get("function") or {})
        name = called.get("name", "(No function name found)")
        heading = f"***** Suggested tool call ({each.get('id', 'No tool call id found')}): {name} *****"
        _framed(stream, heading, _arguments(called))


def _arguments(call: Mapping[str, Any]) -> str:
    return f"Arguments: \n{call.get('arguments', '(No arguments found)')}"


def _framed(stream: IOStream, heading: str, text: Any) -> None:
    stream.print(colored(heading, "green"), flush=True)
    stream.print(text, flush=True)
    stream.print(colored("*" * len(heading), "green"), flush=True)
