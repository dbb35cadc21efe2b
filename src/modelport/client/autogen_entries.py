"""The entries of AutoGen's wrapper: placeholders until a class is registered, then whatever answers AutoGen's way."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from modelport.adapters import ModelClientModel, as_model
from modelport.client.autogen_call import Call
from modelport.client.hearing import ahear, hear
from modelport.client.responses import AsyncStream, Stream
from modelport.config.assembly import assemble
from modelport.config.entry import Entry
from modelport.errors import ConfigError, ModelportError
from modelport.model import Model, generate, identity, suspends
from modelport.sync import iterate, run
from modelport.types import (
    ChatRequest,
    ChatResponse,
    Event,
    Message,
    Messages,
    Started,
    Usage,
    request_from_params,
    unfold,
)
from modelport.wrappers.limiting import Pace
from modelport.wrappers.metering import Metering, Price, Record
from modelport.wrappers.roles import declared_rules

__all__ = ("AbsentEntry", "AnyEntry", "Given", "ModelEntry", "RegisteredEntry", "own_error")


class Given:
    """One answer: the user's ``response``, what it took, and the ``cost`` that is noted on it."""

    __slots__ = ("cost", "response", "usage")

    def __init__(self, response: Any, usage: Usage, cost: float | None = None) -> None:
        self.response: Any = response
        self.usage: Usage = usage
        self.cost: float | None = usage.cost if cost is None else cost


class RegisteredEntry:
    """An entry whose class was registered: *client* is the instance that answers."""

    def __init__(self, client: Any, config: Mapping[str, Any], rate: float | None, record: Record) -> None:
        model = as_model(client, name=_name(config))
        if not isinstance(model, ModelClientModel):
            raise ConfigError(
                f"{type(client).__name__} is no ModelClient: it needs create() and message_retrieval()",
                param="model_client_cls",
            )
        model.strict = False
        self.client: Any = client
        self.model: ModelClientModel = model
        self.role_rules: tuple[str, ...] = declared_rules(model)
        self._pace = None if rate is None else Pace(rate)
        self._meter = Metering(model, record=record)

    @property
    def identity(self) -> str:
        """Text that changes when its answers might."""
        return identity(self.model)

    def ask(self, call: Call) -> Given:
        """The client's answer to the call's params, which it gets as they are; its own errors are raised."""
        if self._pace is not None:
            run(self._pace.turn(), suspends=False)
        return self._given(call, self.model.ask(call.params))

    async def aask(self, call: Call) -> Given:
        """As :meth:`ask`, awaited."""
        if self._pace is not None:
            await self._pace.turn()
        return self._given(call, await self.model.aask(call.params))

    def _given(self, call: Call, events: Sequence[Event]) -> Given:
        said = _priced(self._meter, call.price).whole(_counted(call.params), events)
        first, usage = said[0], said[-1]
        assert isinstance(first, Started)
        assert isinstance(usage, Usage)
        own = getattr(first.raw, "cost", None) if call.price is None else None
        return Given(first.raw, usage, own if isinstance(own, int | float) else None)

    def retrieve(self, response: Any) -> Any:
        """The texts or messages in *response*."""
        return self.client.message_retrieval(response)


class ModelEntry:
    """An entry whose model is found, not registered; its answers have OpenAI's shape, as attributes."""

    def __init__(self, entry: Entry, bare: Model, record: Record) -> None:
        self.client: Any = bare
        self.model: Model = assemble(entry, bare)
        self.role_rules: tuple[str, ...] = declared_rules(bare)
        self._suspends = suspends(self.model)
        self._meter = Metering(bare, record=record)
        self._mine = frozenset(entry.options) | _NOT_ASKED

    @property
    def identity(self) -> str:
        """Text that changes when its answers might."""
        return identity(self.model)

    def ask(self, call: Call) -> Given:
        """The model's answer, told to the call's hearer while it comes."""
        request = self._request(call.params)
        if call.live is None:
            return self._given(call, request, run(generate(self.model, request), suspends=self._suspends))
        stream = Stream(iterate(self.model.stream(request), suspends=self._suspends), self._place)
        return self._given(call, request, hear(stream, call.live))

    async def aask(self, call: Call) -> Given:
        """As :meth:`ask`, awaited."""
        request = self._request(call.params)
        if call.live is None:
            return self._given(call, request, await generate(self.model, request))
        answer = self.model.stream(request)
        stream = AsyncStream(answer, await answer.__aenter__(), self._place)
        return self._given(call, request, await ahear(stream, call.live))

    def _place(self) -> tuple[str, str, int]:
        return self.model.name, "", 0

    def _request(self, params: Mapping[str, Any]) -> ChatRequest:
        fields = {name: value for name, value in params.items() if name not in self._mine}
        if not isinstance(fields.get("model"), str | None):
            del fields["model"]  # the thing that is asked, in place of its name
        if "messages" not in fields:
            fields["messages"] = fields.pop("prompt", None)
        return request_from_params(fields)

    def _given(self, call: Call, request: ChatRequest, response: ChatResponse) -> Given:
        *_, usage = _priced(self._meter, call.price).whole(request, list(unfold(response)))
        assert isinstance(usage, Usage)
        choices = [_choice(choice.message, choice.index, choice.finish_reason) for choice in response.choices]
        shaped = SimpleNamespace(
            id=response.id,
            object="chat.completion",
            created=response.created,
            model=response.model,
            choices=choices,
            usage=SimpleNamespace(
                prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens, total_tokens=usage.total
            ),
        )
        return Given(shaped, usage)

    def retrieve(self, response: Any) -> Any:
        """The texts or messages in *response*."""
        messages = [choice.message for choice in response.choices]
        return [each if each.function_call or each.tool_calls else each.content for each in messages]


class AbsentEntry:
    """An entry whose model is not here: an error for who asks it, not for who has it in a list."""

    role_rules: tuple[str, ...] = ()

    def __init__(self, error: Exception) -> None:
        self.client: Any = error
        self.model: Any = None
        self.error: Exception = error

    @property
    def identity(self) -> str:
        """There is none.

        Raises:
            ModelNotFound, MissingProvider: always, as the other methods do.
        """
        raise self.error

    def ask(self, call: Call) -> Given:
        """There is nobody to ask."""
        del call
        raise self.error

    async def aask(self, call: Call) -> Given:
        """There is nobody to ask."""
        del call
        raise self.error

    def retrieve(self, response: Any) -> Any:
        """There is nothing to retrieve."""
        del response
        raise self.error


AnyEntry = RegisteredEntry | ModelEntry | AbsentEntry
"""An entry that can be asked."""

_NOT_ASKED = frozenset(
    {"model_client_cls", "provider", "spec", "base_url", "api_key", "api_key_env", "label", "max_concurrency", "stream"}
)


def own_error(error: Exception) -> Exception:
    """What the user's code raised, where *error* is ours only to say where."""
    cause = error.__cause__
    if isinstance(error, ModelportError) and isinstance(cause, Exception) and not isinstance(cause, ModelportError):
        return cause
    return error


def _priced(meter: Metering, price: Price | None) -> Metering:
    """*meter* with the *price* of one call."""
    return meter if price is None else Metering(meter.model, price=price, record=meter.record)


def _name(config: Mapping[str, Any]) -> str | None:
    model = config.get("model")
    return model if isinstance(model, str) and model else None


def _counted(params: Mapping[str, Any]) -> ChatRequest:
    """The request as far as tokens are counted, which is now: the caller's list needs no copy."""
    messages = params.get("messages")
    if type(messages) is list:
        return ChatRequest(messages=Messages(messages))
    return request_from_params({"messages": messages or str(params.get("prompt"))})


def _choice(message: Message, index: int, reason: str) -> SimpleNamespace:
    calls = [
        SimpleNamespace(id=call.id, type="function", function=SimpleNamespace(name=call.name, arguments=call.arguments))
        for call in message.tool_calls or ()
    ]
    shaped = SimpleNamespace(role=message.role, content=message.text, function_call=None, tool_calls=calls or None)
    if message.content is None:
        shaped.content = None
    return SimpleNamespace(index=index, message=shaped, finish_reason=reason)
