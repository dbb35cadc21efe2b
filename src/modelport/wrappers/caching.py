"""A model that remembers its answers."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeVar

from msgspec import MsgspecError
from msgspec.msgpack import Decoder, Encoder

from modelport.model import AnswerStream, Model, ReadyEvents
from modelport.storage.cache import Cache
from modelport.storage.keys import Uncacheable, key_of
from modelport.sync import offload
from modelport.types import ChatRequest, ChatResponse, Event, ResponseBuilder, Started, unfold
from modelport.wrappers.base import InnerAnswer, Wrapper

__all__ = ("Caching",)

T = TypeVar("T")

logger: logging.Logger = logging.getLogger(__name__)

_encode = Encoder().encode
_decode = Decoder(list[Event]).decode


class Caching(Wrapper):
    """Gives a request that it has seen the answer it got then, which says that it is ``cached``.

    A request is the same when its content is and when the model's identity is (its code included); *salt* is text that
    must be the same besides. Whole answers are stored, as data; the objects that users' classes return are not. Where
    a request's content cannot be read, or the cache fails, the model is asked.
    """

    def __init__(self, model: Model, cache: Cache, *, salt: str = "") -> None:
        super().__init__(model)
        self.cache = cache
        self._salt = salt
        self._identity: str | None = None

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The answer from the cache, or the model's."""
        return _CachedAnswer(self, request)

    async def key(self, request: ChatRequest) -> bytes | None:
        """The request's key, or None where it has none."""
        if self._identity is None:
            self._identity = await offload(lambda: f"{self.identity}\n{self._salt}")  # it may be read from files
        try:
            if any(type(message.content) is tuple for message in request.messages):
                return await offload(key_of, request, self._identity)  # images may be files, and large
            return key_of(request, self._identity)
        except (Uncacheable, OSError) as error:
            logger.debug("an answer of %s is not cached: %s", self.name, error)
            return None

    async def find(self, key: bytes) -> list[Event] | None:
        """The events stored under *key*."""
        try:
            stored = await self._call(lambda: self.cache.get(key))
            return None if stored is None else _decode(stored)
        except MsgspecError as error:
            logger.warning("a cached answer of %s cannot be read, and is made anew: %s", self.name, error)
        except Exception as error:
            logger.warning("the cache of %s failed, the model is asked: %s", self.name, error)
        return None

    async def store(self, key: bytes, response: ChatResponse) -> None:
        """Store a whole answer."""
        started, *rest = unfold(response)
        started = Started(model=response.model, id=response.id, cached=True)
        try:
            data = _encode([started, *rest])
            await self._call(lambda: self.cache.set(key, data))
        except Exception as error:
            logger.warning("an answer of %s could not be cached: %s", self.name, error)

    async def _call(self, function: Callable[[], T]) -> T:
        return await offload(function) if self.cache.blocking else function()


class _CachedAnswer(InnerAnswer):
    __slots__ = ("_caching", "_request")

    def __init__(self, caching: Caching, request: ChatRequest) -> None:
        self._caching = caching
        self._request = request
        self._answer = None

    async def __aenter__(self) -> AsyncIterator[Event]:
        caching = self._caching
        key = await caching.key(self._request)
        found = None if key is None else await caching.find(key)
        if found is not None:
            return ReadyEvents(found)
        answer = caching.model.stream(self._request)
        events = await answer.__aenter__()
        self._answer = answer
        if key is None:
            return events
        if type(events) is not ReadyEvents:
            return self._follow(key, events)
        builder = ResponseBuilder(caching.name)
        ready = events.rest()
        for event in ready:
            builder.add(event)
        await caching.store(key, builder.response())
        return ReadyEvents(ready)

    async def _follow(self, key: bytes, events: AsyncIterator[Event]) -> AsyncGenerator[Event, None]:
        builder = ResponseBuilder(self._caching.name)
        async for event in events:
            builder.add(event)
            yield event
        await self._caching.store(key, builder.response())
