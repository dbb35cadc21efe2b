"""A canary in every place that holds a key, and a look at everything that a served model's process lets out."""

import logging
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
import requests

from modelport import Client, ConversableAgent
from modelport.agents import load_chat
from modelport.errors import ModelportError
from tests.server.processes import serving

KEY = "sk-canary-of-the-server-1f2e3d"
FOUND = "sk-canary-of-the-model-9a8b7c"

PATHS = ("/v1/models", "/v1/models/echo", "/port/v1/hello", "/health", "/ready", "/", "/sk-canary")

LEAKY = '''
import os

KEY = os.environ["UPSTREAM_API_KEY"]


def leaky(messages):
    """As official clients do, it repeats the key that its upstream refused."""
    raise RuntimeError(f"401: incorrect API key provided: {KEY}")


def leaky_half_way(messages):
    yield "well, "
    raise RuntimeError(f"401: incorrect API key provided: {KEY}")


class Leaky:
    name = "unforeseen"
    suspends = True

    def stream(self, request):
        return self

    async def __aenter__(self):
        raise BaseException(f"incorrect API key provided: {KEY}")

    async def __aexit__(self, *error):
        return None
'''


def test_no_key_and_no_prompt_leaves_a_served_models_process(tmp_path: Path) -> None:
    (tmp_path / "leaky.py").write_text(LEAKY, encoding="utf-8")
    (tmp_path / "keys.txt").write_text(f"ann:{KEY}\n", encoding="utf-8")
    specs = ["echo", *[f"{tmp_path}/leaky.py:{name}" for name in ("leaky", "leaky_half_way", "Leaky")]]
    options = ("--api-key-file", "keys.txt", "--access-log")
    turn = [{"role": "user", "content": "private words"}]
    seen: list[str] = []
    with serving(tmp_path, specs, *options, UPSTREAM_API_KEY=FOUND) as served:
        for key in (KEY, f"{KEY}x", ""):
            for name in (*served.models, "nobody"):
                for stream in (False, True):
                    body = {"model": name, "messages": turn, "stream": stream, **({} if name != "echo" else {"wat": 1})}
                    seen.append(_asked(served.url, "POST", "/v1/chat/completions", key, body))
            seen += [_asked(served.url, "GET", path, key) for path in PATHS]
            seen.append(_asked(served.url, "POST", "/port/v1/generate", key, {"not": "ours"}))
        served.process.send_signal(signal.SIGTERM)
        out, err = served.process.communicate(timeout=60)

    text = "\n".join(seen)
    assert "incorrect API key provided: ***" in text
    assert "incorrect API key provided: ***" in err
    for canary in (KEY, FOUND):
        assert canary not in out + err + text
    assert "private words" not in out + err


def _asked(url: str, method: str, path: str, key: str, body: Any = None) -> str:
    """Everything that comes back but what was sent: the status, the headers and the body."""
    answer = requests.request(method, url + path, json=body, headers={"x-api-key": key}, timeout=10)
    return f"{answer.status_code} {answer.headers}\n{answer.text}"


class Fickle:
    """A client class whose key is refused when it is made."""

    def __init__(self, config: dict[str, object]) -> None:
        raise RuntimeError(f"incorrect API key provided: {config['api_key']}")

    def create(self, params: object) -> object:
        return params

    def message_retrieval(self, response: object) -> list[str]:
        return [str(response)]


def test_no_key_of_a_config_list_gets_into_what_the_client_says(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # a port at which nothing answers
        port = deaf.getsockname()[1]
    said: list[str] = []

    for entry in ({"model": Fickle}, {"provider": "remote", "base_url": f"http://127.0.0.1:{port}"}, {"wat": 1}):
        with pytest.raises((ModelportError, ValueError)) as caught:
            Client(config_list=[{**entry, "api_key": FOUND}]).create(messages="hi")
        said.append(f"{caught.value!r} {caught.value}")

    assert FOUND not in "\n".join([*said, caplog.text])


def test_a_key_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ModelportError) as caught:
        Client(config_list=[{"provider": "remote", "base_url": f"http://me:{FOUND}@127.0.0.1:1"}]).create(messages="hi")

    assert FOUND not in str(caught.value)


class Answering:
    """A client class of AutoGen's shape that answers."""

    def __init__(self, config: dict[str, object], **kwargs: object) -> None:
        self.key = config["api_key"]

    def create(self, params: object) -> object:
        return "answer"

    def message_retrieval(self, response: object) -> list[str]:
        return [str(response)]


@pytest.mark.parametrize("wiring", ["llm_config", "model"])
def test_no_key_of_a_model_gets_into_what_is_kept_of_a_chat(
    wiring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_API_KEY", KEY)
    entry = {"model": "mine", "model_client_cls": "Answering", "api_key": FOUND}
    if wiring == "llm_config":
        assistant = ConversableAgent("assistant", llm_config={"config_list": [entry], "cache_seed": None})
        assistant.register_model_client(Answering)
    else:
        assistant = ConversableAgent("assistant", model=Client([{**entry, "model_client_cls": Answering}]))
    user = ConversableAgent("user", human_input_mode="NEVER")

    chat = user.initiate_chat(assistant, message="hi", max_turns=2, save=tmp_path / "chat.db")
    chat.save(tmp_path / "again.db")
    chat.html(tmp_path / "chat.html")
    chat.print()

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir()) + capsys.readouterr().out.encode()
    assert b"answer" in kept
    for canary in (KEY, FOUND):
        assert canary.encode() not in kept


class Complaining(Answering):
    """A client class whose error quotes its key, as some services' errors do."""

    def create(self, params: object) -> object:
        raise RuntimeError(f"401: the key {self.key} is not valid")


@pytest.mark.parametrize("by_client", [False, True], ids=["llm_config", "model"])
def test_the_error_that_ended_a_chat_is_kept_without_the_key_that_it_quotes(tmp_path: Path, by_client: bool) -> None:
    config_list = [{"model": "mine", "model_client_cls": "Complaining", "api_key": FOUND}]
    if by_client:
        assistant = ConversableAgent("assistant", model=Client(config_list=config_list))
    else:
        assistant = ConversableAgent("assistant", llm_config={"config_list": config_list, "cache_seed": None})
    assistant.register_model_client(Complaining)
    user = ConversableAgent("user", human_input_mode="NEVER")

    with pytest.raises(Exception, match="is not valid"):
        user.initiate_chat(assistant, message="hi", max_turns=2, save=tmp_path / "chat.db", silent=True)

    broken = load_chat(tmp_path / "chat.db").broken_off or ""
    assert "401: the key *** is not valid" in broken
    assert FOUND.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
