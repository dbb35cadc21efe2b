"""AutoGen's ``ModelClient`` is a model: ``create``, ``message_retrieval``, and ``cost`` and ``get_usage`` where there.

The answer may be an object, a dict or plain text; nothing but AutoGen's ``cost`` is ever set on it, and it stays the
caller's as ``Started.raw``.
"""

from collections.abc import Awaitable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from modelport.adapters.answers import FINISHED, cost_from, field, finish_reason, message_events, usage_from
from modelport.adapters.contract import CAUGHT, broken, came, failure
from modelport.adapters.identity import identity_of
from modelport.adapters.params import accepts_of, defaults_from
from modelport.adapters.shape import check_one_argument, kind_of, may_wait
from modelport.model import AnswerStream, ImmediateAnswer, WholeAnswer
from modelport.sync import offload, run
from modelport.sync.offload import inline
from modelport.types import (
    ChatRequest,
    Event,
    Finish,
    Started,
    TextDelta,
    Usage,
    messages_to_dicts,
    params_from_request,
)

__all__ = ("ModelClientModel",)

_METHODS = {
    "create": "create(self, params)",
    "message_retrieval": "message_retrieval(self, response)",
    "cost": "cost(self, response)",
    "get_usage": "get_usage(response)",
}
_NAMED = ("prompt_tokens", "completion_tokens", "total_tokens", "cost", "model")
_NAMED_ANY = frozenset(_NAMED)
_RESPONSE = "a response with `choices`, a list of objects with a `message`, and `model`"
_RETRIEVED = "a list with the text, or the message, of each choice"


class ModelClientModel:
    """A model around *client*, an instance of a ModelClient class. ``client`` is the instance itself.

    *config*, an entry of a config list, gives the parameters of every call that a request does not set. Where it is
    not *strict*, what AutoGen itself would not look at is not looked at: a response of any shape will do, and whatever
    ``message_retrieval`` gives is what it says.
    """

    strict: bool = True

    def __init__(self, client: Any, *, name: str | None = None, config: Mapping[str, Any] | None = None) -> None:
        self.target: Any = client
        self.client: Any = client
        self.config = config
        own = (config or {}).get("model")
        self.name: str = name or (own if isinstance(own, str) and own else type(client).__name__)
        create = kind_of(client.create)
        if create in {"generator", "async_generator"}:
            raise broken(
                self._where("create"),
                "is a generator: a ModelClient answers as a whole",
                asks=_RESPONSE,
                mend="return the response instead of yielding; to stream, write a function or a stream() method",
            )
        self._create_is_async = create == "coroutine"
        for method, asks in _METHODS.items():
            if hasattr(client, method):
                check_one_argument(getattr(client, method), self._where(method), asks)
        asked = [name for name in ("message_retrieval", "cost", "get_usage") if hasattr(client, name)]
        self._create_may_wait = may_wait(client.create)
        self.suspends: bool = any(may_wait(getattr(client, name)) for name in ("create", *asked))
        self._has_cost = "cost" in asked
        self._where_cost = self._where("cost")
        self._where_usage = self._where("get_usage")
        self._has_usage = "get_usage" in asked
        also = getattr(client, "accepts", ())
        self.accepts: frozenset[str] = accepts_of(("n",), takes_all=True, also=also)
        self._defaults = defaults_from(config)
        self._identity: str | None = None

    @property
    def identity(self) -> str:
        if self._identity is None:
            self._identity = identity_of(self.client, self.config, self.name)
        return self._identity

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The client's answer, at once."""
        return _WaitingAnswer(self, request) if self.suspends else _Answer(self, request)

    def ask(self, params: dict[str, Any]) -> Sequence[Event]:
        """The events of the client's answer to *params*, which it gets as they are. Blocks until they are there."""
        return run(self._ask_waiting(params), suspends=True) if self.suspends else self._ask(params)

    async def aask(self, params: dict[str, Any]) -> Sequence[Event]:
        """As :meth:`ask`, awaited: what is blocking runs in a thread."""
        return await (self._ask_waiting(params) if self.suspends else offload(self._ask, params))

    def _params(self, request: ChatRequest) -> dict[str, Any]:
        params = {**self._defaults, **params_from_request(request)}
        params["messages"] = messages_to_dicts(request.messages)
        return params

    def _where(self, method: str) -> str:
        return f"{type(self.client).__name__}.{method}()"

    def _ask(self, params: dict[str, Any]) -> Sequence[Event]:
        try:
            response = self.client.create(params)
        except CAUGHT as error:
            raise failure(self._where("create"), error) from error
        return self._read(response)

    async def _ask_waiting(self, params: dict[str, Any]) -> Sequence[Event]:
        try:
            create = self.client.create
            response = await (create(params) if self._create_is_async else offload(create, params))
            if self._create_may_wait and hasattr(response, "__await__"):  # a decorator stands before an async create
                response = await response
        except CAUGHT as error:
            raise failure(self._where("create"), error) from error
        view = self._view(response)
        answers = {}
        for method in ("message_retrieval", "cost", "get_usage"):
            if method == "message_retrieval" or hasattr(self.client, method):
                answers[method] = await self._call_waiting(method, response, view)
                if method == "cost":
                    self._note_cost(view, answers[method])
        events = self._events(response, view, answers["message_retrieval"])
        self._count(events, answers.get("cost"), answers.get("get_usage"))
        return events

    def _read(self, response: Any) -> list[Event]:
        view = self._view(response)
        events = self._events(response, view, self._call("message_retrieval", response, view))
        cost = self._call("cost", response, view) if self._has_cost else None
        self._note_cost(view, cost)
        usage = self._call("get_usage", response, view) if self._has_usage else None
        self._count(events, cost, usage)
        return events

    async def _call_waiting(self, method: str, response: Any, view: Any) -> Any:
        """As :meth:`_call`, waiting for the answer where the method is async."""
        function = getattr(self.client, method)
        try:
            answer = function(response)
            return await answer if hasattr(answer, "__await__") else answer
        except (AttributeError, TypeError, KeyError) as error:
            if view is response:
                raise failure(self._where(method), error) from error
        except CAUGHT as error:
            raise failure(self._where(method), error) from error
        return await self._call_waiting(method, view, view)

    def _call(self, method: str, response: Any, view: Any) -> Any:
        """The answer of one of the client's methods about *response*.

        Methods that were written for an object are given *view* where ``create`` answered with a dict or text.
        """
        function = getattr(self.client, method)
        try:
            return function(response)
        except (AttributeError, TypeError, KeyError) as error:
            if view is response:
                raise failure(self._where(method), error) from error
        except CAUGHT as error:
            raise failure(self._where(method), error) from error
        return self._call(method, view, view)

    def _view(self, response: Any) -> Any:
        """*response* as an object with a list of choices, which it usually is."""
        try:
            choices = getattr(response, "choices", None)
        except CAUGHT as error:
            raise failure(f"the response of {self._where('create')}", error) from error
        if type(choices) is list and choices:
            return response
        if isinstance(response, str):
            message = SimpleNamespace(role="assistant", content=response, function_call=None, tool_calls=None)
            return SimpleNamespace(choices=[SimpleNamespace(message=message, index=0)], model=self.name)
        view = _Open(response) if isinstance(response, Mapping) and "choices" in response else response
        if not self.strict and response is not None and not _is_unfinished(response):
            return view
        if not hasattr(view, "choices"):
            raise self._without_choices(response)
        choices = view.choices
        if isinstance(choices, list | tuple) and choices:
            return view
        problem = "no choice in it" if isinstance(choices, list | tuple) else f"{came(choices)} for choices"
        mend = "put one choice into response.choices for each answer"
        raise broken(self._where("create"), f"returned a response with {problem}", asks=_RESPONSE, mend=mend)

    def _without_choices(self, response: Any) -> Exception:
        where = self._where("create")
        mend = "return an object (a SimpleNamespace will do), a dict of that shape, or text"
        if hasattr(response, "__await__"):
            _close(response)
            return broken(where, f"returned {came(response)}", asks=_RESPONSE, mend="declare create as `async def`")
        if hasattr(response, "__next__") or hasattr(response, "__anext__"):
            _close(response)
            mend = "return the whole response; to stream, write a function or a stream() method"
        elif response is None:
            mend = "add `return response`"
        return broken(where, f"returned {came(response)} without choices", asks=_RESPONSE, mend=mend)

    def _events(self, response: Any, view: Any, messages: Any) -> list[Event]:
        if not self.strict:
            return self._said(response, view, messages)
        choices = view.choices
        if type(messages) is not list or len(messages) != len(choices):
            self._check_retrieved(messages, choices)
        model = getattr(view, "model", None)
        events: list[Event] = [Started(model if isinstance(model, str) else None, raw=response)]
        for number, message in enumerate(messages):
            choice = choices[number]
            if type(message) is str:
                events.append(TextDelta(message, number))
                reason = getattr(choice, "finish_reason", None)
                plain = number == 0 and (reason is None or reason == "stop")
                events.append(FINISHED if plain else Finish(finish_reason(choice), number))
            else:
                events += self._message_events(message, choice, number)
        return events

    def _said(self, response: Any, view: Any, messages: Any) -> list[Event]:
        """The text in whatever was retrieved: its tokens are counted, and nothing else is made of it."""
        model = getattr(view, "model", None)
        events: list[Event] = [Started(model if isinstance(model, str) else None, raw=response)]
        for number, message in enumerate(messages if isinstance(messages, list | tuple) else ()):
            text = message if isinstance(message, str) else field(message, "content")
            events += [TextDelta(text if isinstance(text, str) else "", number), Finish("stop", number)]
        return events

    def _message_events(self, message: Any, choice: Any, number: int) -> Sequence[Event]:
        where = self._where("message_retrieval")
        if isinstance(message, str):
            return [TextDelta(str(message), number), Finish(finish_reason(choice), number)]
        if message is None:  # the seed's own retrieval, where a choice calls a function and says nothing
            message = field(choice, "message")
            if not any(field(message, name) for name in ("tool_calls", "function_call", "refusal")):
                raise broken(
                    where,
                    f"returned a list with None at {number}, and that choice calls no function",
                    asks=_RETRIEVED,
                    mend="give '' for an answer that is empty",
                )
        called = field(message, "function_call") is not None and not field(message, "tool_calls")
        reason = finish_reason(choice)
        return message_events(message, number, where, reason="function_call" if called and reason == "stop" else reason)

    def _check_retrieved(self, messages: Any, choices: Sequence[Any]) -> None:
        where = self._where("message_retrieval")
        if not isinstance(messages, list | tuple):
            if hasattr(messages, "__await__"):
                _close(messages)
            mend = "put it into a list" if isinstance(messages, str) else "return a list"
            raise broken(where, f"returned {came(messages)}", asks=_RETRIEVED, mend=mend)
        if len(messages) != len(choices):
            raise broken(
                where,
                f"returned a list of {len(messages)} for a response with {len(choices)} "
                f"choice{'s' if len(choices) > 1 else ''}",
                asks=_RETRIEVED,
                mend="return one for each of response.choices, in order",
            )

    def _count(self, events: list[Event], cost: Any, usage: Any) -> None:
        if cost is not None:
            kind = type(cost)
            if kind is not int and kind is not float and hasattr(cost, "__await__"):
                _close(cost)
            cost = cost_from(cost, self._where_cost)
        uncounted = (type(usage) is dict and not usage) or (usage is None and not self.strict)  # AutoGen takes either
        if uncounted or not self._has_usage:
            if cost is not None:
                events.append(Usage(cost=cost))
        else:
            events.append(self._usage(usage, cost))

    def _note_cost(self, view: Any, cost: Any) -> None:
        """Set ``cost`` on the response, as AutoGen does before ``get_usage``, which often reads it there."""
        if cost is not None and not (self.strict and hasattr(view, "cost")):
            try:
                view.cost = cost
            except (AttributeError, TypeError, ValueError):  # slots, or a frozen value
                return

    def _usage(self, usage: Any, cost: float | None) -> Usage:
        where = self._where_usage
        if not self.strict and isinstance(usage, Mapping) and usage.get("cost") is not None:
            cost = None  # AutoGen sums up what get_usage() says
        if type(usage) is dict or isinstance(usage, Mapping):
            if not usage or not _NAMED_ANY.isdisjoint(usage):
                return usage_from(usage, where, cost=cost)
            problem = f"returned a dict with {', '.join(sorted(map(str, usage)))}"
        else:
            if hasattr(usage, "__await__"):
                _close(usage)
            problem = f"returned {came(usage)}"
        raise broken(where, problem, asks=f"a dict with {', '.join(_NAMED)}", mend="return {} where nothing is counted")


def _is_unfinished(response: Any) -> bool:
    """Something that still has to be awaited or iterated, which AutoGen cannot use either."""
    return any(hasattr(response, name) for name in ("__await__", "__next__", "__anext__"))


class _Answer(ImmediateAnswer):
    """The answer of a ModelClient with nothing async in it: there when it is asked for, all at once."""

    __slots__ = ("_model", "_request")

    def __init__(self, model: ModelClientModel, request: ChatRequest) -> None:
        self._model = model
        self._request = request

    def now(self) -> Sequence[Event]:
        model = self._model
        return model._ask(model._params(self._request))

    async def events(self) -> Sequence[Event]:
        return self.now() if inline.active else await offload(self.now)


class _WaitingAnswer(WholeAnswer):
    """The answer of a ModelClient with something async in it."""

    __slots__ = ("_model", "_request")

    def __init__(self, model: ModelClientModel, request: ChatRequest) -> None:
        self._model = model
        self._request = request

    def events(self) -> Awaitable[Sequence[Event]]:
        return self._model._ask_waiting(self._model._params(self._request))


class _Open(dict[str, Any]):
    """A dict whose keys are attributes too, all the way down."""

    def __getattr__(self, name: str) -> Any:
        try:
            return _opened(self[name])
        except KeyError:
            if name in {"content", "function_call", "tool_calls", "finish_reason"}:
                return None
            raise AttributeError(f"the response has no {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def _opened(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _Open(value)
    return [_opened(item) for item in value] if isinstance(value, list | tuple) else value


def _close(pending: Any) -> None:
    close = getattr(pending, "close", None)
    if close is not None:
        close()
