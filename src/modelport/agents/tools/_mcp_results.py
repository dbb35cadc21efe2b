"""What an MCP tool gave, as text for a model. Knows no connection."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp.types import CallToolResult

__all__ = ("render", "told")


def render(result: "CallToolResult", most: int) -> str:
    """The text of *result*, at most *most* characters of it. What is no text is named, with its type and size."""
    parts = [_part(item) for item in result.content]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False, default=str)]
    text = "\n".join(parts)
    if len(text) <= most:
        return text
    return f"{text[:most]}\n[cut: the first {most:,} of {len(text):,} characters]"


def _part(item: Any) -> str:
    kind = getattr(item, "type", type(item).__name__)
    if kind == "text":
        return str(item.text)
    if kind in {"image", "audio"}:
        return f"[{kind}, {item.mime_type}, {_size(item.data)}: not shown, as a tool answers in text]"
    if kind == "resource_link":
        return f"[resource {item.name}: {item.uri}]" + (f" {item.description}" if item.description else "")
    if kind == "resource":
        resource = item.resource
        text = getattr(resource, "text", None)
        if text is not None:
            return f"[resource {resource.uri}]\n{text}"
        return f"[resource {resource.uri}, {resource.mime_type or 'unknown type'}, {_size(resource.blob)}: not shown]"
    return f"[{kind}: not shown, as its form is not known]"


def _size(base64_text: str) -> str:
    padding = base64_text.count("=", -2) if base64_text else 0
    return f"{max(len(base64_text) * 3 // 4 - padding, 0):,} bytes"


def told(error: BaseException) -> str:
    """An error of the SDK, as a sentence."""
    text = getattr(error, "message", None) or str(error)
    return str(text) or type(error).__name__
