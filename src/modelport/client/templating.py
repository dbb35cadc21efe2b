"""AutoGen's templates: a message's content made from a context, before it is sent."""

from collections.abc import Callable, Mapping
from typing import Any

from modelport.errors import InvalidRequest

__all__ = ("filled", "instantiate")


def instantiate(
    template: str | Callable[[Mapping[str, Any]], str] | None,
    context: Mapping[str, Any] | None = None,
    allow_format_str_template: bool | None = False,
) -> Any:
    """*template* for *context*: called where it is a function; formatted where it is text and that is allowed.

    Raises:
        InvalidRequest: the text names something that the context does not have.
    """
    if not context or template is None:
        return template
    if callable(template):
        return template(context)
    if not allow_format_str_template or not isinstance(template, str):
        return template
    try:
        return template.format(**context)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise InvalidRequest(
            f"context: the template {template[:80]!r} cannot be filled: {type(error).__name__}: {error}; "
            f"the context has {', '.join(map(repr, context)) or 'nothing'}",
            param="context",
        ) from error


def filled(messages: Any, context: Mapping[str, Any], allow_format_str_template: bool | None) -> Any:
    """*messages* with their contents instantiated; the caller's own are not changed."""
    if not isinstance(messages, list | tuple):
        return messages
    return [
        {**message, "content": instantiate(message["content"], context, allow_format_str_template)}
        if isinstance(message, Mapping) and message.get("content")
        else message
        for message in messages
    ]
