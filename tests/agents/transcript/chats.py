"""Turns to show, and a page taken apart. Knows nothing of how either is made."""

from html.parser import HTMLParser
from typing import Any

from modelport.agents.turns import Turn

__all__ = ("PNG", "Page", "call", "said", "turn")

PNG = "data:image/png;base64,iVBORw0KGgo="
VOID = {"meta", "img", "br", "hr", "link", "input"}


def turn(message: dict[str, Any], sender: str = "ada", recipient: str = "bob", **fields: Any) -> Turn:
    return Turn(**{"sender": sender, "recipient": recipient, "message": message, "time": 1_000_000.0, **fields})


def said(text: Any, **fields: Any) -> Turn:
    return turn({"role": "assistant", "content": text}, **fields)


def call(name: str, arguments: Any, number: str = "c1") -> dict[str, Any]:
    return {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}


class Page(HTMLParser):
    """A page's elements as ``(tag, attributes)``, and the text within those of each tag; its tags must be balanced."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []  # the innermost element, and the text
        self.declarations: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {attrs}"
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.append((self._open[-1], data))

    def handle_decl(self, decl: str) -> None:
        self.declarations.append(decl)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def within(self, tag: str) -> list[str]:
        return [text for inner, text in self.texts if inner == tag]

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.elements if each == tag]

    def attribute_names(self) -> set[str]:
        return {name for _, attributes in self.elements for name in attributes}
