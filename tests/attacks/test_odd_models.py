"""Models that give or raise what nobody would: each answer fails alone, in the wire's own form."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from modelport import Client
from modelport.errors import ModelportError
from tests.server.processes import Served, serving

ODD = """
import asyncio
import modelport
from modelport import errors


def none(messages): return None
def a_set(messages): return {1, 2}
def a_type(messages): return dict
def raw_bytes(messages): return b"\\xff"
def nothing(messages): return []
def not_a_number(messages): return {"choices": [{"message": {"content": float("nan")}}]}
def half(messages): return "\\ud800 half a character"
def negative(messages): return "text", {"prompt_tokens": -5, "completion_tokens": 10**400}
def no_json(messages): return "text", {"total_tokens": object()}
def odd_call(messages): return {"tool_calls": [{"id": 3, "function": {"name": 4, "arguments": {1: 2}}}]}


def exits(messages): raise SystemExit(3)
def interrupts(messages): raise KeyboardInterrupt
def ends_all(messages): raise BaseException("the end")
def stops(messages): raise StopIteration(3)
def for_ever(messages): return for_ever(messages)
async def stops_later(messages): raise StopAsyncIteration
async def cancels(messages): raise asyncio.CancelledError
async def exits_later(messages): raise SystemExit(3)


def yields_a_number(messages): yield 3
def yields_half(messages): yield "well, "; yield "\\ud800"
def exits_half_way(messages): yield "well, "; raise SystemExit(3)
async def interrupts_half_way(messages): yield "well, "; raise KeyboardInterrupt


class Speechless(Exception):
    def __str__(self): raise ValueError("no words")


class Odd(errors.ModelError):
    status = 200


def speechless(messages): raise Speechless
def half_said(messages): raise RuntimeError("\\ud800")
def half_said_as_ours(messages): raise errors.ModelError("\\ud800")
def odd_status(messages): raise Odd("no such status for errors")
def odd_wait(messages): raise errors.RateLimited("wait", retry_after="soon")
def odd_param(messages): raise errors.InvalidRequest("wrong", param=object())
"""
NAMES = [line.split("def ")[1].split("(")[0] for line in ODD.splitlines() if "def " in line and "(messages)" in line]
TURN = [{"role": "user", "content": "private words"}]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "odd.py").write_text(ODD, encoding="utf-8")
    with serving(folder, ["echo", *[f"{folder}/odd.py:{name}" for name in NAMES]]) as served:
        yield served


def ask(served: Served, name: str, **fields: Any) -> requests.Response:
    url = f"{served.url}/v1/chat/completions"
    return requests.post(url, json={"model": name, "messages": TURN, **fields}, timeout=10)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_the_caller_gets_an_error_in_openais_form(served: Served, name: str, stream: bool) -> None:
    answer = ask(served, name, stream=stream)
    begun = answer.status_code == 200  # the first words were out already
    told = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")] if begun else []

    error = told[-1]["error"] if told else answer.json()["error"]

    assert error["message"]
    assert error["code"]
    assert "Traceback" not in answer.text
    assert begun == bool(told)
    assert begun or 400 <= answer.status_code < 600
    assert answer.status_code != 500


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_caller_over_our_own_wire_gets_one_of_our_errors(served: Served, name: str, stream: bool) -> None:
    client = Client(config_list=[{"provider": "remote", "base_url": served.url, "timeout": 10}])

    with pytest.raises(ModelportError) as caught:
        list(client.create(model=name, messages=TURN, stream=True)) if stream else client.create(
            model=name, messages=TURN
        )

    assert caught.value.message


def test_and_the_server_goes_on(served: Served) -> None:
    assert ask(served, "echo").json()["choices"][0]["message"]["content"] == "private words"


def test_in_process_too_a_model_that_ends_the_program_is_only_passed_over(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(ODD, encoding="utf-8")
    client = Client(
        config_list=[
            {"model": f"{tmp_path}/odd.py:exits"},
            {"model": f"{tmp_path}/odd.py:exits_later"},
            {"model": lambda messages: "still here"},
        ]
    )

    assert client.create(messages=TURN).text == "still here"
