"""The official clients with limited keys, and over TLS: each limit is the error that they have for it."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from modelport.server import Options, create_app
from modelport.server.tls import Tls, given_certificate
from modelport.storage.api_keys import KeyFile, KeyLimits
from modelport.testing import ScriptedModel, reply
from tests.server.certificates import Authority
from tests.server.helpers import running

HELLO: list[Any] = [{"role": "user", "content": "hello"}]


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys")


@pytest.fixture
def key(file: KeyFile) -> str:
    return file.add("ann", KeyLimits(requests=2, models=("open",))).reveal()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def port(file: KeyFile, key: str, authority: Authority) -> Iterator[int]:
    tls: Tls = given_certificate(*authority.sign("127.0.0.1"))
    models = [ScriptedModel(*[reply("hi")] * 9, name=name) for name in ("open", "hidden")]
    with running(create_app(models, Options(key_file=str(file.path))), tls) as port:
        yield port


def test_openais_client_has_an_error_for_each_limit(key: str, authority: Authority, port: int) -> None:
    with openai.DefaultHttpxClient(verify=ssl.create_default_context(cafile=authority.file)) as http:
        client = openai.OpenAI(base_url=f"https://127.0.0.1:{port}/v1", api_key=key, max_retries=0, http_client=http)
        answer = client.chat.completions.create(model="open", messages=HELLO)
        with pytest.raises(openai.PermissionDeniedError, match="may use open, not 'hidden'"):
            client.chat.completions.create(model="hidden", messages=HELLO)
        with pytest.raises(openai.RateLimitError, match="limited to 2 requests a minute") as limited:
            client.chat.completions.create(model="open", messages=HELLO)
        with pytest.raises(openai.AuthenticationError, match="not known here"):
            client.with_options(api_key="wrong").models.list()

    assert answer.choices[0].message.content == "hi"
    assert 1 <= int(limited.value.response.headers["retry-after"]) <= 61


def test_anthropics_client_too(key: str, authority: Authority, port: int) -> None:
    with anthropic.DefaultHttpxClient(verify=ssl.create_default_context(cafile=authority.file)) as http:
        client = anthropic.Anthropic(base_url=f"https://127.0.0.1:{port}", api_key=key, max_retries=0, http_client=http)
        answer = client.messages.create(model="open", max_tokens=9, messages=HELLO)
        with pytest.raises(anthropic.PermissionDeniedError, match="may use open, not 'hidden'"):
            client.messages.create(model="hidden", max_tokens=9, messages=HELLO)
        with pytest.raises(anthropic.RateLimitError, match="limited to 2 requests a minute"):
            client.messages.create(model="open", max_tokens=9, messages=HELLO)

    assert answer.content[0].type == "text"
