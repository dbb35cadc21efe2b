"""Addresses and paths in requests: a listener waits for a visit that must not come, and a file for a reader."""

import base64
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from modelport import Client
from modelport.errors import ModelportError
from tests.server.processes import Served, serving

MODEL = """
def looks(messages, **params):
    return repr(messages[-1]["content"])
"""


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    (folder / "looks.py").write_text(MODEL, encoding="utf-8")
    (folder / "secret.png").write_bytes(b"\x89PNG\r\n\x1a\nthe treasure")
    with serving(folder, [f"{folder}/looks.py:looks", "eliza:"]) as served:
        yield served


def visited(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.mark.parametrize("model", ["looks", "eliza"])
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/x.png",
        "http://localhost:{port}/x.png",
        "HTTP://127.0.0.1:{port}/x.png",
        " http://127.0.0.1:{port}/x.png",
        "http://[::ffff:127.0.0.1]:{port}/x.png",
        "//127.0.0.1:{port}/x.png",
        "ftp://127.0.0.1:{port}/x.png",
        "data:http://127.0.0.1:{port}/x.png",
        "data:image/png;base64,http://127.0.0.1:{port}/x.png",
        "file://{folder}/secret.png",
        "{folder}/secret.png",
        "secret.png",
        "../secret.png",
        "~/secret.png",
    ],
)
def test_no_address_and_no_path_in_a_request_is_followed(
    served: Served, listener: socket.socket, model: str, url: str, folder: Path
) -> None:
    url = url.format(port=listener.getsockname()[1], folder=folder)
    content = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": url}}]
    body: Any = {"model": model, "messages": [{"role": "user", "content": content}]}

    answer = requests.post(f"{served.url}/v1/chat/completions", json=body, timeout=10)

    assert not visited(listener)
    assert "treasure" not in answer.text
    assert base64.b64encode(b"treasure").decode() not in answer.text
    assert answer.status_code in {200, 400, 502}


def test_over_our_own_wire_an_address_reaches_the_model_as_the_text_that_it_is(
    served: Served, listener: socket.socket
) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/x.png"
    client = Client(config_list=[{"provider": "remote", "base_url": served.url}])
    turn = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]

    said = client.create(model="looks", messages=turn).text

    assert url in said
    assert not visited(listener)


@pytest.mark.parametrize(
    "field", ["base_url", "api_base", "api_key", "provider", "model_client_cls", "chat_template",
              "chat_template_kwargs", "models_dir", "trust_remote_code", "extra_body"]
)  # fmt: skip
def test_no_field_of_a_request_names_an_upstream_a_key_code_or_a_template(
    served: Served, listener: socket.socket, field: str
) -> None:
    value = f"http://127.0.0.1:{listener.getsockname()[1]}"
    body: Any = {"messages": [{"role": "user", "content": "hi"}], field: value}

    answer = requests.post(f"{served.url}/v1/chat/completions", json=body, timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field
    assert not visited(listener)


@pytest.mark.parametrize(
    "name", ["looks.py:looks", "os:system", "./looks.py", "remote:http://127.0.0.1:1", "scripted:x"]
)
def test_no_name_of_a_model_in_a_request_is_taken_for_a_spec(served: Served, name: str) -> None:
    client = Client(config_list=[{"provider": "remote", "base_url": served.url}])
    body: Any = {"model": name, "messages": [{"role": "user", "content": "hi"}]}

    answer = requests.post(f"{served.url}/v1/chat/completions", json=body, timeout=10)
    with pytest.raises(ModelportError, match="no model named"):
        client.create(model=name, messages="hi")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
