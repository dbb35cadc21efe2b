"""Answers that must please, and defaults."""

import pytest

from modelport.errors import AllModelsFailed
from modelport.model import generate
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, messages_from
from modelport.wrappers.defaulting import Defaulting
from modelport.wrappers.fallback import Fallback
from modelport.wrappers.filtering import AnswerRejected, Filtering

ASK = ChatRequest(messages=messages_from("hi"))


async def test_an_answer_that_pleases_is_given() -> None:
    model = Filtering(ScriptedModel(reply("y", "es")), lambda response: response.text == "yes")

    assert (await generate(model, ASK)).text == "yes"


async def test_an_answer_that_does_not_is_kept_in_the_error() -> None:
    inner = ScriptedModel(reply("no"))

    with pytest.raises(AnswerRejected) as caught:
        await generate(Filtering(inner, lambda response: False), ASK)

    assert caught.value.response is not None
    assert caught.value.response.text == "no"
    assert inner.open == 0


async def test_nothing_of_a_rejected_answer_keeps_the_next_model_from_being_tried() -> None:
    models = [
        (text, Filtering(ScriptedModel(reply(text)), lambda response: response.text == "b")) for text in ("a", "b")
    ]

    assert (await generate(Fallback(models), ASK)).text == "b"
    with pytest.raises(AllModelsFailed):
        await generate(Fallback([models[0], models[0]]), ASK)


async def test_defaults_fill_what_a_request_leaves_open() -> None:
    inner = ScriptedModel(reply("yes"))
    model = Defaulting(inner, {"temperature": 0.5, "model": "m"})

    await generate(model, ASK)
    await generate(model, ChatRequest(messages=ASK.messages, temperature=0.0))

    assert [(each.temperature, each.model) for each in inner.requests] == [(0.5, "m"), (0.0, "m")]
