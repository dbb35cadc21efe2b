"""A model with defaults for what a request leaves open."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from modelport.model import AnswerStream, Model
from modelport.types import ChatRequest
from modelport.wrappers.base import Wrapper

__all__ = ("Defaulting",)


class Defaulting(Wrapper):
    """Sets those of *fields* (values as a :class:`ChatRequest` holds them) that a request does not."""

    def __init__(self, model: Model, fields: Mapping[str, Any]) -> None:
        super().__init__(model)
        self._fields = dict(fields)
        self._items = tuple(fields.items())

    def stream(self, request: ChatRequest) -> AnswerStream:
        """The answer to the completed request."""
        unset = {name: value for name, value in self._items if getattr(request, name) is None}
        return self.model.stream(replace(request, **unset) if unset else request)
