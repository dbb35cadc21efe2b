"""Tags in messages, as AutoGen 0.2.40 reads them."""

from typing import Any

import pytest

from modelport.agents.tags import parse_tags_from_content


def found(content: Any, tag: str = "img") -> list[Any]:
    return [(each["tag"], each["attr"], each["match"].span()) for each in parse_tags_from_content(tag, content)]


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("<img http://x.y/z.png>", [{"src": "http://x.y/z.png"}]),
        ("<img src='a b' alt=\"c d\">", [{"src": "a b", "alt": "c d"}]),
        ("<img  x   y>", [{"src": "x y"}]),
        ("<img a b=1>", [{"src": "a b=1"}]),
        ("<img =>", [{"src": "="}]),
        ("<img one> and <img two>", [{"src": "one"}, {"src": "two"}]),
        ("<img> <image x>", []),
    ],
)
def test_attributes_are_quoted_values_and_the_rest_is_the_source(text: str, attributes: list[Any]) -> None:
    assert [attr for _, attr, _ in found(text)] == attributes


def test_text_parts_of_a_list_are_read_and_others_passed_over() -> None:
    content = [{"type": "text", "text": "see <img x>"}, {"type": "image_url", "image_url": {"url": "<img y>"}}]

    assert found(content) == [("img", {"src": "x"}, (4, 11))]


def test_a_tags_name_is_no_pattern() -> None:
    assert found("<axb c> <a.b d>", "a.b") == [("a.b", {"src": "d"}, (8, 15))]


def test_what_is_neither_text_nor_a_list_is_a_value_error() -> None:
    wrong: Any = None

    with pytest.raises(ValueError, match="content must be str or list"):
        parse_tags_from_content("img", wrong)
