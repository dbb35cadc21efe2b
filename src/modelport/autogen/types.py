"""AutoGen 0.2's ``autogen.types``: the forms of a message's content, for annotations."""

from typing import Any, Literal, TypeAlias, TypedDict

from modelport.autogen._absent import explain_absences

__all__ = ("MessageContentType", "UserMessageImageContentPart", "UserMessageTextContentPart")

MessageContentType: TypeAlias = str | list[dict[str, Any] | str] | None


class UserMessageTextContentPart(TypedDict):
    """A piece of text."""

    type: Literal["text"]
    text: str


class UserMessageImageContentPart(TypedDict):
    """A picture, by its address."""

    type: Literal["image_url"]
    image_url: dict[Literal["url"], str]


explain_absences(__name__)
