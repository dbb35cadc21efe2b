"""The arguments that a model wrote for a tool, as values. Knows no tools."""

import json
from collections.abc import Mapping
from typing import Any

__all__ = ("parse_arguments",)

_HINT = "\n The argument must be in JSON format."  # AutoGen's; programs look for it
_NAMES = {list: "an array", str: "a string", bool: "true or false", int: "a number", float: "a number"}


def parse_arguments(text: object) -> tuple[dict[str, Any] | None, str | None]:
    """``(arguments, None)``, or ``(None, what to tell the model)``. Raises nothing.

    Line breaks and tabs may stand raw inside strings, as models write them. Nothing at all (``""``, ``null``, None)
    means no arguments; a mapping is taken as it is.
    """
    if text is None:
        return {}, None
    if isinstance(text, Mapping):
        return {str(key): value for key, value in text.items()}, None
    if isinstance(text, bytes | bytearray):
        text = text.decode("utf-8", "replace")
    if not isinstance(text, str):
        return None, f"Error: expected the arguments as JSON text, got {type(text).__name__}.{_HINT}"
    if not text.strip():
        return {}, None
    return _parse(text)


def _parse(text: str) -> tuple[dict[str, Any] | None, str | None]:
    try:
        value = json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        return None, f"Error: {error}{_HINT}"
    except RecursionError:
        return None, f"Error: the arguments are nested too deeply.{_HINT}"
    except ValueError as error:  # a number with more digits than Python converts
        return None, f"Error: {error}{_HINT}"
    if value is None:
        return {}, None
    if not isinstance(value, dict):
        kind = _NAMES[type(value)]
        return None, f"Error: expected a JSON object with the parameters by name, got {kind}.{_HINT}"
    return value, None
