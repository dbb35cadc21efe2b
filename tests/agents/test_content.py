from typing import Any

import pytest

from modelport.agents.content import content_str


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("", ""),
        ("Grüße", "Grüße"),
        ([], ""),
        ([{"type": "text", "text": "a "}, {"type": "image_url", "image_url": {"url": "data:"}}], "a <image>"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
    ],
)
def test_the_text_of_a_content_is_its_text_parts_in_order(content: Any, text: str) -> None:
    assert content_str(content) == text


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (7, TypeError, "content must be None, str, or list, but got <class 'int'>"),
        (("a",), TypeError, "but got <class 'tuple'>"),
        (["a"], TypeError, "every element should be dict"),
        ([{"text": "a"}], AssertionError, "Missing 'type' key"),
        ([{"type": "audio"}], ValueError, "unknown type audio within the content"),
        ([{"type": "text"}], KeyError, "text"),
        ([{"type": "text", "text": 3}], TypeError, "int"),
    ],
)
def test_a_content_of_no_known_shape_is_refused_as_autogen_refuses_it(
    content: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        content_str(content)
