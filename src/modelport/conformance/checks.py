"""The promises, one function each: it asks the model under examination and says what it saw."""

import copy
import re
import time
from collections.abc import Callable

from modelport.conformance.subject import QUESTION, Subject
from modelport.errors import ModelportError
from modelport.model import generate, identity
from modelport.types import Event, Finish, ReasoningDelta, Started, TextDelta, ToolCallDelta, Usage, unfold
from modelport.types.embeddings import Embed, embedding_request, vectors_from

__all__ = ("CHECKS", "WITHOUT_MESSAGES", "answers_batches", "gives_vectors")

Seen = tuple[bool | None, str, str]  # held, what was seen, the mend

_AT_ONCE = 8
_CHOSEN = TextDelta | ReasoningDelta | ToolCallDelta | Finish


def _plural(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _name(subject: Subject) -> Seen:
    names = {subject.model.name for _ in range(3)}
    if len(names) > 1:
        return False, f"the name changed: {', '.join(map(repr, sorted(names)))}", "make name a class attribute"
    return True, f"its name is {subject.model.name!r}", ""


def _answers(subject: Subject) -> Seen:
    began = time.monotonic()
    subject.answers = False
    response = subject.ask()
    subject.seconds = time.monotonic() - began
    subject.first, subject.answers = response, True
    message = response.message
    if not message.text and not message.tool_calls:
        return False, "the answer is empty", "return text"
    return True, f"{_plural(len(message.text), 'character')} after {subject.seconds:.3f} s", ""


def _in_time(subject: Subject) -> Seen:
    slow = subject.seconds > subject.timeout / 2
    mend = (
        f"more than half of the {subject.timeout:g} s that it has: raise the timeout where it is used" if slow else ""
    )
    return True, f"{subject.seconds:.3f} s of {subject.timeout:g} s", mend


def _streams(subject: Subject) -> Seen:
    events = subject.events()
    problem = _disorder(events)
    if problem:
        return False, problem, "end each choice once, after its last piece"
    pieces = sum(isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta) for event in events)
    if pieces <= 1:
        can_stream = subject.contract in {"function", "native"}
        mend = "yield the text in pieces to let callers read along" if can_stream else ""
        return True, "the answer comes as a whole, in one piece", mend
    return True, f"in {_plural(pieces, 'piece')}", ""


def _disorder(events: list[Event]) -> str:
    ended: set[int] = set()
    seen: set[int] = set()
    for event in events:
        if not isinstance(event, _CHOSEN):
            continue
        if event.choice in ended:
            return f"choice {event.choice} goes on after its end"
        seen.add(event.choice)
        if isinstance(event, Finish):
            ended.add(event.choice)
    if seen != set(range(len(seen))):
        return f"the choices are numbered {', '.join(map(str, sorted(seen)))}, and not from 0 up"
    return "" if seen == ended else "the answer stops before its end"


def _whole(subject: Subject) -> Seen:
    text = "".join(e.text for e in subject.events() if isinstance(e, TextDelta) and e.choice == 0)
    again = subject.ask().text
    if text == again:
        return True, "the pieces, put together, are the whole answer", ""
    return None, "two answers to one question differ, so the pieces cannot be compared with the whole", ""


def _left(subject: Subject) -> Seen:
    subject.leave_early()
    response = subject.ask()
    return True, f"and it answered again after that ({_plural(len(response.text), 'character')})", ""


def _counts(subject: Subject) -> Seen:
    usage = subject.first.usage if subject.first else None
    if usage is None or usage.total is None:
        counted = usage is not None and (usage.prompt_tokens is not None or usage.completion_tokens is not None)
        what = "it counts a part of the tokens" if counted else "it does not count them: they will be estimated"
        return None, what, _COUNTING.get(subject.contract, "yield Usage(prompt_tokens=…, completion_tokens=…)")
    return True, f"{_plural(usage.total, 'token')}", ""


_COUNTING = {
    "modelclient": "return prompt_tokens, completion_tokens and total_tokens from get_usage()",
    "agentstudio": "put total_tokens (and prompt_tokens, completion_tokens) into the info dict",
    "function": "return (text, {'prompt_tokens': …, 'completion_tokens': …})",
}


def _cost(subject: Subject) -> Seen:
    usage: Usage | None = subject.first.usage if subject.first else None
    if usage is None or usage.cost is None:
        return None, "it does not know: the entry's price, or a price list, will tell", ""
    return True, f"{usage.cost:g} US dollars", ""


def _conversation(subject: Subject) -> Seen:
    turns = [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "Good morning."},
        {"role": "assistant", "content": "Good morning!"},
        {"role": "user", "content": QUESTION},
    ]
    given = copy.deepcopy(turns)
    subject.ask(subject.request(turns))
    if turns != given:
        changed = ", ".join(
            str(at) for at, (now, before) in enumerate(zip(turns, given, strict=False)) if now != before
        )
        return False, f"it changed the caller's messages (number {changed or 'added'})", "copy a message to change it"
    return True, "four turns, which it left as they were", ""


def _unicode(subject: Subject) -> Seen:
    subject.ask(subject.request("Grüße, 世界 👋 — \u200d\u0301 and a \\ and a {brace}"))
    return True, "text of several scripts", ""


def _choices(subject: Subject) -> Seen:
    response = subject.ask_honoured(subject.request(n=2))
    got = len(response.choices)
    if got < 2:
        return False, f"{_plural(got, 'choice')} where 2 were asked for", "give params['n'] choices"
    how = "by asking it twice" if "n" in response.emulated else "by itself"
    return True, f"2 choices, {how}", ""


def _stop(subject: Subject) -> Seen:
    words = re.findall(r"\w{3,}", subject.first.text if subject.first else "")
    if len(words) < 2:
        return None, "its answer is too short to be stopped", ""
    word = words[-1]
    response = subject.ask_honoured(subject.request(stop=[word]))
    if word in response.text:
        return False, f"the answer has {word!r}, which should have stopped it", "end the text before a stop sequence"
    return True, "by cutting its text" if "stop" in response.emulated else "by itself", ""


def _blocking(subject: Subject) -> Seen:
    subject.ask_blocking()
    return True, "from blocking code, in the caller's own thread or on the background loop", ""


def _async(subject: Subject) -> Seen:
    import asyncio

    subject.in_thread(lambda: asyncio.run(generate(subject.timed, subject.request())))
    return True, "from an event loop of its own", ""


def _at_once(subject: Subject) -> Seen:
    results = subject.in_threads([subject.ask] * _AT_ONCE)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors:
        first = errors[0]
        what = str(first) if isinstance(first, ModelportError) else f"{type(first).__name__}: {first}"
        return False, f"{len(errors)} of {_AT_ONCE} failed, the first with: {what}", "put a lock around what is shared"
    return True, f"{_AT_ONCE} at once", ""


def answers_batches(subject: Subject) -> Seen:
    """One for each request, in order, whether one comes or several."""
    for size in (1, 3):
        for number, events in enumerate(subject.ask_together([QUESTION] * size)):
            if not any(isinstance(event, TextDelta | ToolCallDelta) for event in events):
                what = f"of {_plural(size, 'request')}, number {number} got nothing"
                return False, what, "answer each request of a batch"
    return True, "of one and of three requests, an answer for each", ""


def _identity(subject: Subject) -> Seen:
    one, other = identity(subject.model), identity(subject.model)
    if one != other:
        return False, "its identity changes from call to call", "make identity depend on code and weights only"
    return True, f"for cache keys: {one}", ""


def _started(subject: Subject) -> Seen:
    named = [event.model for event in subject.events() if isinstance(event, Started) and event.model]
    if not named:
        return None, "it gives none: answers carry the name that it was given here", ""
    return True, f"answers come from {named[0]!r}", ""


def gives_vectors(subject: Subject) -> Seen:
    """The promise of a class with ``embed``."""
    texts = ("the colour of the sky", "a short sentence", "the colour of the sky")
    first, _, again = vectors_from(unfold(subject.ask(embedding_request(Embed(texts)))), len(texts))
    size = _plural(len(first), "number")
    if first != again:
        return None, f"of {size} each; one text got two that differ", "leave chance out of embed()"
    return True, f"of {size} each, the same for the same text", ""


WITHOUT_MESSAGES = frozenset({"has a name that stays", "has an identity for caches"})
"""The promises that a model which only embeds can be held to."""

CHECKS: tuple[tuple[str, Callable[[Subject], Seen]], ...] = (
    ("has a name that stays", _name),
    ("answers a simple message", _answers),
    ("answers in time", _in_time),
    ("streams its answer in order", _streams),
    ("streams what it answers as a whole", _whole),
    ("may be left before its answer ends", _left),
    ("counts tokens", _counts),
    ("tells its cost", _cost),
    ("tells which model answered", _started),
    ("takes a conversation and leaves it as it was", _conversation),
    ("takes any text", _unicode),
    ("gives n choices", _choices),
    ("stops where it is told to", _stop),
    ("answers blocking callers", _blocking),
    ("answers on an event loop", _async),
    ("answers several callers at once", _at_once),
    ("has an identity for caches", _identity),
)
