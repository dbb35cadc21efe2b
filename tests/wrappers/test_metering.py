"""Tokens and costs."""

import pytest
from hypothesis import given, strategies as st

from modelport.errors import ModelError
from modelport.model import generate
from modelport.testing import ScriptedModel, reply
from modelport.types import (
    ChatRequest,
    Event,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    messages_from,
    request_from_params,
)
from modelport.wrappers.metering import Metering, estimate_tokens

ASK = ChatRequest(messages=messages_from([{"role": "user", "content": "x" * 400}]))


async def usage_of(*events: Event, **options: object) -> Usage:
    response = await generate(Metering(ScriptedModel(list(events)), **options), ASK)  # type: ignore[arg-type]
    assert response.usage is not None
    return response.usage


async def test_the_models_own_counts_are_kept() -> None:
    usage = await usage_of(*reply("hi"), Usage(10, 20, cost=0.5))

    assert usage == Usage(10, 20, cost=0.5)


async def test_what_was_not_counted_is_estimated_and_says_so() -> None:
    usage = await usage_of(*reply("y" * 40))

    assert usage == Usage(104, 10, estimated=True)


async def test_an_unknown_cost_is_none_and_not_nothing() -> None:
    assert (await usage_of(*reply("hi"))).cost is None


async def test_the_users_price_wins_over_all_others() -> None:
    usage = await usage_of(
        *reply("hi"), Usage(1000, 2000, cost=99.0), price=(0.5, 0.25), lookup=lambda name: (7.0, 7.0)
    )

    assert usage.cost == pytest.approx(1.0)


async def test_a_listed_price_is_taken_where_there_is_no_other() -> None:
    names: list[str] = []

    def lookup(name: str) -> tuple[float, float]:
        names.append(name)
        return 1.0, 2.0

    usage = await usage_of(Started(model="gpt-9"), *reply("hi"), Usage(1000, 1000), lookup=lookup)

    assert usage.cost == pytest.approx(3.0)
    assert names == ["gpt-9"]


async def test_a_total_alone_is_kept_and_priced_where_both_prices_are_the_same() -> None:
    usage = await usage_of(*reply("hi"), Usage(total_tokens=500), price=(2.0, 2.0))

    assert usage == Usage(total_tokens=500, cost=1.0)


async def test_a_total_alone_is_divided_by_estimate_where_prices_differ() -> None:
    usage = await usage_of(*reply("hi"), Usage(total_tokens=504), price=(1.0, 2.0))

    assert (usage.prompt_tokens, usage.completion_tokens, usage.estimated) == (104, 400, True)
    assert usage.cost == pytest.approx(0.904)


async def test_an_answer_that_fails_half_way_is_still_recorded() -> None:
    records: list[tuple[str, Usage, bool]] = []
    model = ScriptedModel([Started(model="m"), TextDelta("para"), ModelError("lost")])

    with pytest.raises(ModelError):
        await generate(Metering(model, record=lambda *record: records.append(record)), ASK)

    assert records == [("m", Usage(104, 1, estimated=True), False)]


async def test_each_answer_is_recorded_once() -> None:
    records: list[tuple[str, Usage, bool]] = []
    model = Metering(ScriptedModel([Started(cached=True), *reply("hi")]), record=lambda *each: records.append(each))

    async with model.stream(ASK) as events:
        assert [type(event).__name__ async for event in events][-1] == "Usage"

    assert [record[2] for record in records] == [True]


async def test_thoughts_and_calls_are_counted_too() -> None:
    usage = await usage_of(ToolCallDelta(index=0, id="1", name="f" * 4, arguments="x" * 8))

    assert usage.completion_tokens == 3


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_both_ways_of_counting_a_prompt_agree(texts: list[str]) -> None:
    dicts = [{"role": "user", "content": text} for text in texts]

    quick = estimate_tokens(request_from_params({"messages": dicts}))
    slow = estimate_tokens(ChatRequest(messages=tuple(messages_from(dicts))))

    assert quick == slow


def test_images_and_tools_count() -> None:
    plain = request_from_params({"messages": [{"role": "user", "content": ["look"]}]})
    image = request_from_params({"messages": [{"role": "user", "content": ["look", b"\x89PNG"]}]})
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    tooled = request_from_params({"messages": [{"role": "user", "content": ["look"]}], "tools": tools})

    assert estimate_tokens(image) > estimate_tokens(plain)
    assert estimate_tokens(tooled) > estimate_tokens(plain)


async def test_a_total_is_divided_by_estimate_for_readers_who_need_its_parts() -> None:
    usage = await usage_of(*reply("hello"), Usage(total_tokens=120), split=True)

    assert usage == Usage(104, 16, total_tokens=120, estimated=True)


def test_messages_that_only_the_users_class_can_read_are_estimated_all_the_same() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}  # Mistral's have no id
    request = request_from_params({"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]})

    assert estimate_tokens(request) > 10
