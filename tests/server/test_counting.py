"""``count_tokens``: a model's own count, on the loop, in a thread and in a worker; an estimate where there is none."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelport import as_model
from modelport.errors import ContractBroken
from modelport.model import Model, counts
from modelport.server import create_app
from modelport.types import ChatRequest, Message, TextDelta
from modelport.types.counting import count_from, count_request
from modelport.workers import WorkerModel
from tests.server.helpers import Answer, ask

COUNT = "/v1/messages/count_tokens"
SOURCE = """
class Counting:
    name = "counting"

    def stream(self, request):
        yield "hi"

    def count_tokens(self, request):
        return len(request.messages[-1].text.split()) + 10 * len(request.tools or ())

    def generate_batch(self, requests):
        return ["hi"] * len(requests)
"""


class Counting:
    name = "counting"

    def stream(self, request: ChatRequest) -> Iterator[TextDelta]:
        yield TextDelta("hi")

    def count_tokens(self, request: ChatRequest) -> Any:
        return len(request.messages[-1].text.split()) + 10 * len(request.tools or ())


class Waiting(Counting):
    async def count_tokens(self, request: ChatRequest) -> Any:
        return 7


class OfATextOnly(Counting):
    def count_tokens(self, text: str) -> int:  # type: ignore[override]
        raise AssertionError(text)


async def counted(model: Model, **fields: Any) -> Answer:
    body = {"messages": [{"role": "user", "content": "one two three"}], **fields}
    return await ask(create_app([model]), path=COUNT, body=json.dumps(body).encode())


async def test_a_models_own_count_is_given_and_is_no_estimate() -> None:
    tool = {"name": "f", "input_schema": {"type": "object"}}

    plain = await counted(as_model(Counting))
    tooled = await counted(as_model(Counting), tools=[tool])
    waited = await counted(as_model(Waiting))

    assert [plain.json, tooled.json, waited.json] == [{"input_tokens": 3}, {"input_tokens": 13}, {"input_tokens": 7}]


async def test_what_counts_something_else_is_let_be_and_the_count_estimated() -> None:
    answer = await counted(as_model(OfATextOnly))

    assert answer.json["modelport"] == {"usage_estimated": True}


@pytest.fixture
def worker(tmp_path: Path) -> WorkerModel:
    file = tmp_path / "counting.py"
    file.write_text(SOURCE, encoding="utf-8")
    return WorkerModel.load(f"{file}:Counting")


async def test_a_model_in_a_worker_counts_there(worker: WorkerModel) -> None:
    try:
        answer = await counted(worker)
    finally:
        await worker.aclose()

    assert counts(worker)
    assert answer.json == {"input_tokens": 3}


@pytest.mark.parametrize("given", [-1, "three", None, True, 1.5])
async def test_what_is_no_count_is_told(given: Any) -> None:
    class Odd(Counting):
        def count_tokens(self, request: ChatRequest) -> Any:
            return given

    answer = await counted(as_model(Odd))

    assert answer.status == 502
    assert "Odd.count_tokens()" in answer.error["message"]


def test_an_answer_that_is_no_count_is_none() -> None:
    with pytest.raises(ContractBroken, match="how many tokens"):
        count_from([TextDelta("hi")])
    assert count_request(ChatRequest(messages=(Message("user", "x"),))).extra is not None
