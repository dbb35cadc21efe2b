"""Models that are strict about who speaks when: their messages, merged and folded until they keep declared rules.

A model, or the entry of a config list that names it, declares ``role_rules``, by these names:

- ``no_empty``: no message says nothing. Empty ones are left out, but for those that call tools or have their results.
- ``system_first``: one system message at most, and at the start. Those at the start become one; any later one becomes
  a user's, where it stands.
- ``no_system``: none at all. Those at the start are folded into the user's message that follows, or become one.
- ``user_first``: a user speaks first (after the system message). Where none does, one says "Begin."
- ``alternate``: ``system_first``, and neither a user nor the assistant has two turns in a row: they become one.

Nothing is lost on the way, and no order changed: texts are joined by a blank line; parts (images, …) and tool calls are
strung together; where messages of different names become one, each text begins with its speaker's. Results of tools
stay where they are. Of two values of a field that is unknown here, the first message's stays. Two messages that call
functions in OpenAI's oldest form, which has room for one call, stay two.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any

from msgspec.structs import replace

from modelport.errors import ConfigError, InvalidRequest
from modelport.model import AnswerStream, Model, ReadyEvents, role_rules
from modelport.types import ChatRequest, Emulated, Event, Message, Messages, TextPart, messages_from
from modelport.types.complaints import shown
from modelport.wrappers.base import InnerAnswer, Wrapper
from modelport.wrappers.merging import DICTS, VALUES, Form, merged

__all__ = ("ROLE_RULES", "RoleRules", "declared_rules", "follow", "rules_from")

ROLE_RULES = ("alternate", "no_empty", "no_system", "system_first", "user_first")
"""The names of all rules."""

_BEGIN = "Begin."
_LETTERS = {"system": "s", "developer": "s", "user": "u", "assistant": "a", "tool": "t", "function": "t"}
_letter_of = _LETTERS.__getitem__
_role, _content = itemgetter("role"), itemgetter("content")


def rules_from(given: Any, where: str = "role_rules") -> tuple[str, ...]:
    """Rules from what users write: names in any collection, or one name.

    Raises:
        ConfigError: it is none, or a name is unknown.
    """
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, list | tuple | set | frozenset) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{where} must be a list of names ({', '.join(ROLE_RULES)}), got {shown(given)}", param=where)
    unknown = sorted(set(names) - set(ROLE_RULES))
    if unknown:
        raise ConfigError(
            f"{where} has {', '.join(map(repr, unknown))}, which is no rule; there are: {', '.join(ROLE_RULES)}",
            param=where,
        )
    return tuple(name for name in ROLE_RULES if name in names)


def declared_rules(model: object) -> tuple[str, ...]:
    """The rules that *model*, or what a user wrote behind it, declares by an attribute ``role_rules``."""
    given = role_rules(model)
    if given is None or callable(given):
        return ()
    return rules_from(given, f"{type(model).__name__}.role_rules")


class RoleRules(Wrapper):
    """A model that gets messages which keep *rules*. Where they did not, the answer says so, and what was sent."""

    def __init__(self, model: Model, rules: Iterable[str]) -> None:
        super().__init__(model)
        self.rules: tuple[str, ...] = tuple(rules)

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The model's answer to the same messages in an order that it takes.

        Raises:
            InvalidRequest: no message is left, because all are empty.
        """
        sent, broken = follow(request.messages, self.rules)
        if not broken:
            return self.model.stream(request)
        answer = self.model.stream(replace(request, messages=sent))
        return _Labelled(answer, Emulated(tuple(f"role_rules.{name}" for name in broken), sent))


class _Labelled(InnerAnswer):
    __slots__ = ("_label",)

    def __init__(self, answer: AnswerStream, label: Emulated) -> None:
        self._answer = answer
        self._label = label

    async def __aenter__(self) -> AsyncIterator[Event]:
        assert self._answer is not None
        events = await self._answer.__aenter__()
        if type(events) is ReadyEvents:
            return ReadyEvents([self._label, *events.rest()])
        return self._all(events)

    async def _all(self, events: AsyncIterator[Event]) -> AsyncGenerator[Event, None]:
        yield self._label
        async for event in events:
            yield event


# --- the rules --------------------------------------------------------------------------------------------------------


def follow(messages: Sequence[Any], rules: Iterable[str]) -> tuple[Any, tuple[str, ...]]:
    """*messages* that keep *rules*, and the names of those that they did not keep; where they kept all, the very same.

    *messages* are dicts, :class:`Message` values, or a request's :class:`Messages` (which the result then is, too).

    Raises:
        InvalidRequest: no message is left, because all are empty.
    """
    wrapped = type(messages) is Messages
    items: Sequence[Any] = messages.given if wrapped else messages  # type: ignore[attr-defined]
    form: Form = DICTS
    if set(map(type, items)) != {dict} and not all(isinstance(item, Mapping) for item in items):
        form = VALUES
        if not all(isinstance(item, Message) for item in items):
            items = tuple(messages_from(messages))
    rules = frozenset(rules)
    broken: list[str] = []
    if "no_empty" in rules:
        kept = _no_empty(items, form)
        if kept is not items:
            items = kept
            broken.append("no_empty")
    if not _keeps(_letters(items, form), rules):
        for name, keep in _STEPS:
            kept = keep(items, form) if name in rules else items
            if kept is not items:
                items = kept
                broken.append(name)
    if not broken:
        return messages, ()
    return (Messages(items) if wrapped else items), tuple(broken)


def _letters(items: Sequence[Any], form: Form) -> str:
    """A letter for each message's role."""
    if form is DICTS:
        with suppress(KeyError, TypeError):  # nearly always, at the speed of C
            return "".join(map(_letter_of, map(_role, items)))
    try:
        return "".join([_LETTERS.get(form.get(item, "role"), "o") for item in items])
    except TypeError:
        raise InvalidRequest("messages: the role of each must be text", param="messages") from None


def _keeps(letters: str, rules: frozenset[str]) -> bool:
    """Whether messages of these roles keep all *rules* but ``no_empty``: nearly always, and so seen at a glance."""
    if "s" in letters[1:] and not rules.isdisjoint({"system_first", "alternate"}):
        return False
    if "no_system" in rules and "s" in letters:
        return False
    if "user_first" in rules and not letters.lstrip("s").startswith("u"):
        return False
    return "alternate" not in rules or ("uu" not in letters and "aa" not in letters)


def _no_empty(items: Sequence[Any], form: Form) -> Sequence[Any]:
    if form is DICTS and _all_say_something(items):
        return items
    kept = [item for item in items if not _is_empty(item, form)]
    if len(kept) == len(items):
        return items
    if not kept:
        raise InvalidRequest(
            "messages: none of them says anything, and the model takes no empty ones (role_rules: no_empty)",
            param="messages",
        )
    return kept


def _all_say_something(items: Sequence[Any]) -> bool:
    """Nearly always, and found at the speed of C; False where it takes a closer look."""
    try:
        contents = list(map(_content, items))
    except (KeyError, TypeError):
        return False
    return set(map(type, contents)) == {str} and all(contents) and not any(map(str.isspace, contents))


def _no_system(items: Sequence[Any], form: Form) -> Sequence[Any]:
    letters = _letters(items, form)
    if "s" not in letters:
        return items
    first = len(letters) - len(letters.lstrip("s"))
    users = [form.with_role(item, "user") if letters[at] == "s" else item for at, item in enumerate(items)]
    folded = first + (letters[first : first + 1] == "u")
    return [merged(users[:folded], form), *users[folded:]] if first else users


def _system_first(items: Sequence[Any], form: Form) -> Sequence[Any]:
    letters = _letters(items, form)
    if "s" not in letters[1:]:
        return items
    first = len(letters) - len(letters.lstrip("s"))
    rest = [
        form.with_role(item, "user") if letters[at] == "s" else item for at, item in enumerate(items[first:], first)
    ]
    return [merged(items[:first], form), *rest] if first else rest


def _user_first(items: Sequence[Any], form: Form) -> Sequence[Any]:
    letters = _letters(items, form)
    first = len(letters) - len(letters.lstrip("s"))
    if letters[first : first + 1] == "u":
        return items
    return [*items[:first], form.make({"role": "user", "content": _BEGIN}), *items[first:]]


def _alternate(items: Sequence[Any], form: Form) -> Sequence[Any]:
    items = _system_first(items, form)
    letters = _letters(items, form)
    if "uu" not in letters and "aa" not in letters:
        return items
    turns: list[list[Any]] = []
    before, calls = "", False
    for letter, item in zip(letters, items, strict=True):
        old_call = form.get(item, "function_call") is not None
        if letter == before and letter in "ua" and not (calls and old_call):
            turns[-1].append(item)
            calls = calls or old_call
        else:
            turns.append([item])
            calls = old_call
        before = letter
    if len(turns) == len(items):
        return items
    return [merged(turn, form) for turn in turns]


# In this order, after what is empty is gone: turns are told apart once all have their roles.
_STEPS: tuple[tuple[str, Callable[[Sequence[Any], Form], Sequence[Any]]], ...] = (
    ("no_system", _no_system),
    ("system_first", _system_first),
    ("user_first", _user_first),
    ("alternate", _alternate),
)


def _is_empty(item: Any, form: Form) -> bool:
    content = form.get(item, "content")
    if type(content) is str:
        if content and not content.isspace():
            return False
    elif content is not None and not (isinstance(content, list | tuple) and all(map(_is_blank, content))):
        return False
    if _LETTERS.get(form.get(item, "role"), "o") not in "sua":
        return False
    return not any(form.get(item, name) for name in ("tool_calls", "function_call", "refusal"))


def _is_blank(part: Any) -> bool:
    text = part
    if isinstance(part, Mapping):
        text = part.get("text") if part.get("type") == "text" else part
    elif isinstance(part, TextPart):
        text = part.text
    return isinstance(text, str) and not text.strip()
