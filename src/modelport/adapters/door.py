"""The one door through which what users wrote comes in: recognised by shape, refused with the mend."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Literal

from modelport.adapters.agentstudio import AgentStudioModel
from modelport.adapters.autogen import ModelClientModel
from modelport.adapters.contract import CAUGHT, failure, type_name
from modelport.adapters.function import FunctionModel
from modelport.adapters.intermediate import COMPOSERS
from modelport.adapters.native import NativeModel
from modelport.errors import LoadError, ModelportError, NotAModel
from modelport.model import Model

__all__ = ("Contract", "as_model", "construct", "contract_of")

Contract = Literal["native", "modelclient", "agentstudio", "function"]

_SHAPES = (
    "a function reply(messages, **params), a class with compose_messages() and generate_response() (AgentStudio), "
    "with create() and message_retrieval() (AutoGen), or with name and stream() (modelport)"
)
_ADAPTERS: dict[Contract, Callable[..., Any]] = {
    "native": NativeModel,
    "modelclient": ModelClientModel,
    "agentstudio": AgentStudioModel,
    "function": FunctionModel,
}
_FOR_THE_PORT = frozenset(
    {
        "model_client_cls",
        "provider",
        "spec",
        "price",
        "tags",
        "api_rate_limit",
        "cache_seed",
        "role_rules",
        "tool_parser",
    }
)


def as_model(
    thing: Any,
    *,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Model:
    """The model that *thing* is: a function, an object, or a class, of which an object is made.

    *name* is the model's name where its own will not do. *config*, an entry of a config list, reaches the constructor
    (as ``cls(config, **arguments)`` for AutoGen's contract, as keywords for the others) and supplies parameters that a
    request leaves open. A model is given back as it is.

    Raises:
        NotAModel: *thing* has no known shape; the message says what is missing from the nearest.
        LoadError: the constructor failed.
        ContractBroken: the shape is known, and something in it cannot work.
    """
    if _is_ours(thing) and (name is None or name == thing.name):
        model: Model = thing
        return model
    contract = contract_of(thing)
    if isinstance(thing, type):
        thing = construct(thing, config, arguments)
    adapter = _ADAPTERS[contract](thing, name=name, config=config)
    if arguments:
        adapter.config = {**(config or {}), **arguments}  # what it was made with is part of what it is, for caches
    made: Model = adapter
    return made


def _is_ours(thing: Any) -> bool:
    return type(thing).__module__.partition(".")[0] == "modelport" and isinstance(thing, Model)


def contract_of(thing: Any) -> Contract:
    """Which of the four contracts *thing* keeps, by the methods that it has.

    Raises:
        NotAModel: it has those of none.
    """
    cls = thing if isinstance(thing, type) else type(thing)
    if _has(thing, "stream") or _has(thing, "generate_batch"):
        return "native"
    if _has(thing, "create") and _has(thing, "message_retrieval"):
        return "modelclient"
    if _has(thing, "generate_response"):
        if any(_has(thing, composer) for composer in COMPOSERS):
            return "agentstudio"
    elif any("__call__" in vars(each) for each in cls.__mro__):
        return "function"
    elif _has(thing, "embed") and not _has(thing, "create"):
        return "native"
    raise NotAModel(_refusal(thing))


def _has(thing: Any, method: str) -> bool:
    return callable(getattr(thing, method, None))


def _refusal(thing: Any) -> str:
    what = type_name(thing) if isinstance(thing, type) or callable(thing) else f"{type(thing).__name__} object"
    if _has(thing, "generate_response"):
        return (
            f"{what} is not a model yet: it has generate_response() but no compose_messages(): add "
            "`def compose_messages(self, intermedia_msg): return intermedia_msg` to take the messages as they are"
        )
    for composer in COMPOSERS:
        if _has(thing, composer):
            return (
                f"{what} is not a model yet: it has {composer}() but no generate_response(): add "
                "`def generate_response(self, messages, **kwargs)` that returns text, {}"
            )
    if _has(thing, "create"):
        return (
            f"{what} is not a model yet: it has create() but no message_retrieval(): add `def "
            "message_retrieval(self, response)` that returns [choice.message.content for choice in response.choices]"
        )
    if _has(thing, "message_retrieval"):
        return (
            f"{what} is not a model yet: it has message_retrieval() but no create(): add `def create(self, params)` "
            "that returns a response with choices and model"
        )
    if thing is None:
        what = "None"
    hint = ""
    if isinstance(thing, str):
        hint = "; text that names a model is loaded with modelport.load()"
    elif isinstance(thing, ModuleType):
        hint = "; give a class or a function of the module"
    elif isinstance(thing, Mapping):
        hint = "; an entry of a config list goes to modelport.Client(config_list=[…])"
    return f"{what} is not a model: expected {_SHAPES}{hint}"


# --- objects of users' classes ----------------------------------------------------------------------------------------


def construct(cls: type, config: Mapping[str, Any] | None = None, arguments: Mapping[str, Any] | None = None) -> Any:
    """An object of *cls*, made as its contract says.

    A ModelClient class is called with the config, as a dict of its own, and *arguments* as keywords. Any other is
    called with those entries of the config that its constructor names (all that are not for the port where it has
    ``**``), and with *arguments*.

    Raises:
        LoadError: the constructor failed, or demands what is not there.
    """
    given = dict(arguments or {})
    if contract_of(cls) == "modelclient":
        positional: tuple[Any, ...] = _config_argument(cls, dict(config or {}))
    else:
        positional = ()
        given = {**_keywords(cls, config or {}), **given}
    _check_arguments(cls, positional, given)
    try:
        return cls(*positional, **given)
    except CAUGHT as error:
        if isinstance(error, ModelportError):
            raise
        why = failure(f"{cls.__name__}()", error)
        raise LoadError(f"{why.message}; its constructor must work with what the config gives it") from error


def _config_argument(cls: type, config: dict[str, Any]) -> tuple[Any, ...]:
    """The config, or nothing where the constructor is object's own."""
    if not any("__init__" in vars(each) or "__new__" in vars(each) for each in cls.__mro__[:-1]):
        return ()
    signature = _signature(cls)
    if signature is not None:
        try:
            signature.bind_partial(config)
        except TypeError:
            raise LoadError(
                f"{cls.__name__}() takes no config; the contract asks for __init__(self, config, **kwargs): "
                "add both, or pass an instance instead of the class"
            ) from None
    return (config,)


def _keywords(cls: type, config: Mapping[str, Any]) -> dict[str, Any]:
    signature = _signature(cls)
    if signature is None:
        return {}
    kinds = {each.name: each.kind.name for each in signature.parameters.values()}
    if "VAR_KEYWORD" in kinds.values():
        given = {name: value for name, value in config.items() if name not in _FOR_THE_PORT}
    else:
        given = {name: value for name, value in config.items() if name in kinds}
    if "config" in kinds and "config" not in config and config:
        given["config"] = dict(config)
    return given


def _check_arguments(cls: type, positional: tuple[Any, ...], given: dict[str, Any]) -> None:
    signature = _signature(cls)
    if signature is None:
        return
    try:
        signature.bind(*positional, **given)
    except TypeError as error:
        known = signature.bind_partial(*positional).arguments
        missing = [
            each.name
            for each in signature.parameters.values()
            if each.default is each.empty
            and each.kind.name in {"POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY"}
            and each.name not in given
            and each.name not in known
        ]
        if missing:
            raise LoadError(
                f"{cls.__name__}() demands {', '.join(missing)}, which the config does not have: "
                f"give config={{{missing[0]!r}: …}}, or pass an instance instead of the class"
            ) from None
        raise LoadError(
            f"{cls.__name__}() cannot be called with what it was given ({error}): take it in __init__, or add **kwargs"
        ) from None


def _signature(cls: type) -> Any:
    import inspect

    try:
        return inspect.signature(cls)
    except (TypeError, ValueError):  # written in C, or with a signature that lies
        return None
