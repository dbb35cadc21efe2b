"""An agent's model: how it is wired, asked and counted. Knows one client of the two kinds, and no wire."""

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, ClassVar, Literal

from modelport.agents.agent import Agent
from modelport.agents.conversable.history import History, flattened, normalized_name
from modelport.agents.conversable.printing import print_names
from modelport.agents.conversable.replying import twin_of
from modelport.agents.conversable.talking import Talking
from modelport.agents.iostream import IOStream
from modelport.client import Client
from modelport.client.openai_wrapper import OpenAIWrapper
from modelport.client.responses import Chunk
from modelport.errors import ConfigError
from modelport.sync import offload
from modelport.types import Message
from modelport.types.complaints import shown
from modelport.types.messages import message_to_dict

__all__ = ("QUIET", "Asking")

QUIET: ContextVar[bool] = ContextVar("modelport_quiet", default=False)
"""Whether the chat that runs here is to print nothing."""


class Asking(Talking):
    """The part of an agent that asks its model.

    ``client`` is an :class:`OpenAIWrapper` where the model came by ``llm_config``, with AutoGen 0.2's semantics, and a
    :class:`modelport.Client` where it came by ``model``. What an agent's tools are is told with each call, so the
    client, and what was registered with it, stays the same for as long as the agent lives.
    """

    DEFAULT_CONFIG: ClassVar[dict[str, Any] | Literal[False]] = False
    _stream: bool | Callable[[Chunk], object]

    def _wire(self, llm_config: Any, model: Any) -> None:
        """Make the client."""
        if llm_config is not None and llm_config is not False and not isinstance(llm_config, dict):
            raise AssertionError(f"llm_config must be a dict or False or None, got {type(llm_config).__name__}.")
        if llm_config is None and model is None:
            llm_config = self.DEFAULT_CONFIG
        config: Any = {} if not llm_config and model is not None else _rebuilt(llm_config)
        if model is not None:
            if "config_list" in config:
                raise ConfigError("give either model or a config_list, not both", param="model")
            self.llm_config: dict[str, Any] | Literal[False] = {**config, "model": model}
            self.client: Any = (
                model if isinstance(model, Client | OpenAIWrapper) else Client(model=model, **_untold(config))
            )
            return
        if not isinstance(config, dict):
            self.llm_config = False
            self.client = None
            return
        self.llm_config = config
        if _empty(config):
            raise ValueError(
                "When using OpenAI or Azure OpenAI endpoints, specify a non-empty 'model' either in 'llm_config' or in "
                f"each config of 'config_list'. Got llm_config with {', '.join(map(repr, config)) or 'nothing in it'}."
            )
        stream = {"stream": config["stream"]} if "stream" in config else {}  # AutoGen's classes are told of it
        self.client = OpenAIWrapper(**_untold(config), **stream)

    def _share_model_with(self, other: "Asking") -> None:
        """Let *other* call this agent's model: the very same client, counted with it."""
        other.client = self.client
        other.llm_config = self.llm_config
        other._stream = False

    def register_model_client(self, model_client_cls: type, **kwargs: Any) -> None:
        """Answer with *model_client_cls* where the config list names it; *kwargs* reach its constructor by reference.

        Raises:
            ValueError: no entry names it.
            ConfigError: the agent has no config list.
        """
        name = getattr(model_client_cls, "__name__", None)
        if name is None or not callable(model_client_cls):
            raise ConfigError(
                f"agent {self.name!r} registers a class, got {shown(model_client_cls)}: give the class itself, which "
                "is made for each entry of the config list that names it",
                param="model_client_cls",
            )
        if self.client is None:
            raise ConfigError(
                f"agent {self.name!r} has no llm_config, so {name} cannot be registered with it: "
                "give llm_config={'config_list': [{'model_client_cls': …}]}",
                param="llm_config",
            )
        self.client.register_model_client(model_client_cls, **kwargs)

    # --- asking ---

    def generate_oai_reply(
        self,
        messages: list[dict[str, Any]] | None = None,
        sender: Agent | None = None,
        config: Any = None,
    ) -> tuple[bool, str | dict[str, Any] | None]:
        """The model's reply to the system message and *messages*. *config* is a client to ask instead of the own."""
        client = self.client if config is None else config
        if client is None:
            return False, None
        asked, whole = self._asked(messages, sender)
        if type(self)._generate_oai_reply_from_client is Asking._generate_oai_reply_from_client:
            reply = self._ask(client, asked, self.client_cache, whole=whole, to=sender)
        else:
            reply = self._generate_oai_reply_from_client(client, asked, self.client_cache)
        return reply is not None, reply

    @twin_of(generate_oai_reply)
    async def a_generate_oai_reply(
        self,
        messages: list[dict[str, Any]] | None = None,
        sender: Agent | None = None,
        config: Any = None,
    ) -> tuple[bool, str | dict[str, Any] | None]:
        """As :meth:`generate_oai_reply`, awaited: as many at once as there are, with no thread for each."""
        if type(self).generate_oai_reply is not Asking.generate_oai_reply:
            return await offload(self.generate_oai_reply, messages, sender, config)
        client = self.client if config is None else config
        if client is None:
            return False, None
        asked, whole = self._asked(messages, sender)
        reply = await self._a_ask(client, asked, self.client_cache, whole=whole, to=sender)
        return reply is not None, reply

    def _asked(self, messages: list[dict[str, Any]] | None, sender: Agent | None) -> tuple[list[dict[str, Any]], bool]:
        """What the model is to read, and whether it can as it is: no message holds several tool results."""
        messages = self._oai_messages[sender] if messages is None else messages
        return [*self._oai_system_message, *messages], isinstance(messages, History) and messages.whole

    def _generate_oai_reply_from_client(
        self, llm_client: Any, messages: list[dict[str, Any]], cache: Any
    ) -> str | dict[str, Any] | None:
        """The reply of *llm_client*: overridden to ask in another way."""
        return self._ask(llm_client, messages, cache)

    def _ask(
        self, client: Any, messages: list[dict[str, Any]], cache: Any, *, whole: bool = False, to: Agent | None = None
    ) -> str | dict[str, Any] | None:
        params, live = self._params(messages, cache, whole, to)
        try:
            response = client.create(**params)
        finally:
            live.end()
        return self._reply_in(client, response, live)

    async def _a_ask(
        self, client: Any, messages: list[dict[str, Any]], cache: Any, *, whole: bool = False, to: Agent | None = None
    ) -> str | dict[str, Any] | None:
        changed = type(self)._generate_oai_reply_from_client is not Asking._generate_oai_reply_from_client
        if changed or not hasattr(client, "acreate"):
            return await offload(self._generate_oai_reply_from_client, client, messages, cache)
        params, live = self._params(messages, cache, whole, to)
        try:
            response = await client.acreate(**params)
        finally:
            live.end()
        return self._reply_in(client, response, live)

    def _params(
        self, messages: list[dict[str, Any]], cache: Any, whole: bool, to: Agent | None
    ) -> tuple[dict[str, Any], "_Live"]:
        # The context is for this call: it is taken out of the history, as the next message may bring another.
        context = messages[-1].pop("context", None) if messages else None
        params: dict[str, Any] = {
            "messages": messages if whole else flattened(messages),
            "context": context,
            "cache": cache,
            "agent": self,
        }
        config = self.llm_config
        if config:
            params.update((key, config[key]) for key in _TOLD if config.get(key))
        live = _Live(self, to, self._stream or (config is not False and config.get("stream") is True))
        if live.wanted:
            params["on_chunk"] = live.show
        return params, live

    def _reply_in(self, llm_client: Any, response: Any, live: "_Live") -> str | dict[str, Any] | None:
        said = llm_client.extract_text_or_completion_object(response)[0]
        if said is None:
            import warnings

            warnings.warn(
                f"{self.name}: the model's reply is None, so there is none (from {type(response).__name__})",
                UserWarning,
                stacklevel=2,
            )
            return None
        reply = said if isinstance(said, str) else _calls(said)
        if live.shown:
            self._shown_live = reply
        return reply

    # --- counting ---

    def print_usage_summary(self, mode: str | list[str] | tuple[str, ...] = ("actual", "total")) -> None:
        """Print what the model took: ``"actual"``, ``"total"`` (with cached answers), or both."""
        stream = IOStream.get_default()
        if self.client is None:
            stream.print(f"No cost incurred from agent '{self.name}'.")
        else:
            stream.print(f"Agent '{self.name}':")
            stream.print(self.client.usage_text(mode), flush=True)

    def get_actual_usage(self) -> dict[str, Any] | None:
        """What the model took without cached answers; None for no model, or no answer yet."""
        return None if self.client is None else self.client.actual_usage_summary

    def get_total_usage(self) -> dict[str, Any] | None:
        """What it took with cached answers."""
        return None if self.client is None else self.client.total_usage_summary


_TOLD = ("functions", "tools")  # told with each call, not to the client when it is made
_NOT_TOLD = frozenset({*_TOLD, "stream"})


class _Live:
    """A reply that is shown while it comes: to a callback, or on the terminal below the speaker's name."""

    def __init__(self, agent: Asking, to: Agent | None, wanted: bool | Callable[[Chunk], object]) -> None:
        self._agent = agent
        self._to = to
        self._callback = wanted if callable(wanted) else None
        on_terminal = bool(wanted) and to is not None and not agent._is_silent(agent, QUIET.get())
        self.wanted: bool = self._callback is not None or on_terminal
        self.shown: bool = False

    @property
    def show(self) -> Callable[[Chunk], object]:
        """What is called with each chunk."""
        return self._callback if self._callback is not None else self._print

    def _print(self, chunk: Chunk) -> None:
        if chunk.text and not chunk.choice and self._to is not None:
            stream = IOStream.get_default()
            if not self.shown:
                print_names(stream, self._agent.name, self._to.name)
                self.shown = True
            stream.print(chunk.text, end="", flush=True)

    def end(self) -> None:
        """The reply is there, or failed."""
        if self.shown:
            IOStream.get_default().print("", flush=True)


def _untold(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in _NOT_TOLD}


def _empty(config: Mapping[str, Any]) -> bool:
    """Whether there is no model in *config*, compared without asking users' objects whether they are equal."""
    if not config:
        return True
    listed = config.get("config_list")
    if list(config) != ["config_list"] or not isinstance(listed, list):
        return False
    return not listed or (len(listed) == 1 and isinstance(listed[0], dict) and _names_nothing(listed[0]))


def _names_nothing(entry: Mapping[str, Any]) -> bool:
    model = entry.get("model")
    return list(entry) == ["model"] and isinstance(model, str) and not model


def _rebuilt(value: Any) -> Any:
    """*value* with dicts and lists of its own, so that ours to change; what is in them stays the same objects."""
    if type(value) is dict:
        return {key: _rebuilt(each) for key, each in value.items()}
    if type(value) is list:
        return [_rebuilt(each) for each in value]
    return value


def _calls(said: Any) -> Any:
    """A message that calls tools as a dict, with names that OpenAI's API takes; other objects as they are."""
    message = _dict_of(said)
    if not isinstance(message, dict):
        return message
    _normalize(message.get("function_call"))
    calls = message.get("tool_calls")
    for each in calls if isinstance(calls, list | tuple) else ():
        if not isinstance(each, dict):
            continue
        if each.get("function") is None:
            each["function"] = {}
        _normalize(each["function"])
        for key in ("id", "type"):
            if each.get(key, "") is None:
                del each[key]
    return message


def _normalize(call: Any) -> None:
    """Make the name and the arguments of *call* text. What is no dict at all is refused when it is to be kept."""
    if not isinstance(call, dict):
        return
    name, arguments = call.get("name"), call.get("arguments")
    call["name"] = "" if name is None else normalized_name(str(name))
    if not isinstance(arguments, str):
        call["arguments"] = "{}" if arguments is None else json.dumps(arguments, default=str)


def _dict_of(said: Any) -> Any:
    if isinstance(said, dict):
        return said
    if isinstance(said, Message):
        return message_to_dict(said)
    dump = getattr(said, "model_dump", None)
    if callable(dump):
        return dump()
    attributes = getattr(said, "__dict__", None)
    if attributes is not None and ("tool_calls" in attributes or "function_call" in attributes):
        return {key: _plain(value) for key, value in attributes.items()}
    return said


def _plain(value: Any) -> Any:
    """A namespace as a dict, and so for what is in it."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict | str | int | float | None):
        return value
    attributes = getattr(value, "__dict__", None)
    return value if attributes is None else {key: _plain(each) for key, each in attributes.items()}
