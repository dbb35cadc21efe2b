"""The entries of AutoGen's wrapper: placeholders until a class is registered, then whatever answers AutoGen's way."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from modelport.adapters import ModelClientModel, as_model
from modelport.config.assembly import assemble
from modelport.config.entry import Entry
from modelport.errors import ConfigError, ModelportError
from modelport.model import Model, generate, identity, suspends
from modelport.sync import run
from modelport.types import ChatRequest, Message, Started, Usage, request_from_params, unfold
from modelport.wrappers.limiting import RateLimiting
from modelport.wrappers.metering import Metering, Price, Record

__all__ = ("Given", "ModelEntry", "RegisteredEntry", "own_error")


class Given:
    """One answer: the user's ``response``, and what it took."""

    __slots__ = ("response", "usage")

    def __init__(self, response: Any, usage: Usage) -> None:
        self.response: Any = response
        self.usage: Usage = usage


class RegisteredEntry:
    """An entry whose class was registered: *client* is the instance that answers."""

    def __init__(self, client: Any, config: Mapping[str, Any], rate: float | None, record: Record) -> None:
        model = as_model(client, name=_name(config))
        if not isinstance(model, ModelClientModel):
            raise ConfigError(
                f"{type(client).__name__} is no ModelClient: it needs create() and message_retrieval()",
                param="model_client_cls",
            )
        self.client = client
        self.model = model
        self._limit = None if rate is None else RateLimiting(model, rate)
        self._meter = Metering(model, record=record)

    @property
    def identity(self) -> str:
        return identity(self.model)

    def ask(self, params: dict[str, Any], price: Price | None) -> Given:
        """The client's answer to *params*, which it gets as they are; its own errors are raised."""
        _wait(self._limit)
        events = self.model.ask(params)
        said = _priced(self._meter, price).whole(_request(params), events)
        first, usage = said[0], said[-1]
        assert isinstance(first, Started)
        assert isinstance(usage, Usage)
        return Given(first.raw, usage)

    def retrieve(self, response: Any) -> Any:
        """The texts or messages in *response*."""
        return self.client.message_retrieval(response)


class ModelEntry:
    """An entry whose model is found, not registered; its answers have OpenAI's shape, as attributes."""

    def __init__(self, entry: Entry, bare: Model, record: Record) -> None:
        self.client = bare
        self.model: Model = assemble(entry, bare)
        self._meter = Metering(bare, record=record)
        self._mine = frozenset(entry.options) | _NOT_ASKED

    @property
    def identity(self) -> str:
        return identity(self.model)

    def ask(self, params: dict[str, Any], price: Price | None) -> Given:
        """The model's answer."""
        fields = {name: value for name, value in params.items() if name not in self._mine}
        if "messages" not in fields:
            fields["messages"] = fields.pop("prompt", None)
        request = request_from_params(fields)
        response = run(generate(self.model, request), suspends=suspends(self.model))
        *_, usage = _priced(self._meter, price).whole(request, list(unfold(response)))
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


_NOT_ASKED = frozenset(
    {"model_client_cls", "provider", "spec", "base_url", "api_key", "api_key_env", "label", "max_concurrency"}
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


def _wait(limit: RateLimiting | None) -> None:
    if limit is not None:
        run(limit.turn(), suspends=False)


def _name(config: Mapping[str, Any]) -> str | None:
    model = config.get("model")
    return model if isinstance(model, str) and model else None


def _request(params: Mapping[str, Any]) -> ChatRequest:
    """The request as far as tokens are counted."""
    return request_from_params({"messages": params.get("messages") or str(params.get("prompt"))})


def _choice(message: Message, index: int, reason: str) -> SimpleNamespace:
    calls = [
        SimpleNamespace(id=call.id, type="function", function=SimpleNamespace(name=call.name, arguments=call.arguments))
        for call in message.tool_calls or ()
    ]
    shaped = SimpleNamespace(role=message.role, content=message.text, function_call=None, tool_calls=calls or None)
    if message.content is None:
        shaped.content = None
    return SimpleNamespace(index=index, message=shaped, finish_reason=reason)
