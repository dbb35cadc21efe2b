"""A secret shows nowhere but where it is revealed."""

import copy
import gc
import inspect
import io
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from modelport.config import entries, read_settings
from modelport.config.explaining import explain
from modelport.errors import ModelportError, error_to_data
from modelport.secret import MASK, Secret, redact, sounds_secret

CANARY = "sk-canary-0xDEADBEEF"


def _logged(secret: Secret) -> str:
    stream = io.StringIO()
    logger = logging.Logger("canary")  # noqa: LOG001  (one that no other test can set up)
    logger.addHandler(logging.StreamHandler(stream))
    logger.warning("%s %r %s", secret, secret, {"key": secret})
    return stream.getvalue()


def _traceback(secret: Secret) -> str:
    try:
        raise ModelportError(f"failed with {secret} and {secret!r}", param=str(secret))
    except ModelportError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(shown.format()) + repr(error_to_data(error))


def _refused(encode: Callable[[Any], Any]) -> Callable[[Secret], str]:
    def attempt(secret: Secret) -> str:
        try:
            return repr(encode({"api_key": secret}))
        except Exception as error:
            return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    return attempt


WAYS: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "format": lambda secret: format(secret, ">40"),
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031  (this way of formatting is the test)
    "f-string": lambda secret: f"{secret} {secret!s} {secret!r} {secret:>30}",
    "str.format": lambda secret: "{0} {0!r}".format(secret),  # noqa: PLW0108, UP032  (likewise)
    "template attribute": lambda secret: "{0.reveal} {0.__class__}".format(secret),  # noqa: PLW0108, UP032  (likewise)
    "str of parts": lambda secret: f"{secret.reveal} {secret.__class__}",
    "container": lambda secret: repr([secret, (secret,), {secret: secret}, {"key": {secret}}]),
    "pprint": lambda secret: pprint.pformat([secret, {"key": secret}]),
    "logging": _logged,
    "traceback with locals": _traceback,
    "members": lambda secret: repr(inspect.getmembers(secret)),
    "dir": lambda secret: repr([(name, getattr(secret, name, None)) for name in dir(secret)]),
    "json": _refused(json.dumps),
    "json default=str": lambda secret: json.dumps({"key": secret}, default=str),
    "msgspec json": _refused(msgspec.json.encode),
    "msgspec msgpack": _refused(msgspec.msgpack.encode),
    "msgspec builtins": _refused(msgspec.to_builtins),
    "pickle": _refused(pickle.dumps),
    "pickle protocol 0": _refused(lambda value: pickle.dumps(value, protocol=0)),
    "join": _refused(lambda value: "".join([value["api_key"]])),
    "add": _refused(lambda value: "Bearer " + value["api_key"]),
    "bytes": _refused(lambda value: bytes(value["api_key"])),
    "iterate": _refused(lambda value: list(value["api_key"])),
    "int": _refused(lambda value: int(value["api_key"])),
    "entry": lambda secret: repr(entries([{"model": "x", "api_key": secret}, {"model": "y", "api_key": CANARY}])),
    "entry as json": lambda secret: _refused(msgspec.json.encode)(entries([{"model": "x", "token": CANARY}])),  # type: ignore[arg-type]
    "settings": lambda secret: repr(read_settings(api_key=secret, config_list=[{"api_key": CANARY}])),
    "verdict": lambda secret: repr(explain([{"model": "x.py", "api_key": secret, "params": {"hf_token": CANARY}}])),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_printing_shows_the_text(way: str) -> None:
    shown = WAYS[way](Secret(CANARY))

    assert "sk-canary" not in shown.lower()
    assert "deadbeef" not in shown.lower()


@pytest.mark.parametrize("way", ["repr", "str", "format", "f-string", "logging", "pprint"])
def test_what_is_shown_is_a_mask(way: str) -> None:
    assert MASK in WAYS[way](Secret(CANARY))


@pytest.mark.parametrize(
    "way", ["json", "msgspec json", "msgspec msgpack", "pickle", "pickle protocol 0", "join", "add"]
)
def test_a_secret_cannot_be_sent_stored_or_joined(way: str) -> None:
    assert "TypeError" in WAYS[way](Secret(CANARY))


def test_it_is_revealed_where_that_is_asked_for() -> None:
    assert Secret(CANARY).reveal() == CANARY
    assert Secret(Secret(CANARY)).reveal() == CANARY


def test_secrets_are_equal_by_their_text_and_to_no_plain_text() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret(CANARY + "x")
    assert Secret(CANARY) != CANARY
    assert len({Secret(CANARY), Secret(CANARY), Secret("other")}) == 2
    assert Secret("\ud800") == Secret("\ud800")


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("x")


def test_copies_are_the_same_secret() -> None:
    secret = Secret(CANARY)

    assert copy.copy(secret) is secret
    assert copy.deepcopy({"key": secret})["key"] is secret


def test_a_secret_cannot_be_changed() -> None:
    secret = Secret(CANARY)

    with pytest.raises(AttributeError, match="cannot be changed"):
        secret.reveal = lambda: ""
    with pytest.raises(AttributeError, match="cannot be changed"):
        del secret.reveal


@pytest.mark.parametrize("value", [None, 5, b"bytes", ["x"]])
def test_only_text_is_a_secret_and_the_refusal_does_not_repeat_it(value: Any) -> None:
    with pytest.raises(TypeError, match=f"must be text, got {type(value).__name__}$"):
        Secret(value)


def test_the_object_graph_that_a_dump_walks_first_has_no_text() -> None:
    assert not any(isinstance(each, str) for each in gc.get_referents(Secret(CANARY)))


# --- redact ---


@pytest.mark.parametrize("secret", ["sk-1234", 'quo"te\\d', "sp ace/+&é", "per%cent", "line\nbreak", "世界-key"])
@pytest.mark.parametrize("form", ["plain", "json", "json utf-8", "repr", "url", "query"])
def test_a_secret_is_taken_out_of_a_text_however_it_is_written(secret: str, form: str) -> None:
    from urllib.parse import quote, quote_plus

    written = {
        "plain": secret,
        "json": json.dumps(secret),
        "json utf-8": json.dumps(secret, ensure_ascii=False),
        "repr": repr(secret),
        "url": quote(secret),
        "query": quote_plus(secret),
    }[form]

    redacted = redact(f"401 from http://host?key={written} …", [Secret(secret)])

    assert written.strip("'\"") not in redacted
    assert MASK in redacted


def test_a_secret_within_another_leaves_nothing_of_the_longer() -> None:
    assert redact("key=abcdef", ["abc", "abcdef"]) == "key=***"


def test_what_is_too_short_to_be_a_secret_leaves_the_text_readable() -> None:
    assert redact("an error", ["", "a", None, " ", Secret("e")]) == "an error"


# --- names ---


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "apiKey",
        "API-KEY",
        "key",
        "token",
        "hf_token",
        "aws_secret_key",
        "password",
        "secret",
        "Authorization",
    ],
)
def test_a_name_that_sounds_secret_is_known(name: str) -> None:
    assert sounds_secret(name)


@pytest.mark.parametrize("name", ["model", "max_tokens", "keyboard", "monkey", "tokenizer", "device", "total_tokens"])
def test_a_name_that_does_not_is_left_alone(name: str) -> None:
    assert not sounds_secret(name)
