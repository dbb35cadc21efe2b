"""Responses of AutoGen's wrapper: the user's own objects with what AutoGen adds to them, kept and restored as data."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import MsgspecError
from msgspec.msgpack import Decoder, Encoder

from modelport.client.autogen_call import Call
from modelport.client.autogen_entries import AnyEntry, Given, ModelEntry
from modelport.client.snapshots import restore, snapshot
from modelport.storage.cache import Cache as Store
from modelport.storage.keys import Uncacheable, conversation_key
from modelport.sync import offload
from modelport.types import Event, Finish, TextDelta, ToolCallDelta, Usage

__all__ = ("dressed", "events_of", "key_of", "remembered")

logger: logging.Logger = logging.getLogger("modelport.client.openai_wrapper")

_NOT_IN_KEYS = frozenset({"api_key", "base_url", "api_type", "api_version"})
_encode = Encoder().encode
_decode = Decoder(tuple[Any, Any, Usage]).decode


class _Kept:
    """Where the answer to one call is kept, under which key; and what is there, whose it was and what it took then."""

    __slots__ = ("key", "response", "store", "usage")

    def __init__(self, store: Store, key: bytes | None) -> None:
        self.store = store
        self.key = key
        self.response: Any = None
        self.usage: tuple[str, Usage] | None = None


async def remembered(entry: AnyEntry, call: Call, *, waits: bool) -> tuple[Any, tuple[str, Usage] | None]:
    """The entry's response from the cache, with whose it was and what it took then; else its own, which is kept."""
    kept = await offload(_find, entry, call) if waits else _find(entry, call)
    if kept is not None and kept.usage is not None:
        return kept.response, kept.usage
    given = await entry.aask(call) if waits else entry.ask(call)
    response = dressed(entry, given)
    if kept is not None and kept.key is not None:
        await offload(_keep, kept, entry, given, response) if waits else _keep(kept, entry, given, response)
    return response, None


def _find(entry: AnyEntry, call: Call) -> _Kept | None:
    store = call.store()
    if store is None:
        return None
    key = key_of(entry, call.params)
    kept = _Kept(store, key)
    stored = None if key is None else _read(store, key)
    if stored is not None:
        data, texts, usage = stored
        kept.response = _with_attributes(restore(data), usage.cost, lambda _: restore(texts))
        kept.usage = (_model_of(data, entry), usage)
    return kept


def _keep(kept: _Kept, entry: AnyEntry, given: Given, response: Any) -> None:
    """Keep what a class returned, and the texts that it retrieves from that."""
    assert kept.key is not None
    texts = response.message_retrieval_function(response)
    try:
        kept.store.set(kept.key, _encode((_data(entry, given.response), snapshot(texts), given.usage)))
    except Exception as error:
        logger.warning("an answer could not be cached: %s", error)


def key_of(entry: AnyEntry, params: Mapping[str, Any]) -> bytes | None:
    """The key of *entry*'s answer to *params*; None where there can be none."""
    asked = {name: value for name, value in params.items() if name not in _NOT_IN_KEYS}
    if isinstance(entry, ModelEntry):  # whose identity says which model it is
        asked.pop("stream", None)
        if not isinstance(asked.get("model"), str):
            asked.pop("model", None)
    messages = asked.pop("messages", None)
    try:
        return conversation_key(
            messages if isinstance(messages, list | tuple) else (messages,), (entry.identity, asked)
        )
    except (Uncacheable, OSError) as error:
        logger.debug("an answer is not cached: %s", error)
        return None


def _read(store: Store, key: bytes) -> tuple[Any, Any, Usage] | None:
    try:
        stored = store.get(key)
        return None if stored is None else _decode(stored)
    except MsgspecError as error:
        logger.warning("a cached answer cannot be read, and is made anew: %s", error)
    except Exception as error:
        logger.warning("the cache failed, the model is asked: %s", error)
    return None


def events_of(response: Any) -> Iterator[Event]:
    """What a whole response says, as the events of a stream; its texts are retrieved as its class does.

    Function calls of the older kind have no event.
    """
    for number, said in enumerate(response.message_retrieval_function(response) or ()):
        text = said if isinstance(said, str) else _of(said, "content")
        if isinstance(text, str) and text:
            yield TextDelta(text, number)
        calls = None if isinstance(said, str) else _of(said, "tool_calls")
        for index, called in enumerate(calls or ()):
            function = _of(called, "function")
            name, arguments = _of(function, "name"), _of(function, "arguments")
            yield ToolCallDelta(index, _of(called, "id"), str(name), str(arguments or ""), number)
        yield Finish("tool_calls" if calls else "stop", number)


def _of(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def dressed(entry: AnyEntry, given: Given) -> Any:
    """The user's own object where it takes attributes, else one of the same content."""
    if _takes_attributes(given.response):
        return _with_attributes(given.response, given.cost, entry.retrieve)

    def retrieve(shown: Any) -> Any:
        try:  # what returns a dict is likely to read one
            return entry.retrieve(given.response)
        except (AttributeError, TypeError, KeyError):
            return entry.retrieve(shown)

    return _with_attributes(restore(_data(entry, given.response)), given.cost, retrieve)


def _data(entry: AnyEntry, response: Any) -> Any:
    """What is kept of *response*; a dict and text come back as objects of AutoGen's form."""
    if isinstance(response, str):
        choice = {"index": 0, "message": {"role": "assistant", "content": response, "function_call": None}}
        response = {"model": entry.model.name, "choices": [choice]}
    return snapshot(response, open_dicts=isinstance(response, dict))


def _takes_attributes(response: Any) -> bool:
    if isinstance(response, str | dict):
        return False
    try:
        response.config_id = 0
    except (AttributeError, TypeError, ValueError):  # slots, frozen values, models that forbid what they do not know
        return False
    return True


def _with_attributes(response: Any, cost: float | None, retrieval: Callable[[Any], Any]) -> Any:
    response.cost = cost
    response.message_retrieval_function = retrieval
    return response


def _model_of(data: Any, entry: AnyEntry) -> str:
    """The model's name as the response has it, under which it was counted the first time."""
    model = data[1].get("model") if isinstance(data, list | tuple) and isinstance(data[1], dict) else None
    return model if isinstance(model, str) else entry.model.name
