"""Between JSON and the values of a tool: its arguments come in as pydantic models where it asks for them, its result
goes out as text. Knows no agents; imports pydantic only when there is a value that needs it.
"""

import functools
import json
import sys
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

from modelport.agents.tools.signatures import get_param_annotations, get_typed_signature, is_async

__all__ = ("load_basemodels_if_needed", "model_loader", "serialize_to_str")


def model_loader(kind: Any) -> Callable[[dict[str, Any]], Any] | None:
    """What makes a dict a value of *kind*, if that is a pydantic model (possibly ``Annotated``); else None.

    Models inside lists, unions or dataclasses stay dicts, as in AutoGen; a function under ``pydantic.validate_call``
    gets those loaded too.
    """
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return functools.partial(_load, kind) if isinstance(kind, type) and _is_model(kind) else None


def _load(kind: type, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    if not isinstance(value, dict):
        raise TypeError(f"expected an object with the fields of {kind.__name__}, got {type(value).__name__}")
    return kind(**value)


def _is_model(kind: type) -> bool:
    pydantic = sys.modules.get("pydantic")  # where it was never imported, nothing can be a model
    return pydantic is not None and issubclass(kind, pydantic.BaseModel)


def load_basemodels_if_needed(func: Callable[..., Any]) -> Callable[..., Any]:
    """*func* with each argument that it takes as a pydantic model made one from a dict. Async where *func* is."""
    annotations = get_param_annotations(get_typed_signature(func))
    loaders = {name: load for name, kind in annotations.items() if (load := model_loader(kind)) is not None}

    def loaded(kwargs: dict[str, Any]) -> dict[str, Any]:
        return {name: loaders[name](value) if name in loaders else value for name, value in kwargs.items()}

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **loaded(kwargs))

    @functools.wraps(func)
    async def a_call(*args: Any, **kwargs: Any) -> Any:
        return await func(*args, **loaded(kwargs))

    return a_call if is_async(func) else call


def serialize_to_str(x: Any) -> str:
    """*x* as text for a model: text as it is, a pydantic model as its JSON, anything else as JSON.

    Raises:
        TypeError: JSON has no form for a value in it.
    """
    if isinstance(x, str):
        return x
    if _is_model(type(x)):
        text: str = x.model_dump_json()
        return text
    return json.dumps(x, ensure_ascii=False, default=_jsonable)


def _jsonable(value: Any) -> Any:
    """Dataclasses, models inside containers, dates, sets, enums, paths."""
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        return to_jsonable_python(value)
    except PydanticSerializationError as error:
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable") from error
