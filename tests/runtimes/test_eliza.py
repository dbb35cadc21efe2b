"""The model that is always there: real conversation by patterns, the same each time, its own tokens counted."""

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from modelport.errors import ConfigError, UnsupportedField
from modelport.model import Model, generate
from modelport.runtimes import _eliza_script as script
from modelport.runtimes._eliza_talk import Talk, _match
from modelport.runtimes.eliza import Eliza, count_tokens, load
from modelport.sync import run
from modelport.types import ChatResponse, Finish, TextDelta, request_from_params
from modelport.wrappers.honouring import honour


def ask(messages: Any, model: Model | None = None, **params: Any) -> ChatResponse:
    request = request_from_params({"messages": messages, **params})
    return run(generate(model or load(), request), suspends=False)


def talk(*said: str) -> list[str]:
    """The replies to these turns, one after the other."""
    messages: list[dict[str, str]] = []
    for each in said:
        messages.append({"role": "user", "content": each})
        messages.append({"role": "assistant", "content": ask(messages).text})
    return [message["content"] for message in messages[1::2]]


# --- what it says ---


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Hello", "Hello. What is on your mind today?"),
        ("I'm feeling sad today.", "I am sorry to hear that you are sad. How long has it been so?"),
        ("My boss never listens to me", "Your boss never listens to you. Go on."),
        ("I think you are right about the plan", "Do you doubt that I am right about the plan?"),
        ("You are not listening", "What makes you say that I am not listening?"),
        ("I need a holiday", "What would it mean to you if you got a holiday?"),
        ("I can't sleep", "What would happen if you could sleep?"),
        ("MY NAME IS Ada", "Pleased to meet you, Ada. What brings you here?"),
        ("My mother takes care of me", "Tell me more about your family."),
        ("I dreamt about the sea", "What does the sea mean to you by day?"),
        ("goodbye!", "Goodbye. Thank you for talking with me."),
        ("I don\u2019t know what to do", "What would you guess?"),
        ("zqx", "Please go on."),
        ("我很难过", "Please go on."),
        ("", "Take your time."),
        ("?!", "Take your time."),
    ],
)
def test_what_is_said_is_taken_apart_and_turned_round(said: str, reply: str) -> None:
    assert talk(said) == [reply]


def test_the_weightier_keyword_wins_wherever_it_stands() -> None:
    assert talk("I am here, because of my computer") == ["What about computers concerns you?"]


def test_the_replies_to_one_shape_are_taken_in_turn() -> None:
    first, second, third = talk("I am stuck", "I am stuck", "I am stuck")

    assert len({first, second, third}) == 3


def test_an_earlier_topic_comes_back_when_nothing_else_is_heard() -> None:
    replies = talk("My boss never listens to me", "zqx")

    assert replies[1] == "Earlier you told me this: your boss never listens to you. Does it have to do with that?"


def test_it_does_not_deny_being_a_machine() -> None:
    assert talk("Are you a robot?")[0].startswith("Yes: a few dozen patterns")


def test_the_first_words_are_its_own_where_the_user_has_said_nothing() -> None:
    assert ask([{"role": "system", "content": "Be brief."}]).text == script.GREETINGS[0]


def test_nothing_is_kept_between_requests() -> None:
    conversation = [
        {"role": "user", "content": "My boss never listens to me"},
        {"role": "assistant", "content": "anything"},
        {"role": "user", "content": "zqx"},
    ]
    model = load()
    ask("I am sad", model)

    assert ask(conversation, model).text == ask(conversation).text == talk("My boss never listens to me", "zqx")[1]


# --- the script is sound ---


def test_every_pattern_can_be_matched_and_every_reply_assembled() -> None:
    for keyword in script.KEYWORDS:
        for rule in keyword.rules:
            said = " ".join(
                "a thing" if part == "*" else script.GROUPS[part[1:]][0] if part.startswith("@") else part
                for part in rule.pattern.split()
            )
            for turn in range(len(rule.replies)):
                parts = _match(tuple(rule.pattern.split()), said.split())
                assert parts is not None, f"{keyword.word}: {rule.pattern}"
                reply = Talk(shift=turn)._assemble(keyword.word, rule, parts)
                assert reply is not None
                assert "{" not in reply


def test_every_redirection_leads_to_a_keyword() -> None:
    words = {keyword.word for keyword in script.KEYWORDS}

    for keyword in script.KEYWORDS:
        for rule in keyword.rules:
            assert {reply[1:] for reply in rule.replies if reply.startswith("=")} <= words


def test_no_keyword_is_listed_twice_and_every_group_exists() -> None:
    words = [keyword.word for keyword in script.KEYWORDS]
    groups = {
        part[1:]
        for keyword in script.KEYWORDS
        for rule in keyword.rules
        for part in rule.pattern.split()
        if part.startswith("@")
    }

    assert len(words) == len(set(words))
    assert groups <= script.GROUPS.keys()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=200) | st.sampled_from([k.word for k in script.KEYWORDS]), min_size=1, max_size=6))
def test_whatever_is_said_gets_an_answer(said: list[str]) -> None:
    conversation = Talk()

    for each in said:
        reply = conversation.answer(each)
        assert reply
        assert not reply.startswith("=")


# --- what a request may set ---


def test_a_seed_moves_on_through_the_replies_and_is_repeatable() -> None:
    assert ask("zqx", seed=1).text == ask("zqx", seed=1).text == script.NOTHING_FOUND[1]


def test_each_of_several_answers_is_another() -> None:
    answers = ask("zqx", n=3)

    assert [choice.message.text for choice in answers.choices] == list(script.NOTHING_FOUND[:3])
    assert answers.usage is not None
    assert answers.usage.completion_tokens == sum(map(count_tokens, script.NOTHING_FOUND[:3]))


def test_temperature_leaves_the_order_of_the_replies_but_not_the_seed() -> None:
    hot = {ask("zqx", seed=seed, temperature=2).text for seed in range(40)}

    assert len(hot) > 3
    assert ask("zqx", seed=5, temperature=2).text == ask("zqx", seed=5, temperature=2).text
    assert ask("zqx", temperature=0).text == ask("zqx").text


def test_an_answer_is_cut_at_max_tokens_and_says_so() -> None:
    answer = ask("Hello", max_tokens=3)

    assert answer.text == "Hello. What"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


@pytest.mark.parametrize("field", [{"tools": [{"name": "f"}]}, {"top_p": 0.5}, {"logprobs": True}])
def test_what_it_cannot_keep_is_refused_by_name(field: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedField, match=next(iter(field))):
        ask("hi", honour(load()), **field)


def test_tokens_are_its_own_words_and_marks_and_cost_nothing() -> None:
    usage = ask([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "I can't sleep!"}]).usage

    assert usage is not None
    assert (usage.prompt_tokens, usage.cost, usage.estimated) == (3 + 4, 0.0, False)


# --- streaming ---


async def test_an_answer_comes_word_by_word() -> None:
    async with load().stream(request_from_params({"messages": "I am sad"})) as events:
        pieces = [event async for event in events]

    texts = [event.text for event in pieces if isinstance(event, TextDelta)]
    assert texts[:4] == ["I", " am", " sorry", " to"]
    assert sum(isinstance(event, Finish) for event in pieces) == 1


async def test_at_a_pace_each_word_waits_and_others_go_on() -> None:
    model = load(pace=0.001)
    assert model.suspends

    answers = await asyncio.gather(*(generate(model, request_from_params({"messages": "I am sad"})) for _ in range(3)))

    assert {answer.text for answer in answers} == {ask("I am sad").text}


async def test_a_long_conversation_is_answered_off_the_event_loop() -> None:
    messages = [{"role": "user", "content": "my garden is dying, and " * 40}] * 30

    assert (await generate(load(), request_from_params({"messages": messages}))).text


# --- pictures ---


def encoded(kind: str, size: tuple[int, int], **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind, **options)
    return file.getvalue()


PICTURES: dict[str, Any] = {
    "array": np.zeros((240, 320, 3), np.uint8),
    "grey array": np.zeros((240, 320), np.uint8),
    "PIL": Image.new("RGB", (320, 240)),
    "PNG": encoded("PNG", (320, 240)),
    "JPEG": encoded("JPEG", (320, 240)),
    "progressive JPEG": encoded("JPEG", (320, 240), progressive=True, comment=b"x" * 3000),
    "GIF": encoded("GIF", (320, 240)),
    "BMP": encoded("BMP", (320, 240)),
    "WebP": encoded("WEBP", (320, 240)),
    "lossless WebP": encoded("WEBP", (320, 240), lossless=True),
    "extended WebP": encoded("WEBP", (320, 240), exif=b"Exif\0\0"),
}


@pytest.mark.parametrize("image", PICTURES.values(), ids=PICTURES.keys())
def test_the_size_of_a_picture_is_told(image: Any) -> None:
    answer = ask([{"role": "user", "content": ["What is this?", {"type": "image", "image": image}]}])

    assert answer.text.startswith("I see a picture of 320×240 pixels.")


def test_a_picture_in_a_file_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(PICTURES["PNG"])

    assert "320×240" in ask([{"role": "user", "content": [path]}]).text


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"not a picture",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\xff\xff",
        b"RIFF\0\0\0\0WEBPVP8 ",
    ],
)
def test_a_picture_that_cannot_be_read_is_said_to_be_one(image: bytes) -> None:
    assert "a size that I cannot tell" in ask([{"role": "user", "content": [image]}]).text


@given(st.sampled_from([value for value in PICTURES.values() if isinstance(value, bytes)]), st.integers(0, 200))
def test_a_picture_that_is_cut_short_never_fails(image: bytes, length: int) -> None:
    assert ask([{"role": "user", "content": [image[:length]]}]).text


def test_no_address_is_visited() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/p.png"}}

    assert "which I do not visit" in ask([{"role": "user", "content": [part]}]).text


def test_several_pictures_are_each_told() -> None:
    image = PICTURES["array"]

    answer = ask([{"role": "user", "content": [image, image[:10]]}])

    assert "320×240 pixels and 320×10 pixels" in answer.text


# --- loading ---


@pytest.mark.parametrize(
    ("argument", "options", "complaint"),
    [
        ("large", {}, "eliza takes no argument, got 'large'"),
        (None, {"size": 3}, "no option 'size'"),
        (None, {"pace": -1}, "pace must be seconds per word"),
        (None, {"pace": "slow"}, "pace must be seconds per word"),
    ],
)
def test_what_it_does_not_take_is_refused(argument: str | None, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(argument, **options)


def test_it_can_have_another_name() -> None:
    assert ask("hi", Eliza(name="doctor")).model == "doctor"
