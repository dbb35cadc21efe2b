"""An entry of a config list, checked and sorted: which model, how it is reached, what it is told. Loads nothing.

What an entry's fields are for:

- it names its model by ``model_client_cls`` (a class registered with the client, by its name; or the class itself), by
  ``provider`` or ``spec`` (or a ``model`` that is a spec or an object), or by ``base_url`` and its kin
- ``price``, ``timeout``, ``max_retries``, ``api_rate_limit``, ``role_rules``, ``tool_parser``, ``tags`` are the port's
- the fields of a request (``temperature``, …) are its defaults
- all others are options, and reach the constructor
"""

import os
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct

from modelport.config.config_list import Origin, ReadEntry
from modelport.errors import ConfigError, InvalidRequest
from modelport.registry import nearest
from modelport.secret import Secret, without_userinfo
from modelport.toolcalls.base import parser_named
from modelport.types import ChatRequest, request_from_params
from modelport.wrappers.roles import rules_from

__all__ = ("CALL_FIELDS", "ENTRY_FIELDS", "REQUEST_FIELDS", "Entry", "Source", "entries", "entry_from")

Source = Literal["registered", "object", "spec", "provider", "api"]

# Fields that the port itself reads.
ENTRY_FIELDS = (
    "model",
    "model_client_cls",
    "provider",
    "spec",
    "base_url",
    "api_key",
    "api_key_env",
    "api_type",
    "api_version",
    "price",
    "timeout",
    "max_retries",
    "api_rate_limit",
    "max_concurrency",
    "max_batch_size",
    "batch_window",
    "role_rules",
    "tool_parser",
    "tags",
    "label",
)
# Fields that set how the client calls, as AutoGen's create() takes them.
CALL_FIELDS = ("stream", "cache", "cache_seed", "filter_func", "context", "agent", "allow_format_str_template")
# Fields of a request, with their other names.
REQUEST_FIELDS = (
    *(name for name in ChatRequest.__struct_fields__ if name not in {"messages", "model", "extra"}),
    "max_completion_tokens",
)
_KNOWN = frozenset({*ENTRY_FIELDS, *CALL_FIELDS, *REQUEST_FIELDS})
# Names that people write, and what they mean by them.
_MEANT = {
    "apibase": "base_url",
    "apiurl": "base_url",
    "baseuri": "base_url",
    "modelclient": "model_client_cls",
    "modelclientclass": "model_client_cls",
    "modelclass": "model_client_cls",
    "clientcls": "model_client_cls",
    "ratelimit": "api_rate_limit",
    "maxretry": "max_retries",
} | {name.replace("_", ""): name for name in (*ENTRY_FIELDS, *CALL_FIELDS, *REQUEST_FIELDS)}
_EMPTY: Mapping[str, Any] = MappingProxyType({})


class Entry(Struct, frozen=True, kw_only=True, eq=False):
    """One entry. Shows no secret; values of the user's are held by reference, never copied.

    ``source`` says how it names its model: ``registered`` (``model_client_cls`` has the class's name), ``object``
    (``thing``), ``spec`` (``thing`` is one for :func:`modelport.load`), ``provider`` (``thing`` is its name, ``model``
    its argument) or ``api`` (``base_url``, ``api_type``). ``given`` is the whole entry, as written.
    ``label`` names the entry for people; ``origin`` is where it was read, None where it was written in code.
    ``timeout`` and ``batch_window`` are in seconds, ``api_rate_limit`` in calls a second, ``price`` in US dollars for
    1,000 tokens of prompt and of completion. ``role_rules`` has names of :mod:`modelport.wrappers.roles`,
    ``tool_parser`` is a name of :mod:`modelport.toolcalls`; None leaves them to the model.
    """

    index: int
    label: str
    source: Source
    given: Mapping[str, Any]
    thing: Any = None
    model: str | None = None
    model_client_cls: str | None = None
    base_url: str | None = None
    api_key: Secret | None = None
    api_key_env: str | None = None
    api_type: str | None = None
    api_version: str | None = None
    price: tuple[float, float] | None = None
    timeout: float | None = None
    max_retries: int | None = None
    api_rate_limit: float | None = None
    max_concurrency: int | None = None
    max_batch_size: int | None = None
    batch_window: float | None = None
    role_rules: tuple[str, ...] | None = None
    tool_parser: str | None = None
    tags: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = _EMPTY
    call: Mapping[str, Any] = _EMPTY
    options: Mapping[str, Any] = _EMPTY
    origin: Origin | None = None

    def __repr__(self) -> str:
        return f"Entry({self.label!r}, source={self.source!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("label", self.label), ("source", self.source)]


def entries(config_list: Any) -> tuple[Entry, ...]:
    """The entries of *config_list*, a list of dicts (one dict is a list of one).

    Raises:
        ConfigError: an entry is wrong; names its index and field, and what is near.
    """
    if isinstance(config_list, Mapping):
        config_list = [config_list]
    if isinstance(config_list, str | bytes) or not isinstance(config_list, Iterable):
        raise ConfigError(
            f"config_list must be a list of dicts, got {type(config_list).__name__}"
            + ("; config_list_from_json() reads one from a file or a variable" if isinstance(config_list, str) else ""),
            param="config_list",
        )
    return tuple(entry_from(each, index) for index, each in enumerate(config_list))


def entry_from(given: Any, index: int = 0) -> Entry:
    """The entry at *index*.

    Raises:
        ConfigError: it is wrong; names its index and field.
    """
    if isinstance(given, Entry):
        return given
    if not isinstance(given, Mapping):
        raise _wrong(index, None, f"must be a dict, got {type(given).__name__}")
    _check_names(given, index)
    reader = _Reader(given, index)
    source, thing = _source(reader)
    defaults = {name: given[name] for name in REQUEST_FIELDS if given.get(name) is not None}
    _check_defaults(defaults, index)
    cls, model = given.get("model_client_cls"), given.get("model")
    api_key, api_key_env = _api_key(reader)
    return Entry(
        index=index,
        label=reader.text("label") or _label(index, cls, thing, given),
        source=source,
        given=MappingProxyType(dict(given)),
        thing=thing,
        model=model if isinstance(model, str) else None,
        model_client_cls=cls if isinstance(cls, str) else None,
        base_url=_base_url(reader),
        api_key=api_key,
        api_key_env=api_key_env,
        api_type=reader.text("api_type"),
        api_version=reader.text("api_version"),
        price=_price(reader),
        timeout=reader.number("timeout", above=0),
        max_retries=reader.count("max_retries"),
        api_rate_limit=reader.number("api_rate_limit", above=0),
        max_concurrency=reader.count("max_concurrency", least=1),
        max_batch_size=reader.count("max_batch_size", least=1),
        batch_window=reader.seconds("batch_window"),
        role_rules=_role_rules(reader),
        tool_parser=_tool_parser(reader),
        tags=_tags(reader),
        defaults=MappingProxyType(defaults),
        call=MappingProxyType({name: given[name] for name in CALL_FIELDS if name in given}),
        origin=given.origin if isinstance(given, ReadEntry) else None,
        options=MappingProxyType({name: value for name, value in given.items() if name not in _KNOWN}),
    )


def _wrong(index: int, field: str | None, problem: str) -> ConfigError:
    where = f"config_list[{index}]" + (f".{field}" if field else "")
    return ConfigError(f"{where} {problem}", param=where)


class _Reader:
    """The fields of one entry, each as what it must be."""

    def __init__(self, given: Mapping[str, Any], index: int) -> None:
        self.given = given
        self.index = index

    def wrong(self, field: str, expected: str) -> ConfigError:
        value = self.given[field]
        # No value of an entry is repeated but numbers: any other may be a secret in the wrong place.
        came = repr(value) if isinstance(value, int | float) else type(value).__name__
        return _wrong(self.index, field, f"must be {expected}, got {came}")

    def text(self, field: str) -> str | None:
        value = self.given.get(field)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise self.wrong(field, "text" if not isinstance(value, str) else "text that is not empty")
        return value

    def number(self, field: str, *, above: float) -> float | None:
        value = self.given.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not above < value < float("inf"):
            raise self.wrong(field, f"a number above {above:g}")
        return float(value)

    def seconds(self, field: str) -> float | None:
        """A time that may be none at all."""
        value = self.given.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise self.wrong(field, "a number, 0 or more")
        return float(value)

    def count(self, field: str, *, least: int = 0) -> int | None:
        value = self.given.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.wrong(field, f"a whole number, {least} or more")
        return value


def _source(reader: _Reader) -> tuple[Source, Any]:
    given = reader.given
    named = [name for name in ("model_client_cls", "provider", "spec") if given.get(name) is not None]
    if len(named) > 1:
        raise _wrong(reader.index, None, f"names its model {len(named)} times, by {' and '.join(named)}: keep one")
    if not named:
        return _source_of_model(reader)
    value = given[named[0]]
    if isinstance(value, str):
        reader.text(named[0])
        sources: dict[str, Source] = {"model_client_cls": "registered", "provider": "provider", "spec": "spec"}
        if named[0] != "model_client_cls":
            _check_model(reader)
        return sources[named[0]], None if named[0] == "model_client_cls" else value
    if named[0] == "model_client_cls" and not isinstance(value, type):
        raise reader.wrong("model_client_cls", "a class, or the name of one that will be registered")
    return "object", value


def _source_of_model(reader: _Reader) -> tuple[Source, Any]:
    given = reader.given
    model = given.get("model")
    if model is not None and not isinstance(model, str):
        if isinstance(model, int | float | list | tuple | dict | set):
            raise reader.wrong("model", "a name, a spec or a model")
        return "object", model
    is_place = model is not None and (model.endswith(".py") or ".py:" in model)
    is_place = is_place or (model is not None and given.get("base_url") is None and ":http" in model and "://" in model)
    if not is_place and any(given.get(name) is not None for name in ("base_url", "api_key", "api_key_env", "api_type")):
        _check_model(reader)
        return "api", None
    if model is None:
        raise _wrong(
            reader.index, None, "names no model: give model, model_client_cls, provider or base_url" + _almost(given)
        )
    reader.text("model")
    return "spec", model


def _check_model(reader: _Reader) -> None:
    if not isinstance(reader.given.get("model"), str | None):
        raise reader.wrong("model", "a name, where the model is named by another field")
    reader.text("model")


def _api_key(reader: _Reader) -> tuple[Secret | None, str | None]:
    value, variable = reader.given.get("api_key"), reader.text("api_key_env")
    if value is not None and not isinstance(value, str | Secret):
        # AutoGen takes whatever the API's own client takes here, such as a function that makes tokens.
        if callable(value):
            return None, variable
        raise reader.wrong("api_key", "text or a Secret")
    if value is None and variable is not None:
        value = os.environ.get(variable)
    return (Secret(value) if value else None), variable


def _base_url(reader: _Reader) -> str | None:
    value = reader.given.get("base_url")
    if value is None or value == "":  # AutoGen's key helpers write "" where an address was not given
        return None
    text = value if isinstance(value, str) else str(value)
    if not text.startswith(("http://", "https://")):
        raise _wrong(reader.index, "base_url", "must be an address that begins with http:// or https://")
    return text


def _price(reader: _Reader) -> tuple[float, float] | None:
    value = reader.given.get("price")
    if value is None:
        return None
    pair = [value, value] if isinstance(value, int | float) else value
    if (
        not isinstance(pair, list | tuple)
        or len(pair) != 2
        or not all(isinstance(each, int | float) and not isinstance(each, bool) and 0 <= each < 1e9 for each in pair)
    ):
        raise reader.wrong("price", "[dollars for 1,000 prompt tokens, dollars for 1,000 completion tokens]")
    return float(pair[0]), float(pair[1])


def _role_rules(reader: _Reader) -> tuple[str, ...] | None:
    value = reader.given.get("role_rules")
    return None if value is None else rules_from(value, f"config_list[{reader.index}].role_rules")


def _tool_parser(reader: _Reader) -> str | None:
    value = reader.text("tool_parser")
    if value is not None:
        parser_named(value, f"config_list[{reader.index}].tool_parser")
    return value


def _tags(reader: _Reader) -> tuple[str, ...]:
    value = reader.given.get("tags")
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
        raise reader.wrong("tags", "a list of texts")
    if not all(isinstance(each, str) for each in value):
        raise reader.wrong("tags", "a list of texts")
    return tuple(value)


def _check_defaults(defaults: Mapping[str, Any], index: int) -> None:
    """The request's own rules decide what a default may be."""
    if not defaults:
        return
    try:
        request_from_params({"messages": [{"role": "user", "content": ""}], **defaults})
    except InvalidRequest as error:
        field = (error.param or "").partition(".")[0].partition("[")[0]
        raise _wrong(
            index, field if field in defaults else None, f"is no default for a request: {error.message}"
        ) from None


def _check_names(given: Mapping[str, Any], index: int) -> None:
    for field in given:
        if not isinstance(field, str):
            raise _wrong(index, None, f"has a field that is no text: {type(field).__name__}")
    for field in given:
        if field in _KNOWN:
            continue
        meant = _MEANT.get(field.replace("-", "").replace("_", "").replace(" ", "").lower())
        if meant is not None and meant not in given:
            raise _wrong(index, field, f"is no field; did you mean {meant!r}?")
        # A constructor may take options of any name, so only a slip of the pen in a longer name is taken for one.
        if len(field) >= 7 and given.get("model_client_cls") is None:
            near = [each for each in nearest(field, _KNOWN, most=1, cutoff=0.9) if each not in given]
            if near and abs(len(near[0]) - len(field)) <= 1:
                raise _wrong(index, field, f"is no field; did you mean {near[0]!r}?")


def _almost(given: Mapping[str, Any]) -> str:
    for field in given:
        near = (
            nearest(field, ("model", "model_client_cls", "provider", "base_url"), most=1) if field not in _KNOWN else []
        )
        if near:
            return f" (is {field!r} meant to be {near[0]!r}?)"
    return ""


def _label(index: int, cls: Any, thing: Any, given: Mapping[str, Any]) -> str:
    what = cls if isinstance(cls, str) else thing if isinstance(thing, str) else None
    if what is None and thing is not None:
        name = getattr(thing, "__name__", None) or getattr(thing, "name", None)
        what = name if isinstance(name, str) else type(thing).__name__
    if what is None or (given.get("provider") is not None and isinstance(given.get("model"), str)):
        what = ":".join(str(each) for each in (what, given.get("model") or given.get("base_url") or "") if each)
    return f"config_list[{index}] ({without_userinfo(what)})"
