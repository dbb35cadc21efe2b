"""AgentStudio's names for models, so that its programs run on modelport: change the import and nothing else.

``from modelport.agent_studio import BaseModel, Config, Message, ModelManager, RemoteProvider``
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from modelport.adapters.intermediate import Message, MessageList
from modelport.config import Settings, available_models, load, read_settings
from modelport.errors import ConfigError, ModelNotFound
from modelport.model import AnswerStream, Model, accepts, generate, identity, suspends
from modelport.sync import run
from modelport.types import ChatRequest, ChatResponse, Usage, request_from_params
from modelport.wrappers.deadline import Deadline
from modelport.wrappers.honouring import honour
from modelport.wrappers.metering import Metering

__all__ = (
    "BaseModel",
    "Config",
    "Message",
    "MessageList",
    "ModelManager",
    "PortModel",
    "RemoteProvider",
    "setup_model",
)


T = TypeVar("T", bound=Callable[..., Any])


def _unwritten(function: T) -> T:
    """Mark a method that a subclass should write; not with abc's own mark, since either of two names will do."""
    function.__isabstractmethod__ = True  # type: ignore[attr-defined]
    return function


class BaseModel:
    """The base class of AgentStudio's models: give it a ``name``, and write the two methods.

    ``seed`` is kept where the class is made with one.
    """

    name: str = "base"

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    @_unwritten
    def compose_messages(self, intermedia_msg: list[Any]) -> Any:
        """The messages in the form that ``generate_response`` takes. ``_format_messages`` is the later name of this."""
        raise NotImplementedError(f"{type(self).__name__} has no compose_messages()")

    @_unwritten
    def generate_response(self, messages: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        """The answer's text, and an info dict, which has ``total_tokens`` where tokens are counted."""
        raise NotImplementedError(f"{type(self).__name__} has no generate_response()")


class PortModel(BaseModel):
    """Any model of modelport, behind AgentStudio's methods; it is a model too. ``model`` is the one behind.

    The info dict always has ``prompt_tokens``, ``completion_tokens`` and ``total_tokens`` as numbers, so that they can
    be summed; ``estimated`` is True where the model did not count them. ``cost`` is there where it is known. What an
    AgentStudio class has beside its methods is reached through this object as well.
    """

    def __init__(self, model: Model, *, config: "Config | None" = None) -> None:
        super().__init__()
        self.model = model
        self.name: str = model.name
        config = config or Config()
        self._defaults = _defaults(config, model)
        self._answers = Metering(honour(model if config.timeout is None else Deadline(model, config.timeout)))
        self.suspends: bool = suspends(self._answers)
        self.accepts: frozenset[str] | None = None  # whatever is set is judged behind
        self.identity: str = identity(model)

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The answer of the model behind, with its usage."""
        return self._answers.stream(request)

    def compose_messages(self, intermedia_msg: list[Any]) -> Any:
        """The messages as they are: they are composed where they are answered."""
        return intermedia_msg

    def generate_response(self, messages: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        """The answer's text, and an info dict; *messages* are AgentStudio's, *kwargs* fields of a request.

        Raises:
            ModelportError: whatever went wrong; AgentStudio's own programs catch what they can name.
        """
        request = self._request(messages, kwargs)
        return _pair(run(generate(self._answers, request), suspends=self.suspends), request.model)

    async def agenerate_response(self, messages: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        """As :meth:`generate_response`, for async code."""
        request = self._request(messages, kwargs)
        return _pair(await generate(self._answers, request), request.model)

    def close(self) -> None:
        """Free what the model keeps between answers, such as connections."""
        run(self.aclose(), suspends=True)

    async def aclose(self) -> None:
        """As :meth:`close`, for async code."""
        close = getattr(self.model, "aclose", None)
        if close is not None:
            await close()

    def _request(self, messages: Any, kwargs: Mapping[str, Any]) -> ChatRequest:
        return request_from_params({**self._defaults, **kwargs, "messages": _turns(messages)})

    def __getattr__(self, name: str) -> Any:
        target = getattr(self.__dict__.get("model"), "target", None)
        if target is None or name.startswith("__"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(target, name)


class RemoteProvider(PortModel):
    """The model that ``modelport serve`` serves at *model_server* (by default the setting of that name).

    Images are read here and cross the wire once each. Which of the server's models is asked is said by ``model`` in
    ``generate_response``, as in AgentStudio; without it, the server's default.
    """

    name: str = "remote"

    def __init__(
        self, model_server: str | None = None, *, seed: int | None = None, timeout: float | None = None, **_: Any
    ) -> None:
        config = Config()
        server = model_server or config.model_server
        if not server:
            raise ConfigError(
                "model_server is not set: give RemoteProvider(model_server='http://host:port'), or set "
                "MODELPORT_MODEL_SERVER, or model_server in modelport.toml",
                param="model_server",
            )
        server = server if "://" in server else f"http://{server}"
        options: dict[str, Any] = {"retries": max(0, config.max_retries - 1)}
        if timeout is not None:
            options["timeout"] = timeout
        super().__init__(load(f"remote:{server}", **options), config=config)
        self.name = "remote"
        self.seed = seed
        self.model_server = server


class ModelManager:
    """Finds models by name: in the models directory, among installed plugins, and those that are shipped."""

    def get_model(self, model_name: str, model_server: str | None = None, **options: Any) -> PortModel:
        """The model called *model_name*; *options* reach its constructor.

        The name is a class's ``name`` in the models directory, or any spec that :func:`modelport.load` takes. With
        *model_server*, or where the name is ``remote``, it is a model that another machine serves. A name that is not
        found is asked of the setting ``provider``, if there is one, as AgentStudio's models are of their provider.

        Raises:
            ModelNotFound: no such model; says which there are, and what is near.
            LoadError, ConfigError, NotAModel: as :func:`modelport.load`.
        """
        config = Config()
        if model_server is not None or model_name == "remote":
            provider = RemoteProvider(model_server, **options)
            return provider if model_name == "remote" else _asking(provider, model_name)
        try:
            return PortModel(load(model_name, **options), config=config)
        except ModelNotFound:
            if not config.provider or config.provider == model_name:
                raise
        if config.provider == "remote":
            return _asking(RemoteProvider(), model_name)
        return _asking(PortModel(load(config.provider, **options), config=config), model_name)

    @property
    def models(self) -> dict[str, str]:
        """The names that are known, each with where it is from. Files that do not import are left out."""
        return {found.name: found.where for found in available_models() if found.error is None}


def setup_model(model_name: str, model_server: str | None = None) -> PortModel:
    """AgentStudio's earlier name of ``ModelManager().get_model``."""
    return ModelManager().get_model(model_name, model_server)


def _asking(provider: PortModel, model: str) -> PortModel:
    provider._defaults = {**provider._defaults, "model": model}
    return provider


# --- settings ---------------------------------------------------------------------------------------------------------

_AGENTSTUDIO = {"temperature": None, "max_tokens": None, "max_retries": 3, "seed": None, "remote": True}


class Config:
    """AgentStudio's one config object: modelport's settings, and whatever a program sets on it.

    ``provider``, ``model_server``, ``models_dir``, ``temperature``, ``max_tokens``, ``max_retries``, ``timeout`` and
    ``seed`` are settings (``MODELPORT_*``, ``modelport.toml``), read when the object is first made; None where they
    are left to the model. ``remote`` is True. ``openai_api_key`` and its like are the environment's variables of that
    name in capitals. Everything else is what was set on it.
    """

    provider: str | None
    model_server: str | None
    temperature: float | None
    max_tokens: int | None
    max_retries: int
    timeout: float | None
    seed: int | None
    remote: bool

    _one: "Config | None" = None
    _lock = threading.Lock()
    _settings: Settings

    def __new__(cls) -> "Config":  # noqa: PYI034  (there is one object, of one class)
        with cls._lock:
            if cls._one is None:
                one = super().__new__(cls)
                one.__dict__["_settings"] = read_settings()
                cls._one = one
            return cls._one

    @classmethod
    def forget(cls) -> None:
        """Let the next ``Config()`` be a new one, which reads the settings again."""
        with cls._lock:
            cls._one = None

    def __setattr__(self, name: str, value: Any) -> None:  # any name may be set, which type checkers learn from this
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._settings, name, None) if name in Settings.__struct_fields__ else None
        if value is not None or name in Settings.__struct_fields__ or name in _AGENTSTUDIO:
            return _AGENTSTUDIO.get(name) if value is None else value
        if name.endswith("_api_key") and name.upper() in os.environ:
            return os.environ[name.upper()]
        known = sorted({*Settings.__struct_fields__, *_AGENTSTUDIO, *self.__dict__} - {"sources", "_settings"})
        hint = f"; set {name.upper()} in the environment" if name.endswith("_api_key") else ""
        raise AttributeError(f"Config has no {name!r}: set it on Config(), or use one of {', '.join(known)}{hint}")

    def __repr__(self) -> str:
        return f"Config({', '.join(sorted(name for name in self.__dict__ if not name.startswith('_')))})"


def _defaults(config: Config, model: Model) -> dict[str, Any]:
    """Those settings of a request that *model* takes. One that it does not take was not meant for it."""
    kept = accepts(model)
    given = {name: getattr(config, name) for name in ("temperature", "max_tokens", "seed")}
    return {name: value for name, value in given.items() if value is not None and (kept is None or name in kept)}


# --- AgentStudio's shapes ---------------------------------------------------------------------------------------------


def _turns(messages: Any) -> Any:
    """AgentStudio's messages as a conversation: neighbours of one role are pieces of one turn."""
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        return messages
    turns: list[dict[str, Any]] = []
    for message in messages:
        fields = dict(message) if isinstance(message, Mapping) else _fields_of(message)
        if turns and set(fields) == set(turns[-1]) == {"role", "content"} and fields["role"] == turns[-1]["role"]:
            turns[-1]["content"] = [*_pieces(turns[-1]["content"]), *_pieces(fields["content"])]
        else:
            turns.append(fields)
    return turns


def _fields_of(message: Any) -> dict[str, Any]:
    return {"role": getattr(message, "role", None), "content": getattr(message, "content", None)}


def _pieces(content: Any) -> list[Any]:
    return list(content) if isinstance(content, list | tuple) else [content]


def _pair(answer: ChatResponse, asked: str | None) -> tuple[str, dict[str, Any]]:
    usage = answer.usage or Usage(0, 0, estimated=True)
    prompt, completion = usage.prompt_tokens or 0, usage.completion_tokens or 0
    info: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion if usage.total is None else usage.total,
        "estimated": usage.estimated,
        "model": asked or answer.model,
    }
    own = answer.raw[1] if isinstance(answer.raw, tuple) and len(answer.raw) == 2 else {}
    if isinstance(own, Mapping):
        info = {**{name: value for name, value in own.items() if value is not None}, **info}
    return answer.text, info if usage.cost is None else {**info, "cost": usage.cost}
