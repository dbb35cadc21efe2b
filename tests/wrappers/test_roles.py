"""Role rules: whatever the messages are, the model gets some that keep its rules, and all that was said."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from modelport.client import Client
from modelport.client.openai_wrapper import OpenAIWrapper
from modelport.errors import ConfigError, InvalidRequest
from modelport.model import generate
from modelport.testing import ScriptedModel, reply
from modelport.types import (
    ChatRequest,
    FunctionCall,
    ImagePart,
    Message,
    Messages,
    TextPart,
    ToolCall,
    messages_from,
)
from modelport.wrappers.honouring import honour
from modelport.wrappers.roles import ROLE_RULES, RoleRules, follow
from tests.seed_autogen import CustomModelClient

CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
SYSTEM, HI, YES = (
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "yes"},
)


def kept(messages: list[dict[str, Any]], *rules: str) -> Any:
    return follow(messages, rules)[0]


# --- for any messages ---


def texts(content: Any) -> list[str]:
    if content is None:
        return []
    if isinstance(content, str):
        return [content]
    parts = [part if isinstance(part, str) else part["text"] for part in content if "image_url" not in part]
    return [text for text in parts if text]


contents = st.one_of(
    st.none(),
    st.sampled_from(["", "  ", "a", "b c", "ü"]),
    st.lists(
        st.sampled_from(
            [
                {"type": "text", "text": "t"},
                {"type": "text", "text": ""},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ]
        ),
        max_size=3,
    ),
)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 8))):
        role = draw(st.sampled_from(["system", "developer", "user", "user", "assistant", "assistant", "calls"]))
        message = {"role": "assistant" if role == "calls" else role, "content": draw(contents)}
        name = draw(st.sampled_from([None, None, "ann", "bob"]))
        if name:
            message["name"] = name
        messages.append(message)
        if role == "calls":
            message["tool_calls"] = [CALL]
            messages.append({"role": "tool", "tool_call_id": "call_1", "content": draw(contents)})
    return messages


rule_sets = st.sets(st.sampled_from(ROLE_RULES), min_size=1)


def holds(rule: str, messages: list[dict[str, Any]]) -> bool:
    roles = ["system" if each["role"] == "developer" else each["role"] for each in messages]
    if rule == "no_empty":
        return all(
            each["role"] == "tool"
            or each.get("tool_calls")
            or any(text.strip() for text in texts(each["content"]))
            or "image_url" in str(each["content"])
            for each in messages
        )
    if rule == "no_system":
        return "system" not in roles
    if rule == "system_first":
        return "system" not in roles[1:]
    if rule == "user_first":
        return next((role for role in roles if role != "system"), None) == "user"
    turns = [(one, two) for one, two in pairwise(roles) if one == two and one != "tool"]
    return "system" not in roles[1:] and not turns


def said(messages: list[dict[str, Any]]) -> list[str]:
    return [text.strip() for each in messages for text in texts(each["content"]) if text.strip()]


def in_order(parts: list[str], whole: str) -> bool:
    at = 0
    for part in parts:
        at = whole.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


@given(conversations(), rule_sets)
def test_the_rules_hold_and_nothing_that_was_said_is_lost(messages: list[dict[str, Any]], rules: set[str]) -> None:
    before = [dict(each) for each in messages]
    try:
        sent, broken = follow(messages, rules)
    except InvalidRequest:
        assert "no_empty" in rules
        assert not said(messages)
        return

    assert messages == before
    assert [rule for rule in rules if not holds(rule, sent)] == []
    assert in_order(said(messages), "\n".join(said(sent)))
    for thing in ("image_url", "call_1"):
        assert str(sent).count(thing) == str(messages).count(thing)
    names = [each["name"] for each in messages if each.get("name") and said([each])]
    assert set(names) <= {name for name in ("ann", "bob") if name in str(sent)}
    assert (sent is messages) == (not broken)
    assert set(broken) <= rules


@given(conversations(), rule_sets)
def test_messages_that_keep_the_rules_are_the_same_object(messages: list[dict[str, Any]], rules: set[str]) -> None:
    try:
        sent, _ = follow(messages, rules)
    except InvalidRequest:
        return

    again, broken = follow(sent, rules)

    assert again is sent
    assert broken == ()


@given(conversations(), rule_sets)
def test_calls_and_their_results_stay_neighbours(messages: list[dict[str, Any]], rules: set[str]) -> None:
    try:
        sent, _ = follow(messages, rules)
    except InvalidRequest:
        return

    for before, each in pairwise(sent):
        if each["role"] == "tool":
            assert before.get("tool_calls") or before["role"] == "tool"


@given(conversations(), rule_sets)
def test_values_are_treated_as_dicts_are(messages: list[dict[str, Any]], rules: set[str]) -> None:
    values = tuple(messages_from(messages))
    try:
        expected, broken = follow(messages, rules)
    except InvalidRequest:
        with pytest.raises(InvalidRequest):
            follow(values, rules)
        return

    sent, same = follow(values, rules)

    assert (tuple(sent), same) == (tuple(messages_from(expected)), broken)


# --- each rule ---


def test_texts_are_joined_by_a_blank_line() -> None:
    assert kept([HI, HI, YES, YES], "alternate") == [
        {"role": "user", "content": "hi\n\nhi"},
        {"role": "assistant", "content": "yes\n\nyes"},
    ]


def test_what_others_said_keeps_their_names() -> None:
    ann, bob = {**HI, "name": "ann"}, {**HI, "name": "bob"}

    assert kept([ann, bob, HI], "alternate") == [{"role": "user", "content": "ann: hi\n\nbob: hi\n\nhi"}]
    assert kept([ann, ann], "alternate") == [{"role": "user", "content": "hi\n\nhi", "name": "ann"}]


def test_images_stay_where_they_were() -> None:
    picture = {"role": "user", "name": "ann", "content": [Path("a.png"), {"type": "text", "text": "look"}]}

    [sent] = kept([HI, picture], "alternate")

    assert sent["content"] == [
        {"type": "text", "text": "hi"},
        {"type": "text", "text": "ann:"},
        Path("a.png"),
        {"type": "text", "text": "look"},
    ]


def test_calls_are_strung_together() -> None:
    calls = {"role": "assistant", "content": None, "tool_calls": [CALL]}

    assert kept([HI, YES, calls, calls], "alternate")[1] == {
        "role": "assistant",
        "content": "yes",
        "tool_calls": [CALL, CALL],
    }


def test_two_calls_of_the_oldest_form_stay_two() -> None:
    old = Message("assistant", None, function_call=FunctionCall("look", "{}"))
    messages = [Message("user", "hi"), old, old]

    assert follow(messages, ["alternate"]) == (messages, ())


def test_values_are_merged_whole() -> None:
    call = ToolCall("call_1", FunctionCall("look", "{}"))
    one = Message("assistant", (TextPart("a"), ImagePart(b"png")), reasoning="hm", extra={"x": 1})
    two = Message("assistant", "b", tool_calls=(call,), reasoning="so", extra={"y": 2})

    [_, sent] = follow((Message("user", "hi"), one, two), ["alternate"])[0]

    assert sent == Message(
        "assistant",
        (TextPart("a"), ImagePart(b"png"), TextPart("b")),
        tool_calls=(call,),
        reasoning="hm\n\nso",
        extra={"x": 1, "y": 2},
    )


def test_system_messages_are_folded() -> None:
    late = {"role": "system", "content": "Now speak."}

    assert kept([SYSTEM, SYSTEM, HI, late], "system_first") == [
        {"role": "system", "content": "Be brief.\n\nBe brief."},
        HI,
        {"role": "user", "content": "Now speak."},
    ]
    assert kept([SYSTEM, HI], "no_system") == [{"role": "user", "content": "Be brief.\n\nhi"}]
    assert kept([SYSTEM, YES, late], "no_system") == [
        {"role": "user", "content": "Be brief."},
        YES,
        {"role": "user", "content": "Now speak."},
    ]


def test_somebody_else_begins_where_the_assistant_did() -> None:
    assert kept([SYSTEM, YES], "user_first") == [SYSTEM, {"role": "user", "content": "Begin."}, YES]


def test_a_request_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no_empty"):
        kept([{"role": "user", "content": " "}], "no_empty")


@pytest.mark.parametrize(
    ("rules", "problem"),
    [(["alternating"], "'alternating'"), (3, "got 3"), ([1], "a list"), ({"alternate": 1}, "a dict")],
)
def test_what_is_no_rule_is_refused_by_name(rules: Any, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        Client(model=lambda messages: "yes", role_rules=rules)

    assert caught.value.param == "config_list[0].role_rules"
    with pytest.raises(ConfigError, match=problem):
        OpenAIWrapper(config_list=[{"model": "eliza", "role_rules": rules}])


# --- around a model ---


async def test_the_model_gets_them_and_the_answer_says_so() -> None:
    model = ScriptedModel(reply("yes"))
    request = ChatRequest(messages=Messages([HI, HI]))

    answer = await generate(RoleRules(model, ["alternate"]), request)

    assert answer.emulated == ("role_rules.alternate",)
    assert answer.sent == model.requests[0].messages == (Message("user", "hi\n\nhi"),)


async def test_a_request_that_keeps_the_rules_goes_through_untouched() -> None:
    model = ScriptedModel(reply("yes"))
    request = ChatRequest(messages=Messages([HI]))

    answer = await generate(RoleRules(model, ROLE_RULES), request)

    assert model.requests[0] is request
    assert (answer.emulated, answer.sent) == ((), None)


def strict(messages: list[dict[str, Any]]) -> str:
    return " ".join(each["role"] for each in messages)


strict.role_rules = ["alternate", "no_system"]  # type: ignore[attr-defined]


class Strict(CustomModelClient):
    role_rules = ("alternate",)

    def create(self, params: Any) -> Any:
        response: Any = super().create(params)  # type: ignore[no-untyped-call]
        response.choices[0].message.content = strict(params["messages"])
        return response


@pytest.mark.parametrize("ask", ["create", "stream", "on_chunk", "acreate"])
async def test_a_function_may_declare_its_rules(ask: str) -> None:
    client, asked = Client(model=strict), [SYSTEM, HI, HI]

    if ask == "stream":
        with client.create(messages=asked, stream=True) as stream:
            assert list(stream)
        answer = stream.response
    elif ask == "acreate":
        answer = await client.acreate(messages=asked)
    else:
        answer = client.create(messages=asked, on_chunk=print if ask == "on_chunk" else None)

    assert answer.text == "user"
    assert answer.emulated == ("role_rules.no_system", "role_rules.alternate")
    assert answer.sent is not None
    assert [message.text for message in answer.sent] == ["Be brief.\n\nhi\n\nhi"]


def test_the_entry_decides_before_the_model() -> None:
    client = Client(model=strict, role_rules=())

    assert client.create(messages=[SYSTEM, HI, HI]).text == "system user user"


def test_one_that_takes_n_from_the_port_gets_the_same_messages_each_time() -> None:
    answer = Client(model=strict, role_rules="alternate").create(messages=[HI, HI], n=2)

    assert [choice.message.text for choice in answer.choices] == ["user", "user"]
    assert answer.emulated == ("role_rules.alternate", "n")


@pytest.mark.parametrize("fields", [{}, {"role_rules": ["alternate"]}])
@pytest.mark.parametrize("cls", ["Strict", "CustomModelClient"])
def test_autogens_wrapper_keeps_rules_too(cls: str, fields: dict[str, Any], tmp_path: Path) -> None:
    wrapper = OpenAIWrapper(config_list=[{"model": "m", "model_client_cls": cls, "cache_seed": None}], **fields)
    wrapper.register_model_client(Strict if cls == "Strict" else CustomModelClient)

    response = wrapper.create(messages=[HI, HI, YES])

    if cls == "Strict":
        assert wrapper.extract_text_or_completion_object(response) == ["user assistant"]
    if cls == "Strict" or fields:
        assert response.emulated == ("role_rules.alternate",)
        assert response.sent == [{"role": "user", "content": "hi\n\nhi"}, YES]
    else:
        assert not hasattr(response, "sent")


def test_autogens_wrapper_keeps_the_rules_of_models_of_ours() -> None:
    wrapper = OpenAIWrapper(config_list=[{"model": strict}], cache_seed=None)

    response = wrapper.create(messages=[SYSTEM, HI])

    assert wrapper.extract_text_or_completion_object(response) == ["user"]
    assert response.sent == [{"role": "user", "content": "Be brief.\n\nhi"}]


def test_whatever_stands_around_a_model_passes_its_rules_on() -> None:
    client = Client(model=strict, timeout=60, max_retries=1, cache="memory")

    first, second = client.create(messages=[HI, HI]), client.create(messages=[HI, HI])

    assert (first.text, second.text, second.cached) == ("user", "user", True)
    assert first.emulated == second.emulated == ("role_rules.alternate",)


def test_a_model_that_declares_nothing_is_left_alone() -> None:
    model = ScriptedModel(reply("yes"))

    assert honour(model) is model
