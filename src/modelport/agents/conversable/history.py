"""What an agent remembers of a conversation: a list of messages in OpenAI's form. Knows no agents."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from modelport.errors import InvalidMessage
from modelport.types.complaints import shown

__all__ = ("Conversations", "History", "as_message", "flattened", "history_message", "normalized_name", "valid_name")

_KEPT = ("content", "function_call", "tool_calls", "tool_responses", "tool_call_id", "name", "context")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")
_LONGEST_NAME = 64  # what OpenAI's API takes


class History(list[dict[str, Any]]):
    """The messages of one conversation, oldest first: a list that knows whether any holds several tool results.

    Only then must it be taken apart before a model reads it; so a turn of a long conversation costs a copy of the list.
    """

    __slots__ = ("_last", "_seen", "_whole")

    def __init__(self, messages: Iterable[dict[str, Any]] = ()) -> None:
        super().__init__(messages)
        self._seen = 0
        self._last: dict[str, Any] | None = None  # the last that was looked at
        self._whole = True

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, value)
        self._seen = 0

    @property
    def whole(self) -> bool:
        """No message holds several tool results. Looks only at what was appended since it was last asked."""
        seen = self._seen
        if seen and (len(self) < seen or self[seen - 1] is not self._last):  # cleared since, perhaps filled again
            seen = 0
        if seen == len(self):
            return self._whole or not seen
        new_is_whole = not any(message.get("tool_responses") for message in self[seen:])
        self._whole = new_is_whole and (self._whole or not seen)
        self._seen, self._last = len(self), self[-1]
        return self._whole


class Conversations(defaultdict[Any, list[dict[str, Any]]]):
    """Histories by the agent on the other side, begun when they are first written to."""

    def __init__(self, known: Mapping[Any, list[dict[str, Any]]] | None = None) -> None:
        super().__init__(History)
        if known is not None:
            self.update(known)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (), None, None, iter(self.items())


def as_message(message: Any, speaker: str | None = None) -> dict[str, Any]:
    """*message*, of *speaker*, as a dict: text becomes its content.

    Raises:
        InvalidMessage: it is neither text nor anything like a dict.
    """
    if isinstance(message, str):
        return {"content": message}
    if isinstance(message, dict):
        return message
    try:
        return dict(message)
    except (TypeError, ValueError) as error:
        whose = "" if speaker is None else f" of {speaker!r}"
        raise InvalidMessage(
            f"{error}: a message{whose} must be text or a dict, got {shown(message)}", param="message"
        ) from error


def history_message(message: dict[str, Any], role: str, name: str) -> dict[str, Any] | None:
    """*message* as it is kept, in a form that OpenAI's API takes; None where it says nothing at all.

    *role* is the speaker's part in this history ("assistant" for the owner, "user" for the other side) and *name* is
    what the speaker is called; a message may know better.

    Raises:
        InvalidMessage: it calls tools in no form that there is.
    """
    kept = {key: message[key] for key in _KEPT if message.get(key) is not None}
    calls = bool(kept.get("function_call") or kept.get("tool_calls"))
    if "content" not in kept:
        if "function_call" not in kept and "tool_calls" not in kept:
            return None
        kept["content"] = None
    given = message.get("role")
    if given in {"function", "tool"}:
        kept["role"] = given
    else:
        kept["role"] = message.get("override_role", role)
    if calls:
        _check_calls(kept, name)
        kept["role"] = "assistant"  # nobody else may call tools
    elif "name" not in kept:
        kept["name"] = name
    return kept


def _check_calls(message: Mapping[str, Any], speaker: str) -> None:
    call, calls = message.get("function_call"), message.get("tool_calls") or ()
    if call and not isinstance(call, dict):
        raise _not_a_call("function_call", speaker, "a dict with name and arguments", call)
    if not isinstance(calls, list | tuple):
        raise _not_a_call("tool_calls", speaker, "a list of dicts", calls)
    for number, each in enumerate(calls):
        if not isinstance(each, dict):
            raise _not_a_call(f"tool_calls[{number}]", speaker, "a dict with id and function", each)
        if each.get("function") is not None and not isinstance(each["function"], dict):
            what = "a dict with name and arguments"
            raise _not_a_call(f"tool_calls[{number}].function", speaker, what, each["function"])


def _not_a_call(field: str, speaker: str, expected: str, came: object) -> InvalidMessage:
    return InvalidMessage(f"{field} in a message of {speaker!r} must be {expected}, got {shown(came)}", param=field)


def flattened(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """*messages* with one message a tool result, as models want them."""
    flat: list[dict[str, Any]] = []
    for message in messages:
        results = message.get("tool_responses")
        if not results:
            flat.append(message)
            continue
        flat.extend(results)
        if message.get("role") != "tool":  # a person who interrupted the call also said something
            flat.append({key: value for key, value in message.items() if key != "tool_responses"})
    return flat


def normalized_name(name: str) -> str:
    """*name*, from a model, with what OpenAI's API would refuse replaced by underscores."""
    return _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]


def valid_name(name: Any) -> str:
    """*name*, from a person.

    Raises:
        ValueError: it has other characters than letters, digits, ``_`` and ``-``, or more than 64.
    """
    if not isinstance(name, str) or not _NAME.match(name):
        raise ValueError(f"Invalid name: {name}. Only letters, numbers, '_' and '-' are allowed.")
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"Invalid name: {name}. Name must be less than 64 characters.")
    return name
