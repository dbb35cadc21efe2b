"""From an entry to the model that is called: the one place where the order of the wrappers is fixed.

From the inside out, and why there::

    the model
    batching      one queue, whoever asks; a try that runs out of time leaves it
    deadline      each try has its own
    concurrency   a try that waits for its turn holds no place …
    rate          … and every try counts
    retrying      sees single answers, before anything is made of several
    honouring     asks again for n; each of these asks is limited and retried
    roles         before that: every one of these asks gets the same messages
    caching       stores what was honoured; a hit costs no turn
    metering      counts hits as well, at today's price
    defaulting    completes the request first of all, so that the key has everything in it

A wrapper that an entry does not ask for is not there.
"""

from collections.abc import Mapping
from typing import Any

from modelport.adapters import as_model
from modelport.config.entry import Entry
from modelport.errors import ConfigError, ModelportError
from modelport.model import Model
from modelport.storage.cache import Cache
from modelport.storage.keys import Uncacheable, content_key
from modelport.storage.prices import listed_price
from modelport.types import request_from_params
from modelport.wrappers.batching import batched
from modelport.wrappers.caching import Caching
from modelport.wrappers.deadline import Deadline
from modelport.wrappers.defaulting import Defaulting
from modelport.wrappers.honouring import honour
from modelport.wrappers.limiting import ConcurrencyLimiting, Pace, RateLimiting
from modelport.wrappers.metering import Metering, Record
from modelport.wrappers.retrying import Retrying
from modelport.wrappers.slots import Slots

__all__ = ("Limits", "assemble", "assemble_for_vectors", "registered_model", "request_defaults", "salt_of")


def registered_model(entry: Entry, cls: type, arguments: Mapping[str, Any]) -> Model:
    """The bare model of an entry that names *cls*: an object of it, made of the entry and *arguments*.

    Raises:
        LoadError: the constructor failed.
        NotAModel: the class has none of the shapes of a model.
    """
    return as_model(cls, config=entry.given, arguments=arguments)


class Limits:
    """What bounds the calls of *entry*, however often its model is assembled."""

    __slots__ = ("pace", "slots")

    def __init__(self, entry: Entry) -> None:
        self.slots: Slots | None = None if entry.max_concurrency is None else Slots(entry.max_concurrency)
        self.pace: Pace | None = None if entry.api_rate_limit is None else Pace(entry.api_rate_limit)


def assemble(
    entry: Entry,
    model: Model,
    *,
    cache: Cache | None = None,
    salt: str = "",
    record: Record | None = None,
    limits: Limits | None = None,
) -> Model:
    """*model* inside the wrappers that *entry* asks for, told of each answer's usage through *record*.

    *limits* are given where the model of one entry is assembled more than once.

    Raises:
        ConfigError: a field is wrong; names it.
    """
    inner = _guarded(entry, model, limits or Limits(entry))
    if cache is not None:
        inner = Caching(inner, cache, salt=f"{salt_of(entry)}{salt}")
    inner = Metering(inner, price=entry.price, lookup=listed_price, record=record)
    defaults = request_defaults(entry)
    return Defaulting(inner, defaults) if defaults else inner


def assemble_for_vectors(entry: Entry, model: Model, *, record: Record, limits: Limits) -> Model:
    """*model* as the one that is asked for vectors: bounded, retried and counted as its answers are.

    What is about messages and settings is not there: texts that stand beside each other are no turns.
    """
    return Metering(_limited(entry, model, limits), price=entry.price, lookup=listed_price, record=record)


def _guarded(entry: Entry, model: Model, limits: Limits) -> Model:
    model = batched(model, max_batch_size=entry.max_batch_size, batch_window=entry.batch_window)
    return honour(_limited(entry, model, limits), entry.role_rules, entry.tool_parser)


def _limited(entry: Entry, model: Model, limits: Limits) -> Model:
    if entry.timeout is not None:
        model = Deadline(model, entry.timeout)
    if limits.slots is not None:
        model = ConcurrencyLimiting(model, limits.slots)
    if limits.pace is not None:
        model = RateLimiting(model, limits.pace)
    if entry.max_retries:
        model = Retrying(model, entry.max_retries)
    return model


def request_defaults(entry: Entry) -> dict[str, Any]:
    """What *entry* sets in every request that leaves it open, as a request holds it.

    ``model`` is among them where the model behind is somebody's to choose; a class that was given the entry knows it.
    """
    fields = dict(entry.defaults)
    if entry.model is not None and entry.source in {"provider", "api"}:
        fields["model"] = entry.model
    if not fields:
        return {}
    try:
        request = request_from_params({**fields, "messages": "-"})
    except ModelportError as error:
        raise ConfigError(f"{entry.label}: {error}", param=error.param) from error
    names = (name for name in request.__struct_fields__ if name not in {"messages", "extra"})
    return {name: value for name in names if (value := getattr(request, name)) is not None}


def salt_of(entry: Entry) -> str:
    """Text that changes when *entry* reaches another model, or makes it otherwise."""
    fields = {"model": entry.model, "base_url": entry.base_url, "cache_seed": entry.call.get("cache_seed")}
    if entry.role_rules is not None:
        fields["role_rules"] = entry.role_rules
    if entry.tool_parser is not None:
        fields["tool_parser"] = entry.tool_parser
    lines = [f"{name}={_digest(value)}" for name, value in sorted({**fields, **entry.options}.items())]
    return "\n".join(lines)


def _digest(value: Any) -> str:
    try:
        return content_key(value).hex()
    except (Uncacheable, OSError):
        return f"{type(value).__module__}.{type(value).__qualname__}"
