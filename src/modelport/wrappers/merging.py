"""Several messages as one, of which nothing is lost: names, parts, tool calls. Knows no rules.

Texts are joined by a blank line, lists strung together. Where messages have different names, the text of each begins
with its own. Of two values of a field that is unknown here, the first stays.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from modelport.types import Message, TextPart

__all__ = ("DICTS", "VALUES", "Form", "merged")


class Form(Protocol):
    """How messages are written: as dicts or as values."""

    def get(self, item: Any, name: str) -> Any:
        """A field of a message, or None."""

    def fields(self, item: Any) -> dict[str, Any]:
        """All its fields, in a dict of their own."""

    def make(self, fields: dict[str, Any]) -> Any:
        """A message of these fields."""

    def with_role(self, item: Any, role: str) -> Any:
        """The same message, of another role."""

    def text(self, text: str) -> Any:
        """A part of content."""


class _Dicts:
    def get(self, item: Any, name: str) -> Any:
        return item.get(name)

    def fields(self, item: Any) -> dict[str, Any]:
        return dict(item)

    def make(self, fields: dict[str, Any]) -> Any:
        return fields

    def with_role(self, item: Any, role: str) -> Any:
        return {**item, "role": role}

    def text(self, text: str) -> Any:
        return {"type": "text", "text": text}


class _Values:
    def get(self, item: Any, name: str) -> Any:
        return getattr(item, name)

    def fields(self, item: Any) -> dict[str, Any]:
        return {name: value for name in Message.__struct_fields__ if (value := getattr(item, name)) is not None}

    def make(self, fields: dict[str, Any]) -> Any:
        values: dict[str, Any] = {name: tuple(each) if type(each) is list else each for name, each in fields.items()}
        return Message(**values)

    def with_role(self, item: Any, role: str) -> Any:
        return replace(item, role=role)

    def text(self, text: str) -> Any:
        return TextPart(text)


DICTS: Form = _Dicts()
VALUES: Form = _Values()


def merged(turn: Sequence[Any], form: Form) -> Any:
    """One message in place of those of one *turn*, of which the first has the role."""
    if len(turn) == 1:
        return turn[0]
    each = [form.fields(item) for item in turn]
    names = [fields.pop("name", None) for fields in each]
    alike = all(name == names[0] for name in names)
    contents = [
        content if alike or not name else _spoken(content, str(name), form)
        for content, name in zip([fields.pop("content", None) for fields in each], names, strict=True)
    ]
    whole: dict[str, Any] = {"role": each[0]["role"], "content": _joined(contents, form)}
    if alike and names[0]:
        whole["name"] = names[0]
    for fields in each:
        for name, value in fields.items():
            whole[name] = value if whole.get(name) is None else _both(name, whole[name], value)
    return form.make(whole)


def _both(name: str, first: Any, second: Any) -> Any:
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return [*first, *second]
    if name in {"refusal", "reasoning", "reasoning_content"} and isinstance(second, str):
        return f"{first}\n\n{second}" if first and second else first or second
    if name == "extra" and isinstance(first, dict) and isinstance(second, dict):
        return {**second, **first}
    return first


def _joined(contents: Sequence[Any], form: Form) -> Any:
    said = [content for content in contents if content is not None and not _is_nothing(content)]
    if not said:
        return next((content for content in contents if content is not None), None)
    if all(isinstance(content, str) for content in said):
        return "\n\n".join(said)
    parts: list[Any] = []
    for content in said:
        if isinstance(content, str):
            parts.append(form.text(content))
        elif isinstance(content, list | tuple):
            parts += content
        else:
            parts.append(content)
    return parts


def _is_nothing(content: Any) -> bool:
    return isinstance(content, str | list | tuple) and not content


def _spoken(content: Any, name: str, form: Form) -> Any:
    """*content* with its speaker's *name* before it."""
    if content is None or _is_nothing(content):
        return content
    if isinstance(content, str):
        return f"{name}: {content}"
    parts = list(content) if isinstance(content, list | tuple) else [content]
    first = parts[0]
    if isinstance(first, str):
        return [f"{name}: {first}", *parts[1:]]
    if isinstance(first, TextPart):
        return [TextPart(f"{name}: {first.text}"), *parts[1:]]
    if isinstance(first, Mapping) and first.get("type") == "text" and isinstance(first.get("text"), str):
        return [{**first, "text": f"{name}: {first['text']}"}, *parts[1:]]
    return [form.text(f"{name}:"), *parts]
