"""What providers publish of their requests: their own packages' types, walked, and examples made of them.

The path of a field looks like ``messages[].content[text].text``: ``[]`` is an item of a list, ``[text]`` a value (or an
item) whose ``type`` is that. What a table of fates rejects, or calls advice or a copy of another row, is not walked
into.
"""

import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Required, Union, get_args, get_origin

from anthropic.types import message_count_tokens_params, message_create_params
from openai.types import completion_create_params, embedding_create_params
from openai.types.chat import completion_create_params as chat_create_params
from openai.types.responses import response_create_params
from typing_extensions import ReadOnly, get_type_hints, is_typeddict

__all__ = ("PUBLISHED", "Published", "example", "fate_of", "paths")

Fates = Mapping[str, str]


class Published(NamedTuple):
    """A dialect's published request: its typed dicts, and the smallest that passes.

    ``headers`` are those fields that its client sends as headers.
    """

    dialect: str
    requests: tuple[Any, ...]
    least: dict[str, Any]
    headers: frozenset[str] = frozenset()


HELLO = [{"role": "user", "content": "hi"}]
PUBLISHED = (
    Published(
        "openai_chat",
        (chat_create_params.CompletionCreateParamsBase, chat_create_params.CompletionCreateParamsStreaming),
        {"messages": HELLO},
    ),
    Published(
        "openai_completions",
        (completion_create_params.CompletionCreateParamsBase, completion_create_params.CompletionCreateParamsStreaming),
        {"prompt": "hi"},
    ),
    Published(
        "openai_responses",
        (response_create_params.ResponseCreateParamsBase, response_create_params.ResponseCreateParamsStreaming),
        {"input": "hi"},
    ),
    Published("openai_embeddings", (embedding_create_params.EmbeddingCreateParams,), {"input": "hi"}),
    Published(
        "anthropic_messages",
        (
            message_create_params.MessageCreateParamsBase,
            message_create_params.MessageCreateParamsStreaming,
            message_count_tokens_params.MessageCountTokensParams,
        ),
        {"messages": HELLO, "max_tokens": 9},
        headers=frozenset({"user_profile_id", "workspace_id"}),
    ),
)


# --- fields -----------------------------------------------------------------------------------------------------------


def fate_of(path: str, fates: Fates) -> str | None:
    """The fate of *path*: its own row's, or that of the row for all other types."""
    row = fates.get(path)
    if row is None and path.endswith("]") and not path.endswith("[]"):
        return fates.get(f"{path.rpartition('[')[0]}[*]")
    return row


def paths(published: Published, fates: Fates) -> list[str]:
    """Every field that is published, as far as *fates* leaves something to tell."""
    found: dict[str, None] = {}
    for request in published.requests:
        found.update(dict.fromkeys(_fields(request, "", fates, ())))
    return [path for path in found if path not in published.headers]


def _is_told(path: str, fates: Fates) -> bool:
    fate, _, note = (fate_of(path, fates) or "").partition(": ")
    return fate == "rejected" or note.startswith(("advice", "as ", "a JSON Schema"))


def _fields(shape: Any, before: str, fates: Fates, seen: Sequence[Any]) -> Iterator[str]:
    for name, kind in get_type_hints(shape, include_extras=True).items():
        if name == "type":  # it is in the path
            continue
        path = f"{before}{name}"
        yield path
        if not _is_told(path, fates):
            for one in _alternatives(kind):
                yield from _inside(one, path, fates, seen)


def _inside(kind: Any, path: str, fates: Fates, seen: Sequence[Any]) -> Iterator[str]:
    if is_typeddict(kind):
        if kind in seen:
            return
        for name in _types_of(kind) or ("",):
            here = f"{path.removesuffix('[]')}[{name}]" if name else path
            if name:
                yield here
            if not _is_told(here, fates):
                yield from _fields(kind, f"{here}.", fates, (*seen, kind))
    elif _is_list(kind):
        for one in _alternatives(get_args(kind)[0]):
            yield from _inside(one, f"{path}[]", fates, seen)


# --- types ------------------------------------------------------------------------------------------------------------


def _bare(kind: Any) -> Any:
    while get_origin(kind) in {Required, NotRequired, ReadOnly, Annotated}:
        kind = get_args(kind)[0]
    return _bare(kind.__value__) if hasattr(kind, "__value__") else kind


def _alternatives(kind: Any) -> list[Any]:
    kind = _bare(kind)
    if get_origin(kind) in {Union, types.UnionType}:
        return [one for each in get_args(kind) for one in _alternatives(each)]
    return [kind]


def _types_of(shape: Any) -> tuple[str, ...]:
    """The values that its ``type`` may have."""
    hints = get_type_hints(shape, include_extras=True)
    return tuple(
        [
            value
            for one in _alternatives(hints.get("type", type(None)))
            if get_origin(one) is Literal
            for value in get_args(one)
        ]
    )


def _is_demanded(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is Required


def _is_list(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Iterable) and not issubclass(origin, Mapping)


# --- examples ---------------------------------------------------------------------------------------------------------


def example(published: Published, path: str, given: Callable[[str], Any]) -> dict[str, Any] | None:
    """A request that has the field at *path*, the rest as small as the types allow; *given* may tell a field's value.

    None where it is in none of the requests' types.
    """
    for request in published.requests:
        try:
            made = _shaped(request, path, "", given)
        except LookupError:
            continue
        return {
            **published.least,
            **{name: made[name] for name in made if name == path.partition("[")[0].partition(".")[0]},
        }
    return None


def _shaped(shape: Any, wanted: str, before: str, given: Callable[[str], Any]) -> dict[str, Any]:
    """A dict of *shape*, with what it demands, and with what leads to *wanted*."""
    hints = get_type_hints(shape, include_extras=True)
    result = {}
    led = not wanted or wanted == before.removesuffix(".")
    for name, kind in hints.items():
        path = f"{before}{name}"
        leads = wanted == path or wanted.startswith((f"{path}.", f"{path}["))
        if leads or _is_demanded(kind):
            result[name] = _value(kind, wanted if leads else "", path, given)
            led = led or leads
    if not led:
        raise LookupError(wanted)
    return result


def _value(kind: Any, wanted: str, path: str, given: Callable[[str], Any]) -> Any:
    told = given(path)
    if told is not None and not wanted.startswith((f"{path}.", f"{path}[")):
        return told
    failed: LookupError | None = None
    for one in _alternatives(kind):
        try:
            return _one(one, wanted, path, given)
        except LookupError as error:
            failed = error
    raise failed or LookupError(wanted)


def _one(kind: Any, wanted: str, path: str, given: Callable[[str], Any]) -> Any:
    deeper = wanted not in {"", path}
    if is_typeddict(kind):
        names = _types_of(kind)
        here = path
        if names:
            base = path.removesuffix("[]")
            match = [name for name in names if wanted == f"{base}[{name}]" or wanted.startswith(f"{base}[{name}].")]
            if deeper and not match:
                raise LookupError(wanted)
            here = f"{base}[{(match or list(names))[0]}]"
        made = _shaped(kind, wanted if deeper else "", f"{here}.", given)
        return {**made, "type": here.rpartition("[")[2].removesuffix("]")} if names else made
    if _is_list(kind):
        return [_value(get_args(kind)[0], wanted if deeper else "", f"{path}[]", given)]
    if deeper:
        raise LookupError(wanted)
    return _plain(kind)


def _plain(kind: Any) -> Any:
    origin: Any = get_origin(kind)
    if origin is Literal:
        return get_args(kind)[0]
    if kind is bool:
        return True
    if kind in {int, float}:
        return 1
    if kind is str:
        return "x"
    if kind is type(None):
        raise LookupError("null asks for nothing")
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {}
    return "x" if kind in {object, Any} else {}
