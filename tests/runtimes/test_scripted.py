"""Replies from a file, in order."""

import json
from pathlib import Path
from typing import Any

import pytest

from modelport.errors import ConfigError, LoadError, ModelError, RateLimited
from modelport.model import generate
from modelport.runtimes.scripted import Scripted, load
from modelport.sync import run
from modelport.types import ChatResponse, FunctionCall, ToolCall, Usage, request_from_params
from modelport.wrappers.honouring import honour


def ask(model: Scripted) -> ChatResponse:
    request = request_from_params({"messages": "anything", "temperature": 1.5})
    return run(generate(honour(model), request), suspends=False)


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_each_line_of_a_text_file_is_one_reply(tmp_path: Path) -> None:
    model = load(written(tmp_path, "replies.txt", "first\n\nsecond\\nline\n"))

    assert [ask(model).text, ask(model).text] == ["first", "second\nline"]


@pytest.mark.parametrize("name", ["replies.json", "replies.jsonl"])
def test_a_reply_may_have_all_that_an_answer_has(name: str, tmp_path: Path) -> None:
    replies: list[Any] = [
        "plain",
        {
            "content": "cut",
            "finish_reason": "length",
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "cost": 0.5},
        },
        {"reasoning": "hm", "tool_calls": [{"name": "find", "arguments": {"q": "tea"}}, {"name": "stop", "id": "c9"}]},
    ]
    text = json.dumps(replies) if name.endswith("json") else "\n".join(map(json.dumps, replies))
    model = load(written(tmp_path, name, text))

    plain, cut, calls = ask(model), ask(model), ask(model)

    assert plain.text == "plain"
    assert (cut.text, cut.choices[0].finish_reason, cut.usage) == ("cut", "length", Usage(3, 1, cost=0.5))
    assert calls.message.reasoning == "hm"
    assert calls.choices[0].finish_reason == "tool_calls"
    assert calls.message.tool_calls is not None
    assert calls.message.tool_calls[0].function == FunctionCall("find", '{"q":"tea"}')
    assert calls.message.tool_calls[1] == ToolCall("c9", FunctionCall("stop", "{}"))


def test_an_error_is_raised_by_its_code_in_its_turn(tmp_path: Path) -> None:
    model = load(written(tmp_path, "r.jsonl", '{"error": "rate_limited", "message": "slow", "retry_after": 2}\n"fine"'))

    with pytest.raises(RateLimited, match="slow") as caught:
        ask(model)

    assert caught.value.retry_after == 2
    assert ask(model).text == "fine"


def test_more_requests_than_replies_is_an_error_that_counts_them(tmp_path: Path) -> None:
    model = load(written(tmp_path, "r.txt", "one\n"))
    ask(model)

    with pytest.raises(ModelError, match="has 1 replies, and was asked for number 2"):
        ask(model)


@pytest.mark.parametrize(("at_the_end", "texts"), [("last", ["a", "b", "b", "b"]), ("again", ["a", "b", "a", "b"])])
def test_at_the_end_it_can_go_on(at_the_end: str, texts: list[str], tmp_path: Path) -> None:
    model = load(written(tmp_path, "r.txt", "a\nb\n"), at_the_end=at_the_end)

    assert [ask(model).text for _ in texts] == texts


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("r.json", "{", "r.json is not JSON"),
        ("r.json", '{"content": "x"}', "must hold a list of replies, got dict"),
        ("r.jsonl", '"a"\n{\n', "r.jsonl, line 2 is not JSON"),
        ("r.json", "[3]", "reply 1 must be text or an object, got int"),
        ("r.json", '["a", {"contents": "x"}]', "reply 2: .*contents"),
        ("r.json", '[{"content": 3}]', "reply 1: .*content"),
        ("r.json", '[{"error": "no_such_code"}]', "no error has the code 'no_such_code'"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(name: str, text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=complaint):
        load(written(tmp_path, name, text))


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"cannot read .*none\.txt"):
        load(str(tmp_path / "none.txt"))
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(LoadError, match=r"cannot read .*bad\.txt"):
        load(str(tmp_path / "bad.txt"))


def test_what_it_does_not_take_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "r.txt", "a\n")

    with pytest.raises(ConfigError, match="needs a file of replies"):
        load()
    with pytest.raises(ConfigError, match="no option 'loop'"):
        load(path, loop=True)
    with pytest.raises(ConfigError, match="at_the_end must be one of"):
        load(path, at_the_end="explode")


def test_its_identity_is_its_replies(tmp_path: Path) -> None:
    one, same, other = (load(written(tmp_path, f"{n}.txt", text)) for n, text in enumerate(["a\n", "a\n", "b\n"]))

    assert one.identity == same.identity != other.identity
