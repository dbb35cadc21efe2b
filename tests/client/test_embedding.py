"""Vectors through the client: of a model in process, in order of preference, and of one that a server has."""

from typing import Any

import pytest

from modelport import Client, as_model
from modelport.errors import AllModelsFailed, InvalidRequest, ModelError, NotRegistered, UnsupportedField
from modelport.server import create_app
from tests.server.helpers import running


class Lengths:
    name = "lengths"

    def embed(self, texts: list[str], dimensions: int | None = None) -> list[list[float]]:
        return [[float(len(text))] * (dimensions or 2) for text in texts]


class Broken:
    name = "broken"

    def embed(self, texts: list[str]) -> list[list[float]]:
        raise ModelError("the vectors are gone")


def reply(messages: list[dict[str, Any]]) -> str:
    return "hi"


def test_a_vector_for_each_text_comes_in_their_order_and_is_counted() -> None:
    client = Client(model=Lengths)

    vectors = client.embed(["a", "bcd"])

    assert vectors == [[1.0, 1.0], [3.0, 3.0]]
    assert client.embed("ab", dimensions=1) == [[2.0]]
    assert client.total_usage_summary is not None
    assert client.total_usage_summary["lengths"]["prompt_tokens"] > 0


async def test_vectors_may_be_awaited() -> None:
    assert await Client(model=Lengths).aembed(["ab"]) == [[2.0, 2.0]]


def test_settings_and_rules_of_an_entry_are_about_messages_and_not_in_the_way() -> None:
    client = Client(config_list=[{"model": Lengths, "temperature": 0.5, "role_rules": ["alternate"]}])

    assert client.embed(["a", "b"]) == [[1.0, 1.0], [1.0, 1.0]]


def test_the_first_model_that_embeds_is_asked_and_then_the_next() -> None:
    client = Client(config_list=[{"model": reply}, {"model": Broken}, {"model": Lengths}])

    assert client.embed(["a"]) == [[1.0, 1.0]]
    with pytest.raises(AllModelsFailed, match="the vectors are gone"):
        Client(config_list=[{"model": Broken}, {"model": Broken}]).embed(["a"])


def test_where_no_model_gives_vectors_that_is_told() -> None:
    with pytest.raises(UnsupportedField, match=r"none of the models gives vectors .*give one's class embed"):
        Client(model=reply).embed(["a"])


@pytest.mark.parametrize(
    ("texts", "options", "param"),
    [
        ([], {}, "texts"),
        (5, {}, "texts"),
        (b"x", {}, "texts"),
        (["a", ""], {}, "texts[1]"),
        ([1], {}, "texts[0]"),
        (["a"], {"dimensions": 0}, "dimensions"),
        (["a"], {"dimensions": True}, "dimensions"),
    ],
)
def test_what_is_no_text_is_named(texts: Any, options: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Client(model=Lengths).embed(texts, **options)

    assert caught.value.param == param


def test_a_class_must_be_registered_first() -> None:
    with pytest.raises(NotRegistered):
        Client(config_list=[{"model": "m", "model_client_cls": "Mine"}]).embed(["a"])


def test_a_servers_model_gives_its_vectors_over_the_wire_and_its_refusals() -> None:
    with running(create_app([as_model(Lengths), as_model(reply, name="talks")])) as port:
        with Client(model=f"remote:http://127.0.0.1:{port}/lengths", timeout=10) as client:
            assert client.embed(["a", "bcd"], dimensions=3) == [[1.0] * 3, [3.0] * 3]
        with Client(model=f"remote:http://127.0.0.1:{port}/talks") as client, pytest.raises(UnsupportedField) as caught:
            client.embed(["a"])

    assert "'talks' gives no vectors" in caught.value.message
