"""What clients write to the run's log: AutoGen's wrapper every entry that was asked, as AutoGen does."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from anyio import to_thread

from modelport.client import Client
from modelport.client.openai_wrapper import OpenAIWrapper
from modelport.errors import ModelportError
from modelport.storage import runtime_log

HI = [{"role": "user", "content": "hi"}]
KEY = "sk-0123456789abcdef"


class Answering:
    """Gives the same answer always, at half a dollar."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def create(self, params: Any) -> Any:
        message = SimpleNamespace(content="hello", function_call=None)
        return SimpleNamespace(model="m", choices=[SimpleNamespace(message=message)])

    def message_retrieval(self, response: Any) -> list[str]:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> float:
        return 0.5

    @staticmethod
    def get_usage(response: Any) -> dict[str, Any]:
        return {}


class Failing(Answering):
    """Has no memory left, and says too much."""

    def create(self, params: Any) -> Any:
        raise RuntimeError(f"out of memory, with {KEY}")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    runtime_log.stop()


def wrapper(*classes: type) -> OpenAIWrapper:
    made = OpenAIWrapper(config_list=[{"model": "m", "model_client_cls": c.__name__, "api_key": KEY} for c in classes])
    for cls in classes:
        made.register_model_client(cls)
    return made


def logged(table: str) -> list[dict[str, Any]]:
    connection = runtime_log.get_connection()
    assert connection is not None
    cursor = connection.execute(f"SELECT * FROM {table}")
    return [dict(zip([column[0] for column in cursor.description], row, strict=True)) for row in cursor]


def test_every_answer_is_logged_with_its_agent_and_whether_it_was_cached() -> None:
    runtime_log.start()
    client = wrapper(Answering)

    client.create(messages=HI, agent=SimpleNamespace(name="bob"))
    client.create(messages=HI)

    rows = logged("chat_completions")
    assert [(row["source_name"], row["is_cached"], row["cost"]) for row in rows] == [
        ("bob", 0, 0.5),
        ("unknown", 1, 0.5),
    ]
    assert {row["wrapper_id"] for row in rows} == {client.wrapper_id}
    assert len({row["invocation_id"] for row in rows}) == 2
    assert json.loads(rows[0]["request"])["messages"] == HI
    assert json.loads(rows[0]["response"])["choices"][0]["message"]["content"] == "hello"


@pytest.fixture
def _session() -> None:
    runtime_log.start()


@pytest.mark.usefixtures("_session")
async def test_an_entry_that_fails_is_logged_in_the_same_invocation() -> None:
    client = wrapper(Failing, Answering)

    await client.acreate(messages=HI)

    failed, answered = await to_thread.run_sync(logged, "chat_completions")
    assert json.loads(failed["response"]) == {"response": "RuntimeError: out of memory, with ***"}
    assert failed["invocation_id"] == answered["invocation_id"]
    assert failed["client_id"] != answered["client_id"]


def test_wrappers_and_clients_are_logged_when_they_are_made_and_never_their_keys() -> None:
    runtime_log.start()

    client = wrapper(Answering)

    [made] = logged("oai_wrappers")
    [registered] = logged("oai_clients")
    assert made["wrapper_id"] == registered["wrapper_id"] == client.wrapper_id
    assert registered["class"] == "Answering"
    assert json.loads(registered["init_args"]) == {"model": "m", "model_client_cls": "Answering"}
    runtime_log.stop()
    assert KEY.encode() not in Path("logs.db").read_bytes()


def test_the_native_clients_answers_are_logged_too() -> None:
    runtime_log.start()
    client = Client(model=lambda messages, **params: "hello")

    client.create(messages=HI, agent=SimpleNamespace(name="bob"), temperature=0)
    with pytest.raises(ModelportError):
        client.create(messages="hi", temperature="hot")

    answered, failed = logged("chat_completions")
    assert (answered["source_name"], answered["client_id"], answered["is_cached"]) == ("bob", id(client), 0)
    assert json.loads(answered["request"]) == {"messages": HI, "temperature": 0}
    said = json.loads(answered["response"])
    assert said["choices"][0]["message"]["content"] == "hello"
    assert said["usage"]["completion_tokens"] == 2
    assert "temperature" in json.loads(failed["response"])["response"]


@pytest.mark.usefixtures("_session")
async def test_the_native_clients_answers_are_logged_on_a_loop() -> None:
    client = Client(model=lambda messages, **params: "hello")

    await client.acreate(messages=HI)

    [answered] = await to_thread.run_sync(logged, "chat_completions")
    assert json.loads(answered["response"])["model"]


def test_nothing_is_logged_without_a_session() -> None:
    assert wrapper(Answering).create(messages=HI).model == "m"

    assert not Path("logs.db").exists()
