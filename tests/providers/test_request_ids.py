"""What failed at a server can be found in its log: the error has the request's id."""

import pytest

from modelport.errors import ConnectionFailed, ModelError, ModelNotFound, ModelportError, ProtocolError
from modelport.model import generate
from modelport.providers.remote import RemoteModel
from modelport.server import create_app
from modelport.testing import ScriptedModel
from modelport.types import ChatRequest, Message, TextDelta
from tests.providers.helpers import answering
from tests.server.helpers import running

ASK = ChatRequest(messages=(Message("user", "hi"),))


async def failure(url: str, model: str | None = None) -> ModelportError:
    remote = RemoteModel(url, model=model, retries=0)
    try:
        with pytest.raises(ModelportError) as caught:
            await generate(remote, ASK)
    finally:
        await remote.aclose()
    return caught.value


async def test_what_a_server_refuses_or_fails_at_has_its_id() -> None:
    at_once = ScriptedModel([ModelError("no")], name="broken")
    half_way = ScriptedModel([TextDelta("ha"), ModelError("no")], name="half")
    with running(create_app([at_once, half_way])) as port:
        errors = [await failure(f"http://127.0.0.1:{port}", name) for name in ("nobody", "broken", "half")]

    assert [type(error) for error in errors] == [ModelNotFound, ModelError, ModelError]
    assert [(error.request_id or "")[:4] for error in errors] == ["req_"] * 3
    assert len({error.request_id for error in errors}) == 3


@pytest.mark.parametrize(
    ("sent", "known"), [("up-1", "up-1"), ("", None), ("ä" * 3, None), ("x" * 129, None)], ids=ascii
)
async def test_what_is_no_server_of_ours_may_have_one_too(sent: str, known: str | None) -> None:
    head = f"HTTP/1.1 500 No\r\nx-request-id: {sent}\r\ncontent-length: 0\r\n\r\n"
    with answering(head.encode("latin-1")) as url:
        error = await failure(url)

    assert isinstance(error, ProtocolError)
    assert error.request_id == known


async def test_where_nobody_answers_there_is_none() -> None:
    with answering(b"") as url:
        error = await failure(url)

    assert isinstance(error, ConnectionFailed)
    assert error.request_id is None
