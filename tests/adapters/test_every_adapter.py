"""What every adapter promises, each promise one test over all of them, for blocking code and for async."""

import asyncio
import threading
from types import SimpleNamespace as Object
from typing import Any

import pytest

from modelport import as_model, generate
from modelport.conformance import examine
from modelport.errors import ModelError, ModelTimeout
from modelport.model import Model, accepts, identity, suspends
from modelport.sync import iterate, run
from modelport.types import (
    ChatRequest,
    Emulated,
    Event,
    Finish,
    ReasoningDelta,
    ResponseBuilder,
    Started,
    TextDelta,
    ToolCallDelta,
    Usage,
    request_from_params,
)
from modelport.wrappers.deadline import Deadline

EVENTS = (Started, TextDelta, ReasoningDelta, ToolCallDelta, Finish, Usage, Emulated)


def echo(messages: Any) -> str:
    return f"you said: {messages[-1]['content']}"


async def echo_later(messages: Any) -> str:
    await asyncio.sleep(0)
    return echo(messages)


def echo_in_pieces(messages: Any) -> Any:
    yield "you said: "
    yield messages[-1]["content"]


async def echo_in_pieces_later(messages: Any) -> Any:
    for piece in echo_in_pieces(messages):
        await asyncio.sleep(0)
        yield piece


class Client:
    def create(self, params: Any) -> Any:
        choice = Object(message=Object(content=echo(params["messages"]), function_call=None))
        return Object(choices=[choice] * params.get("n", 1), model="client")

    def message_retrieval(self, response: Any) -> Any:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> float:
        return 0

    def get_usage(self, response: Any) -> Any:
        return {}


class AsyncClient(Client):
    async def create(self, params: Any) -> Any:
        await asyncio.sleep(0)
        return super().create(params)


class Studio:
    name = "studio"

    def compose_messages(self, intermedia_msg: Any) -> Any:
        return intermedia_msg

    def generate_response(self, messages: Any, **kwargs: Any) -> Any:
        return echo(messages), {"total_tokens": 3}


class AsyncStudio(Studio):
    async def generate_response(self, messages: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return super().generate_response(messages)


class SyncNative:
    name = "sync native"

    def stream(self, request: ChatRequest) -> Any:
        yield "you said: "
        yield TextDelta(request.messages[-1].text)


class AsyncNative:
    name = "async native"

    async def stream(self, request: ChatRequest) -> Any:
        for piece in SyncNative().stream(request):
            await asyncio.sleep(0)
            yield piece


THINGS = {
    "function": echo,
    "async function": echo_later,
    "generator": echo_in_pieces,
    "async generator": echo_in_pieces_later,
    "ModelClient": Client,
    "async ModelClient": AsyncClient,
    "AgentStudio": Studio,
    "async AgentStudio": AsyncStudio,
    "native": SyncNative,
    "async native": AsyncNative,
}
every_adapter = pytest.mark.parametrize("model", [as_model(thing) for thing in THINGS.values()], ids=THINGS)


def asking(text: str = "hello", **fields: Any) -> ChatRequest:
    return request_from_params({"messages": [{"role": "user", "content": text}], **fields})


def failing(thing: Any, error: BaseException) -> Any:
    """The same kind of thing, whose own code raises."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    if not isinstance(thing, type):
        return fail
    method = next(name for name in ("create", "generate_response", "stream") if hasattr(thing, name))
    return type("Failing", (thing,), {method: fail})


@every_adapter
def test_every_adapter_answers_blocking_callers(model: Model) -> None:
    assert run(generate(model, asking()), suspends=suspends(model)).text == "you said: hello"


@every_adapter
async def test_every_adapter_answers_on_an_event_loop(model: Model) -> None:
    assert (await generate(model, asking())).text == "you said: hello"


@every_adapter
async def test_every_adapter_answers_many_at_once_each_its_own(model: Model) -> None:
    answers = await asyncio.gather(*[generate(model, asking(f"number {number}")) for number in range(20)])

    assert [answer.text for answer in answers] == [f"you said: number {number}" for number in range(20)]


@every_adapter
def test_every_adapter_answers_several_threads_at_once_each_its_own(model: Model) -> None:
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        answer = run(generate(model, asking(f"number {number}")), suspends=suspends(model))
        answers[number] = answer.text

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {number: f"you said: number {number}" for number in range(8)}


@every_adapter
def test_every_adapter_gives_events_and_ends_each_choice_once(model: Model) -> None:
    events: list[Event] = list(iterate(model.stream(asking()), suspends=suspends(model)))

    assert all(isinstance(event, EVENTS) for event in events)
    assert [event for event in events if isinstance(event, Finish)] == [Finish()]


@every_adapter
def test_every_adapters_pieces_fold_to_its_whole_answer(model: Model) -> None:
    builder = ResponseBuilder(model.name)
    events: list[Event] = list(iterate(model.stream(asking()), suspends=suspends(model)))
    for event in events:
        builder.add(event)
    whole = run(generate(model, asking()), suspends=suspends(model))

    assert builder.response().choices == whole.choices
    assert builder.response().usage == whole.usage


@every_adapter
async def test_every_adapter_may_be_left_before_its_answer_ends(model: Model) -> None:
    async with model.stream(asking()) as events:
        await anext(events)

    assert (await generate(model, asking())).text == "you said: hello"


@every_adapter
def test_every_adapter_may_be_asked_and_then_not_entered(model: Model) -> None:
    model.stream(asking())  # would warn of a coroutine that was never awaited, and warnings are errors


@every_adapter
def test_every_adapter_leaves_the_callers_messages_as_they_were(model: Model) -> None:
    given = [{"role": "user", "content": "hello", "mark": [1]}]

    run(generate(model, request_from_params({"messages": given})), suspends=suspends(model))

    assert given == [{"role": "user", "content": "hello", "mark": [1]}]


@every_adapter
def test_every_adapter_says_what_it_keeps_and_never_what_it_cannot_be_trusted_with(model: Model) -> None:
    fields = accepts(model)

    assert fields is not None
    assert fields.isdisjoint({"stop", "response_format", "logprobs", "top_logprobs"})


@every_adapter
def test_every_adapter_has_an_identity_that_stays_and_names_it(model: Model) -> None:
    assert identity(model) == identity(model)
    assert identity(model).startswith(f"{model.name}@")


@every_adapter
def test_every_adapter_is_a_model_and_is_given_back_as_it_is(model: Model) -> None:
    assert isinstance(model, Model)
    assert as_model(model) is model


@every_adapter
def test_every_adapter_keeps_its_contract(model: Model) -> None:
    assert examine(model, timeout=10).broken == ()


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_every_adapter_names_where_the_users_code_failed_with_its_error_as_the_cause(thing: Any) -> None:
    boom = RuntimeError("no weights")
    model = as_model(failing(thing, boom))

    with pytest.raises(ModelError) as caught:
        run(generate(model, asking()), suspends=suspends(model))

    assert caught.value.__cause__ is boom
    assert str(caught.value).endswith("() raised RuntimeError: no weights")


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
async def test_every_adapter_does_so_on_an_event_loop_too(thing: Any) -> None:
    boom = RuntimeError("no weights")

    with pytest.raises(ModelError) as caught:
        await generate(as_model(failing(thing, boom)), asking())

    assert caught.value.__cause__ is boom


@pytest.mark.parametrize("name", THINGS)
def test_every_adapter_that_hangs_is_given_up_at_its_deadline(name: str) -> None:
    thing: Any = THINGS[name]
    woken = threading.Event()

    def hang(*args: Any, **kwargs: Any) -> None:
        woken.wait(15)

    async def hang_later(*args: Any, **kwargs: Any) -> None:
        await asyncio.Event().wait()

    hanging = hang_later if name.startswith("async") else hang
    if isinstance(thing, type) and "native" not in name:
        method = next(each for each in ("create", "generate_response") if hasattr(thing, each))
        thing = type("Hanging", (thing,), {method: hanging})
    else:
        thing = _hanging_in_pieces(hanging) if "native" in name else hanging
    model = Deadline(as_model(thing, name="sleeper"), 0.05)

    with pytest.raises(ModelTimeout) as caught:
        run(generate(model, asking()), suspends=True)
    woken.set()

    assert str(caught.value) == (
        "sleeper did not answer within 0.05 s: raise the entry's timeout, or ask for less (max_tokens)"
    )


def _hanging_in_pieces(hanging: Any) -> Any:
    def pieces(self: Any, request: ChatRequest) -> Any:
        yield "so far"
        yield hanging()

    async def pieces_later(self: Any, request: ChatRequest) -> Any:
        yield "so far"
        yield await hanging()

    is_async = asyncio.iscoroutinefunction(hanging)
    return type("Hanging", (), {"name": "hanging", "stream": pieces_later if is_async else pieces})


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_no_adapter_takes_an_interrupt_for_a_failure(thing: Any) -> None:
    model = as_model(failing(thing, KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        list(iterate(model.stream(asking()), suspends=False))


@pytest.mark.parametrize("suspends", [False, True])
@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_a_model_that_ends_the_program_fails_its_own_answer_and_no_more(thing: Any, suspends: bool) -> None:
    model = as_model(failing(thing, SystemExit(3)))

    with pytest.raises(ModelError, match=r"raised SystemExit: 3 \(a model must not end the program"):
        list(iterate(model.stream(asking()), suspends=suspends))
