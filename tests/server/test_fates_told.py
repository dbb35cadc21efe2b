"""What the port did in a model's stead is told in every wire, in the answer and in its header; a new dialect joins."""

from typing import Any

import msgspec
import pytest

from modelport.dialects import Dialect
from modelport.server import Options, create_app
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, ChatResponse, Message, Usage, fold
from tests.dialects import test_fates as published
from tests.dialects.published import Published, fate_of
from tests.dialects.wires import DIALECTS, HI, WIRES, body_in
from tests.server.helpers import Answer, ask

PLAIN = ChatRequest(messages=(HI,))
EMULATIONS = (
    (("stop",), ChatRequest(messages=(HI,), stop=("END",))),
    (("role_rules.no_system",), ChatRequest(messages=(Message("system", "be"), HI))),
)
"""What is asked, and what is then told; a wire is asked for the first that it has a place for."""


class Stubborn(ScriptedModel):
    """Keeps no field but the one that a wire demands, and takes no system's message."""

    role_rules = ("no_system",)


def model() -> ScriptedModel:
    return Stubborn([*reply("one END two"), Usage(3, 5)], name="m", accepts=["max_tokens"])


def read(dialect: Any, answer: Answer, *, stream: bool) -> ChatResponse:
    if not stream:
        response: ChatResponse = dialect.decode_response(answer.body)
        return response
    decoder = dialect.stream_decoder()
    return fold([*decoder.feed(answer.body), *decoder.finish()])


async def answered(dialect: Dialect, request: bytes) -> Answer:
    app = create_app([model()], Options(agentstudio_pickle=True))
    kind = (b"content-type", dialect.request_type.encode())
    answer = await ask(app, path=dialect.path, body=request, headers=[kind])
    assert answer.status == 200, answer.body
    return answer


@pytest.mark.parametrize(("name", "stream"), WIRES)
async def test_what_was_emulated_is_told_in_the_answer_and_in_its_header(name: str, stream: bool) -> None:
    dialect = DIALECTS[name]
    request, told = next(
        (asked, told) for told, one in EMULATIONS if (asked := body_in(name, one, stream=stream)) is not None
    )

    answer = await answered(dialect, request)

    response = read(dialect, answer, stream=stream)
    assert set(told) <= set(response.emulated)
    assert set(answer.headers["x-modelport-emulated"].split(",")) == set(response.emulated)
    assert "two" not in response.text or told != ("stop",)


@pytest.mark.parametrize(("name", "stream"), WIRES)
async def test_where_nothing_was_emulated_nothing_is_told(name: str, stream: bool) -> None:
    dialect = DIALECTS[name]
    request = body_in(name, PLAIN, stream=stream)
    assert request is not None

    answer = await answered(dialect, request)

    assert read(dialect, answer, stream=stream).emulated == ()
    assert "x-modelport-emulated" not in answer.headers
    assert b'"emulated"' not in answer.body


FIELDS = [
    (one, path)
    for one, path in published.FIELDS
    if not (fate_of(path, published.tables(one.dialect)) or "").startswith("rejected")
    and path not in {"previous_response_id", "store", "model"}  # by a server that keeps answers; by the server
    and "source[url]" not in path  # fetched by the server, where it may
    and one.dialect != "openai_embeddings"
]


@pytest.mark.parametrize(("one", "path"), FIELDS, ids=[f"{one.dialect}-{path}" for one, path in FIELDS])
async def test_what_is_honoured_reaches_a_model_that_judges_for_itself(one: Published, path: str) -> None:
    dialect = DIALECTS[one.dialect]
    request = msgspec.json.encode(published.request_with(one, path))
    probe = ScriptedModel([*reply("x"), Usage(1, 1)], name="m")

    answer = await ask(create_app([probe]), path=dialect.path, body=request)

    assert answer.status == 200, answer.body
    assert probe.requests == [dialect.decode_request(request).request]
