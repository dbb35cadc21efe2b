"""The model that is always there: a conversationalist of patterns in the manner of Weizenbaum's ELIZA (1966).

No weights, no network, no key. The same messages and seed get the same answer, in any process, since nothing is kept
between requests. What it says is in ``_eliza_script``, how it finds that in ``_eliza_talk``.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from modelport.errors import ConfigError
from modelport.model import AnswerStream, WholeAnswer
from modelport.runtimes._eliza_script import PICTURES
from modelport.runtimes._eliza_talk import Talk
from modelport.runtimes._picture_size import picture_size
from modelport.sync import offload
from modelport.types import ChatRequest, Event, Finish, ImagePart, Message, TextDelta, Usage

__all__ = ("Eliza", "count_tokens", "load")

_TOKEN = re.compile(r"\w+(?:'\w+)*|[^\w\s]")
_MOST_TURNS = 100  # of the user, the latest; a longer conversation is known from there on
_SHORT = 4000  # characters; whoever shares the event loop need not wait for longer ones
_OPTIONS = frozenset({"name", "pace"})


def load(argument: str | None = None, **options: Any) -> "Eliza":
    """The model. Options: ``name`` (what it is called), ``pace`` (seconds before each word, 0 by default).

    Raises:
        ConfigError: an argument or an option that eliza does not have.
    """
    if argument:
        raise ConfigError(f"eliza takes no argument, got {argument!r}: write eliza alone")
    unknown = sorted(options.keys() - _OPTIONS)
    if unknown:
        raise ConfigError(f"eliza has no option {unknown[0]!r}; it has name and pace", param=unknown[0])
    return Eliza(**options)


def count_tokens(text: str) -> int:
    """Words and punctuation marks in *text*: this model's own tokens."""
    return sum(1 for _ in _TOKEN.finditer(text))


class Eliza:
    """Answers the last thing that the user said, in the light of what they said before.

    ``temperature`` above 0 sometimes leaves the order of the replies, ``seed`` moves on through them, and each of
    ``n`` answers is another. A picture's size is told; what it shows is not made up.
    """

    # user and metadata are labels for whoever keeps accounts: there is nothing in them for an answer to follow.
    accepts: frozenset[str] = frozenset({"n", "seed", "temperature", "max_tokens", "user", "metadata"})
    identity = "eliza/1"

    def __init__(self, name: str = "eliza", pace: float = 0.0) -> None:
        if not isinstance(pace, int | float) or not 0 <= pace <= 10:  # type: ignore[redundant-expr]  # from a config
            raise ConfigError(f"pace must be seconds per word, 0 to 10, got {pace!r}", param="pace")
        self.name = name
        self.suspends: bool = pace > 0
        self._pace = pace

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The answer, word by word."""
        answer = self._answer(request)
        return self._paced(answer) if self._pace else WholeAnswer(answer)

    async def _answer(self, request: ChatRequest) -> list[Event]:
        said = [message for message in request.messages if message.role == "user"][-_MOST_TURNS:]
        pictures = [await _picture(part) for part in _pictures(said)]
        if sum(len(message.text) for message in said) <= _SHORT:
            replies = _replies(request, said, pictures)
        else:
            replies = await offload(_replies, request, said, pictures)
        events: list[Event] = []
        spoken = 0
        for choice, text in enumerate(replies):
            cut, tokens = _cut(text, request.max_tokens)
            events += [TextDelta(word, choice) for word in re.findall(r"\s*\S+", cut)]
            events.append(Finish("stop" if cut == text else "length", choice))
            spoken += tokens
        events.append(Usage(prompt_tokens=_prompt_tokens(request.messages), completion_tokens=spoken, cost=0.0))
        return events

    @asynccontextmanager
    async def _paced(self, answer: Any) -> AsyncIterator[AsyncIterator[Event]]:
        words = _slowly(await answer, self._pace)
        try:
            yield words
        finally:
            await words.aclose()


async def _slowly(events: Sequence[Event], pace: float) -> AsyncGenerator[Event, None]:
    import asyncio

    for event in events:
        if type(event) is TextDelta:
            await asyncio.sleep(pace)
        yield event


def _replies(request: ChatRequest, said: list[Message], pictures: list[str]) -> list[str]:
    """One for each choice, each from the same conversation."""
    talk = Talk(whim=(request.temperature or 0.0) / 2)
    for message in said[:-1]:
        talk.answer(message.text)
    seen = sum(1 for message in said[:-1] if _pictures([message]))
    replies = []
    for choice in range(request.n or 1):
        branch = talk.branch((request.seed or 0) + choice)
        if not said:
            replies.append(branch.greeting())
        elif pictures:
            replies.append(PICTURES[(seen + choice) % len(PICTURES)].replace("{1}", " and ".join(pictures)))
        else:
            replies.append(branch.answer(said[-1].text))
    return replies


def _pictures(said: list[Message]) -> list[ImagePart]:
    """Those of the last turn."""
    content = said[-1].content if said else None
    return [part for part in content if isinstance(part, ImagePart)] if isinstance(content, tuple) else []


async def _picture(part: ImagePart) -> str:
    image = part.image
    if isinstance(image, str) and not image.startswith("data:"):
        return "somewhere on the web, which I do not visit"
    size = await offload(picture_size, image)  # a path is a file to open
    return f"{size[0]}×{size[1]} pixels" if size is not None else "a size that I cannot tell"


def _cut(text: str, most: int | None) -> tuple[str, int]:
    """*text* with at most so many tokens, and how many it has."""
    ends = [token.end() for token in _TOKEN.finditer(text)]
    if most is None or len(ends) <= most:
        return text, len(ends)
    return text[: ends[most - 1]], most


def _prompt_tokens(messages: Sequence[Message]) -> int:
    """Those of all texts, and one for each picture."""
    pictures = sum(
        isinstance(part, ImagePart)
        for message in messages
        for part in (message.content if isinstance(message.content, tuple) else ())
    )
    return pictures + sum(count_tokens(message.text) for message in messages)
