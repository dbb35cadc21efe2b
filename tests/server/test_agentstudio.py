"""AgentStudio's wire over a real server: its client as it is, hostile ones, and the door that is closed by default."""

import json
import pathlib
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from modelport import as_model
from modelport.agent_studio import BaseModel
from modelport.server import App, create_app
from modelport.server.app import Options
from modelport.testing import ScriptedModel, reply
from tests.dialects.agentstudio.studio import Message, StudioClient, packed, studio_installed
from tests.server.helpers import ask, raw, running
from tests.server.processes import serving

OPEN = Options(agentstudio_pickle=True)
PICTURE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


@pytest.fixture(autouse=True)
def studio() -> Iterator[None]:
    with studio_installed():
        yield


class Looking(BaseModel):
    """Tells what it was shown, as an AgentStudio model is shown it."""

    name = "looking"

    def compose_messages(self, intermedia_msg: Any) -> Any:
        return intermedia_msg

    def generate_response(self, messages: Any, **kwargs: Any) -> tuple[str, dict[str, Any]]:
        seen = [
            message.content if isinstance(message.content, str) else f"{message.content.shape} {message.content.sum()}"
            for message in messages
        ]
        return " | ".join(seen), {"total_tokens": 7, "seen": len(seen)}


def looking(options: Options = OPEN) -> App:
    return create_app([as_model(Looking())], options)


def body(messages: Any, **fields: Any) -> bytes:
    return json.dumps({"model": "default", "messages": packed(messages), **fields}).encode()


def test_agentstudios_client_is_answered() -> None:
    said = [Message("system", "Look."), Message("user", "What?"), Message("user", PICTURE)]

    with running(looking()) as port:
        text, info = StudioClient(f"http://127.0.0.1:{port}").generate_response(said, model="looking")

    assert text == f"Look. | What? | (2, 4, 3) {PICTURE.sum()}"
    assert (info["total_tokens"], info["seen"], info["model"]) == (7, 3, "looking")


def test_a_served_process_is_open_with_the_flag_and_names_it_without(tmp_path: Path) -> None:
    said = [Message("user", "hello")]
    with serving(tmp_path, ["echo"], "--allow-agentstudio-pickle") as served:
        assert StudioClient(served.url).generate_response(said, model="echo")[0] == "hello"

    with serving(tmp_path, ["echo"]) as served:
        client = StudioClient(served.url)
        with pytest.raises(ConnectionError, match="404"):
            client.generate_response(said, model="echo")
    assert "--allow-agentstudio-pickle" in client.heard


def test_a_server_with_keys_tells_its_client_where_one_goes_and_lets_a_proxy_add_it() -> None:
    said = [Message("user", "hello")]
    options = Options(agentstudio_pickle=True, keys={"ann": "sk-1"})

    with running(looking(options)) as port:
        client = StudioClient(f"http://127.0.0.1:{port}")
        with pytest.raises(ConnectionError, match="401"):
            client.generate_response(said, model="looking")
        proxied = requests.post(
            f"http://127.0.0.1:{port}/generate",
            json={"model": "looking", "messages": packed(said)},
            headers={"Authorization": "Bearer sk-1"},
            timeout=10,
        )

    assert "Authorization: Bearer" in client.heard
    assert proxied.status_code == 200


async def test_a_model_that_is_not_served_is_told_by_name() -> None:
    answer = await ask(looking(), path="/generate", body=body([Message("user", "x")], model="gpt-4"))

    assert (answer.status, answer.error["code"]) == (404, "model_not_found")


async def test_a_path_is_refused_and_its_file_never_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"x")
    secret.chmod(0)

    answer = await ask(looking(), path="/generate", body=body([Message("user", pathlib.Path(secret))]))

    assert (answer.status, answer.error["param"]) == (400, "messages[0].content")
    assert "opens no file" in answer.error["message"]


class Bomb:
    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return shutil.copyfile, (__file__, self._path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
async def test_a_bomb_does_not_go_off(protocol: int, tmp_path: Path) -> None:
    crater = tmp_path / "crater"
    for bomb in (Bomb(crater), [Message("user", Bomb(crater))], [Message("user", "x"), {"role": Bomb(crater)}]):
        sent = json.dumps({"model": "looking", "messages": packed(bomb, protocol)}).encode()

        answer = await ask(looking(), path="/generate", body=sent)

        assert (answer.status, answer.error["param"]) == (400, "messages")
        assert "shutil.copyfile" in answer.error["message"]
    assert not crater.exists()


async def test_a_field_that_the_wire_does_not_have_is_refused_by_name() -> None:
    answer = await ask(looking(), path="/generate", body=body([Message("user", "x")], temperature=1))

    assert (answer.status, answer.error["param"]) == (400, "temperature")


async def test_a_compressed_body_is_refused() -> None:
    answer = await ask(looking(), path="/generate", body=b"x", headers=[(b"content-encoding", b"gzip")])

    assert answer.status == 415


async def test_an_array_of_a_megabyte_is_read_whole() -> None:
    picture = np.full((600, 600, 3), 2, np.uint8)

    answer = await ask(looking(), path="/generate", body=body([Message("user", picture)]))

    assert answer.status == 200


async def test_a_model_of_another_kind_answers_too() -> None:
    app = create_app([ScriptedModel(reply("a", "b"), name="default")], OPEN)

    answer = await ask(app, path="/generate", body=body([Message("user", "x")]))

    assert answer.status == 200
    assert set(answer.json) == {"message", "info"}


def test_bytes_on_a_socket_are_answered_as_any_client_would_read_them() -> None:
    sent = body([Message("user", "hello")])
    head = b"POST /generate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(sent)

    with running(looking()) as port:
        got = raw(port, head + sent)

    assert got.startswith(b"HTTP/1.1 200 ")
    assert set(json.loads(got.partition(b"\r\n\r\n")[2])) == {"message", "info"}
