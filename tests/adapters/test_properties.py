"""Whatever is said, called and counted comes through every adapter as it was."""

import json
from types import SimpleNamespace as Object
from typing import Any

from hypothesis import given, strategies as st

from modelport import as_model, generate
from modelport.adapters.intermediate import intermediate
from modelport.errors import ContractBroken, ModelError
from modelport.sync import iterate, run
from modelport.types import ChatResponse, Event, ResponseBuilder, messages_from, request_from_params

texts = st.text(max_size=40)
counts = st.none() | st.integers(0, 10**9)
calls = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text("abc123", min_size=1, max_size=8),
            "type": st.just("function"),
            "function": st.fixed_dictionaries({"name": st.text("abc", min_size=1), "arguments": texts}),
        }
    ),
    max_size=3,
)
messages = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": texts},
    optional={"tool_calls": calls, "reasoning_content": st.text(min_size=1, max_size=10)},
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=6,
)


def ask(thing: Any, **fields: Any) -> ChatResponse:
    return run(generate(as_model(thing), request_from_params({"messages": "hi", **fields})), suspends=False)


def as_object(value: Any) -> Any:
    if isinstance(value, dict):
        return Object(**{name: as_object(item) for name, item in value.items()})
    return [as_object(item) for item in value] if isinstance(value, list) else value


class Client:
    def __init__(self, response: Any) -> None:
        self.response = response

    def create(self, params: Any) -> Any:
        return self.response

    def message_retrieval(self, response: Any) -> Any:
        return [choice.message for choice in response.choices]


def check(choice: Any, message: Any) -> None:
    assert choice.message.text == message["content"]
    assert choice.message.reasoning == message.get("reasoning_content")
    given_calls = [(call["id"], call["function"]) for call in message.get("tool_calls", [])]
    kept = [(c.id, {"name": c.name, "arguments": c.arguments}) for c in choice.message.tool_calls or ()]
    assert kept == given_calls
    assert choice.finish_reason == ("tool_calls" if given_calls else "stop")


@given(st.lists(messages, min_size=1, max_size=3))
def test_a_response_is_read_alike_as_a_dict_and_as_an_object_by_every_contract(said: list[Any]) -> None:
    completion = {"choices": [{"message": message} for message in said], "model": "m"}

    for response in (completion, as_object(completion)):
        for thing in (Client(response), lambda messages, response=response: response):
            answer = ask(thing)
            assert len(answer.choices) == len(said)
            for choice, message in zip(answer.choices, said, strict=True):
                check(choice, message)


@given(messages)
def test_deltas_fold_to_the_message_that_they_were_cut_from(message: Any) -> None:
    def reply(messages: Any) -> Any:
        yield {"role": "assistant"}
        if "reasoning_content" in message:
            yield {"reasoning_content": message["reasoning_content"]}
        for character in message["content"]:
            yield {"content": character}
        for index, call in enumerate(message.get("tool_calls", [])):
            yield {"tool_calls": [{**call, "index": index, "function": {"name": call["function"]["name"]}}]}
            for character in call["function"]["arguments"]:
                yield {"tool_calls": [{"index": index, "function": {"arguments": character}}]}

    builder = ResponseBuilder("m")
    events: list[Event] = list(iterate(as_model(reply).stream(request_from_params({"messages": "x"})), suspends=False))
    for event in events:
        builder.add(event)

    check(builder.response().choices[0], message)


@given(prompt=counts, completion=counts, total=counts)
def test_tokens_come_through_every_contract_as_they_were_counted(
    prompt: int | None, completion: int | None, total: int | None
) -> None:
    info = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}

    class Counting(Client):
        def message_retrieval(self, response: Any) -> Any:
            return [response]

        def get_usage(self, response: Any) -> Any:
            return info

    class Studio:
        name = "studio"

        def compose_messages(self, intermedia_msg: Any) -> Any:
            return intermedia_msg

        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            return "x", info

    known = None if prompt is None or completion is None else prompt + completion
    for thing in (Counting("x"), Studio, lambda messages: ("x", info)):
        usage = ask(thing).usage
        assert usage is not None
        assert (usage.prompt_tokens, usage.completion_tokens) == (prompt, completion)
        assert usage.total == (known if total is None else total)


def outcome(thing: Any) -> str:
    try:
        answer = ask(thing)
    except ContractBroken as error:
        return "a broken contract" if "the contract asks for" in str(error) else str(error)
    except ModelError as error:
        return "an error of the user's" if error.__cause__ is not None and " raised " in str(error) else str(error)
    return "an answer" if answer.choices else "nothing"


@given(anything)
def test_whatever_a_users_code_returns_the_answer_is_an_answer_or_a_broken_contract(value: Any) -> None:
    class Studio:
        name = "studio"

        def compose_messages(self, intermedia_msg: Any) -> Any:
            return intermedia_msg

        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            return value

    class Native:
        name = "native"

        def stream(self, request: Any) -> Any:
            yield value

    def yielding(messages: Any) -> Any:
        yield value

    retrieving = type("Mine", (Client,), {"message_retrieval": lambda self, response: value})
    counting = type("Mine", (Client,), {"get_usage": lambda self, response: value})
    costing = type("Mine", (Client,), {"cost": lambda self, response: value})
    things = (Client(value), retrieving("x"), counting("x"), costing("x"), Studio, Native, yielding, lambda m: value)
    for thing in things:
        assert outcome(thing) in {"an answer", "a broken contract", "an error of the user's"}


@given(st.lists(st.lists(texts, max_size=3) | texts, min_size=1, max_size=4))
def test_agentstudios_messages_hold_every_piece_in_order_as_json(turns: list[Any]) -> None:
    given_turns = [
        {
            "role": "user",
            "content": [{"type": "text", "text": text} for text in turn] if isinstance(turn, list) else turn,
        }
        for turn in turns
    ]

    result = json.loads(json.dumps(intermediate(messages_from(given_turns))))

    pieces = [text for turn in turns for text in (turn if isinstance(turn, list) else [turn])]
    assert result == [{"role": "user", "content": text} for text in pieces]
