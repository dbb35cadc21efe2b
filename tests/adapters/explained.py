"""What the tests of broken contracts share: asking a class, and holding its error to its whole sentence."""

from typing import Any

import pytest

from modelport import as_model, generate
from modelport.model import suspends
from modelport.sync import run
from modelport.types import request_from_params

__all__ = ("ask", "assert_explained")


def ask(cls: Any) -> str:
    model = as_model(cls)
    return run(generate(model, request_from_params({"messages": "hi"})), suspends=suspends(model)).text


def assert_explained(cls: Any, kind: type[Exception], sentence: str) -> None:
    """Asking *cls* fails with exactly this class of error and exactly this sentence."""
    with pytest.raises(kind) as caught:
        ask(cls)

    assert type(caught.value) is kind
    assert str(caught.value) == sentence
