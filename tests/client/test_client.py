"""The client: entries, answers, errors."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from modelport.client import Answer, Client
from modelport.errors import (
    AllModelsFailed,
    ConfigError,
    InvalidRequest,
    ModelError,
    ModelTimeout,
    NotRegistered,
    UnknownModelClient,
    UnsupportedField,
)
from modelport.testing import ScriptedModel, reply
from modelport.types import Message, TextDelta

HI = [{"role": "user", "content": "hi"}]


class Mine:
    """A ModelClient that tells what it got."""

    def __init__(self, config: dict[str, Any], **kwargs: Any) -> None:
        self.config = config
        self.kwargs = kwargs
        self.asked: list[dict[str, Any]] = []

    def create(self, params: dict[str, Any]) -> Any:
        self.asked.append(params)
        message = SimpleNamespace(content=f"from {self.config['model']}", function_call=None)
        return SimpleNamespace(choices=[SimpleNamespace(message=message)], model=self.config["model"])

    def message_retrieval(self, response: Any) -> list[str]:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> float:
        return 0.25

    @staticmethod
    def get_usage(response: Any) -> dict[str, Any]:
        return {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "cost": 0.25, "model": response.model}


class Failing(Mine):
    def create(self, params: dict[str, Any]) -> Any:
        raise RuntimeError("out of memory")


def entry(model: str, cls: str = "Mine", **fields: Any) -> dict[str, Any]:
    return {"model": model, "model_client_cls": cls, **fields}


def registered(*entries: dict[str, Any], **options: Any) -> Client:
    client = Client(config_list=list(entries), **options)
    for cls in (Mine, Failing):
        if any(each.get("model_client_cls") == cls.__name__ for each in entries):
            client.register_model_client(cls)
    return client


# --- one model ---


def test_a_function_answers() -> None:
    def parrot(messages: list[dict[str, str]]) -> str:
        return f"You said: {messages[-1]['content']}"

    answer = Client(model=parrot).create(messages=HI)

    assert isinstance(answer, Answer)
    assert (answer.text, answer.config_id, answer.pass_filter, answer.cost) == ("You said: hi", 0, True, None)
    assert answer.usage is not None
    assert answer.usage.estimated


def test_a_model_that_streams_answers() -> None:
    model = ScriptedModel(reply("a", "b"))

    assert Client(model=model).create(messages="hi").text == "ab"
    assert model.requests[0].messages[0] == Message("user", "hi")


def test_a_spec_names_a_model(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def reply(messages):\n    return 'from a file'\n")

    assert Client(model=f"{tmp_path}/mine.py:reply").create(messages=HI).text == "from a file"


def test_neither_or_both_of_list_and_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="a config_list or a model"):
        Client()
    with pytest.raises(ConfigError, match="a config_list or a model"):
        Client([entry("a")], model=print)
    with pytest.raises(ConfigError, match="empty"):
        Client([])


def test_a_request_that_is_wrong_names_its_field() -> None:
    client = Client(model=ScriptedModel(reply("yes")))

    with pytest.raises(InvalidRequest, match="messages is missing"):
        client.create()
    with pytest.raises(InvalidRequest, match="temperature") as caught:
        client.create(messages=HI, temperature=9)
    assert caught.value.param == "temperature"


def test_a_field_that_the_model_does_not_keep_is_refused_by_name() -> None:
    client = Client(model=lambda messages: "hi")

    with pytest.raises(UnsupportedField, match="logprobs"):
        client.create(messages=HI, logprobs=True)
    with pytest.raises(UnsupportedField, match="sausage"):
        client.create(messages=HI, sausage=1)


# --- registered classes ---


def test_an_entrys_fields_reach_the_constructor_and_the_request() -> None:
    client = Client(config_list=[entry("a", device="cuda", temperature=0.5)])
    weights = threading.Lock()  # cannot be copied or pickled
    seen: list[Mine] = []

    class Noted(Mine):
        def __init__(self, config: dict[str, Any], **kwargs: Any) -> None:
            super().__init__(config, **kwargs)
            seen.append(self)

    Noted.__name__ = "Mine"
    client.register_model_client(Noted, weights=weights)
    client.create(messages=HI, max_tokens=9)

    [mine] = seen
    assert (mine.config["device"], mine.kwargs["weights"]) == ("cuda", weights)
    assert (mine.asked[0]["temperature"], mine.asked[0]["max_tokens"]) == (0.5, 9)
    assert mine.asked[0]["messages"] == HI
    assert mine.asked[0]["messages"][0] is HI[0]


def test_the_call_comes_before_the_entry() -> None:
    model = ScriptedModel(reply("yes"))
    client = Client([{"model": model, "temperature": 0.5}], seed=7)

    client.create(messages=HI, temperature=0.0)

    assert (model.requests[0].temperature, model.requests[0].seed) == (0.0, 7)


def test_one_registration_fills_every_entry_that_names_the_class() -> None:
    client = registered(entry("a", "Failing"), entry("b"), entry("c"))

    answer = client.create(messages=HI)

    assert (answer.text, answer.config_id, answer.model) == ("from b", 1, "b")


def test_a_class_that_no_entry_names_is_refused_with_those_named() -> None:
    client = Client([entry("a", "Theirs"), entry("b", "Others")])

    with pytest.raises(UnknownModelClient, match="Others, Theirs") as caught:
        client.register_model_client(Mine)
    assert isinstance(caught.value, ValueError)


def test_a_call_before_every_class_is_registered_says_which_are_missing() -> None:
    client = Client([entry("a"), entry("b", "Theirs")])
    client.register_model_client(Mine)

    with pytest.raises(NotRegistered, match="not registered yet: Theirs") as caught:
        client.create(messages=HI)
    assert isinstance(caught.value, RuntimeError)


def test_a_class_itself_needs_no_registration() -> None:
    assert Client([{"model": "a", "model_client_cls": Mine}]).create(messages=HI).text == "from a"


def test_the_users_response_is_given_by_reference() -> None:
    answer = registered(entry("a")).create(messages=HI)

    assert isinstance(answer.raw, SimpleNamespace)
    assert answer.raw.choices[0].message.content == "from a"
    assert answer.cost == 0.25


def test_an_address_of_an_api_is_refused_by_name_until_there_is_a_provider() -> None:
    with pytest.raises(ConfigError, match="openai"):
        Client([{"model": "gpt-4o", "base_url": "https://api.openai.com/v1", "api_key": "sk-x"}])


@pytest.mark.parametrize("name", ["stream", "context", "agent"])
def test_what_belongs_to_a_call_is_refused_in_an_entry(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Client([{**entry("a"), name: {"x": 1}}])


# --- fallback and filters ---


def test_all_errors_are_in_the_one_raised() -> None:
    client = registered(entry("a", "Failing"), entry("b", "Failing"))

    with pytest.raises(AllModelsFailed, match="out of memory") as caught:
        client.create(messages=HI)

    labels = [label for label, _ in caught.value.errors]
    assert labels == ["config_list[0] (Failing)", "config_list[1] (Failing)"]
    assert caught.value.__cause__ is caught.value.errors[1][1]


def test_the_only_entrys_error_is_raised_as_it_is() -> None:
    with pytest.raises(ModelError, match="out of memory") as caught:
        registered(entry("a", "Failing")).create(messages=HI)

    assert isinstance(caught.value.__cause__, RuntimeError)


def test_fallback_on_narrows() -> None:
    entries = entry("a", "Failing"), entry("b")

    assert registered(*entries, fallback_on=RuntimeError).create(messages=HI).config_id == 1
    with pytest.raises(ModelError, match="out of memory"):
        registered(*entries, fallback_on=KeyError).create(messages=HI)


@given(works=st.lists(st.sampled_from(["good", "rejected", "raises"]), min_size=1, max_size=5))
def test_the_first_that_answers_and_pleases_is_given(works: list[str]) -> None:
    scripts: dict[str, Any] = {"good": reply("good"), "rejected": reply("rejected"), "raises": [ModelError("raises")]}
    client = Client([{"model": ScriptedModel(scripts[each])} for each in works])

    def ask() -> Answer:
        return client.create(messages=HI, filter_func=lambda context, response: response.text == "good")

    if "good" in works:
        answer = ask()
        assert (answer.config_id, answer.pass_filter) == (works.index("good"), True)
    elif works[-1] == "rejected":
        answer = ask()
        assert (answer.config_id, answer.pass_filter, answer.text) == (len(works) - 1, False, "rejected")
    else:
        with pytest.raises(ModelError):
            ask()


def test_a_filter_sees_the_context_and_the_response() -> None:
    seen: list[Any] = []
    client = Client(model=ScriptedModel(reply("yes")))

    def keep(context: Any, response: Any) -> bool:
        seen.append((context, client.extract_text_or_completion_object(response)))
        return True

    client.create(messages=HI, context={"k": 1}, filter_func=keep)

    assert seen == [({"k": 1}, ["yes"])]


def test_templates_are_filled_from_the_context() -> None:
    model = ScriptedModel(reply("yes"))
    client = Client(model=model)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": lambda context: context["name"].upper()},
        {"role": "user", "content": "hi {name}"},
    ]

    client.create(messages=messages, context={"name": "ada"}, allow_format_str_template=True)
    client.create(messages=HI, context={"name": "ada"})

    assert [message.content for message in model.requests[0].messages] == ["ADA", "hi ada"]
    assert messages[1]["content"] == "hi {name}"
    with pytest.raises(InvalidRequest, match="the context has 'x'"):
        client.create(
            messages=[{"role": "user", "content": "{name}"}], context={"x": 1}, allow_format_str_template=True
        )


def test_an_entrys_own_filter_is_its_own() -> None:
    picky = {"model": ScriptedModel(reply("a")), "filter_func": lambda context, response: False}

    assert Client([picky, {"model": ScriptedModel(reply("b"))}]).create(messages=HI).text == "b"


# --- wrappers of an entry ---


def test_retries_and_time_outs_are_the_entrys() -> None:
    never = threading.Event()

    def hangs(messages: list[dict[str, str]]) -> str:
        never.wait()
        return "late"

    with pytest.raises(ModelTimeout, match="hangs"):
        Client(model=hangs, timeout=0.05).create(messages=HI)
    never.set()


@pytest.mark.parametrize("field", ["timeout", "api_rate_limit", "max_concurrency", "price"])
def test_a_wrong_field_of_an_entry_is_refused_by_name(field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        Client([{**entry("a"), field: -1}])


# --- async, streaming, loops ---


async def areply(messages: list[dict[str, str]]) -> str:
    await asyncio.sleep(0)
    return f"async {messages[-1]['content']}"


def pieces(messages: list[dict[str, str]]) -> Iterator[str]:
    yield from ("to", "be", "continued")


async def apieces(messages: list[dict[str, str]]) -> AsyncIterator[str]:
    for piece in ("to", "be", "continued"):
        await asyncio.sleep(0)
        yield piece


@pytest.mark.parametrize("model", [areply, lambda messages: "async hi"])
async def test_sync_and_async_calls_serve_both_kinds_of_model_in_a_running_loop(model: Any) -> None:
    client = Client(model=model)

    assert (await client.acreate(messages=HI)).text == "async hi"
    assert (await asyncio.to_thread(client.create, messages=HI)).text == "async hi"


def test_a_blocking_call_inside_a_running_loop_is_answered() -> None:
    client = Client(model=areply)

    async def notebook() -> str:
        return client.create(messages=HI).text

    assert asyncio.run(notebook()) == "async hi"


async def test_a_hundred_calls_at_once_are_answered() -> None:
    client = Client(model=areply)

    answers = await asyncio.gather(*(client.acreate(messages=str(number)) for number in range(100)))

    assert [answer.text for answer in answers] == [f"async {number}" for number in range(100)]
    assert client.actual_usage_summary is not None
    assert client.actual_usage_summary["areply"]["answers"] == 100


@pytest.mark.parametrize("model", [pieces, apieces])
def test_a_stream_is_chunks_with_text_and_a_whole_answer_at_the_end(model: Any) -> None:
    client = Client(model=model)

    stream = client.create(messages=HI, stream=True)
    texts = [chunk.text for chunk in stream]

    assert [text for text in texts if text] == ["to", "be", "continued"]
    assert stream.response.text == "tobecontinued"
    assert stream.response.usage is not None
    assert stream.response.entry == "config_list[0] (" + model.__name__ + ")"


@pytest.mark.parametrize("model", [pieces, apieces])
async def test_an_async_stream_is_the_same(model: Any) -> None:
    stream = await Client(model=model).acreate(messages=HI, stream=True)

    chunks = [chunk async for chunk in stream]

    assert "".join(chunk.text for chunk in chunks) == stream.response.text == "tobecontinued"
    assert chunks[-1].usage is not None
    assert chunks[-2].finish_reason == "stop"


async def test_leaving_a_stream_early_frees_the_model_and_keeps_what_came() -> None:
    model = ScriptedModel(reply("a", "b", "c"))
    client = Client(model=model)

    async with await client.acreate(messages=HI, stream=True) as stream:
        assert (await anext(stream)).text == "a"
        assert model.open == 1
    assert model.open == 0
    assert stream.response.text == "a"

    with client.create(messages=HI, stream=True) as blocking:
        assert next(blocking).text == "a"
    assert model.open == 0
    assert client.actual_usage_summary is not None
    assert client.actual_usage_summary["scripted"]["answers"] == 2


def test_a_stream_falls_back_before_its_first_delta_only() -> None:
    half = ScriptedModel([TextDelta("par"), ModelError("lost")])
    client = Client(
        [{"model": ScriptedModel([ModelError("no")])}, {"model": half}, {"model": ScriptedModel(reply("x"))}]
    )

    stream = client.create(messages=HI, stream=True)

    assert next(stream).text == "par"
    with pytest.raises(ModelError, match="lost"):
        next(stream)
    assert stream.response.config_id == 1


def test_threads_may_share_a_client() -> None:
    client = registered(entry("a"), cache="memory")
    texts: list[str] = []

    def work() -> None:
        texts.extend(client.create(messages=str(number)).text for number in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert texts == ["from a"] * 200
    assert client.total_usage_summary is not None
    assert client.total_usage_summary["a"]["answers"] == 200


def test_ctrl_c_stops_a_call_at_once() -> None:
    code = (
        "import asyncio, os, signal, threading, time\n"
        "from modelport.client import Client\n"
        "async def hangs(messages):\n"
        "    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    await asyncio.sleep(60)\n"
        "begun = time.monotonic()\n"
        "try:\n"
        "    Client(model=hangs).create(messages='hi')\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped', time.monotonic() - begun < 10)\n"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60).strip() == "stopped True"


def test_a_first_answer_of_a_functions_loads_little() -> None:
    code = (
        "import sys; from modelport import Client; Client(model=lambda messages: 'hi').create(messages='hi')\n"
        "heavy = {'asyncio', 'sqlite3', 'numpy', 'genai_prices'} & set(sys.modules); print(len(sys.modules), heavy)"
    )

    count, heavy = subprocess.check_output([sys.executable, "-c", code], text=True).split(" ", 1)

    assert int(count) <= 350
    assert heavy.strip() == "set()"


def test_a_model_is_asked_for_one_answer_by_one_call() -> None:
    class Counting(ScriptedModel):
        streams = 0

        def stream(self, request: Any) -> Any:
            type(self).streams += 1
            return super().stream(request)

    Client(model=Counting(reply("hello"))).create(messages=HI)

    assert Counting.streams == 1
