"""Calls as a list of Python's own, of which nothing is run."""

import json
from typing import Any

import pytest

from modelport.toolcalls.pythonic import PythonicParser
from tests.toolcalls.reading import read

CALL = "[look(city='Oslo')]"
OSLO = ("look", '{"city":"Oslo"}')


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CALL, [OSLO]),
        ('[look(city="Oslo"), wait()]', [OSLO, ("wait", "{}")]),
        ('[\n  look(\n    city = "Oslo",\n  ),\n  wait( )\n]', [OSLO, ("wait", "{}")]),
        (f"<|python_start|>{CALL}<|python_end|>", [OSLO]),
        (f"<|python_start|>{CALL}<|python_e", [OSLO]),
        (f"I will look. <|python_start|>{CALL}<|python_end|>More", ["I will look. ", OSLO, "More"]),
        (f"I will look.\n\n{CALL}\n", ["I will look.\n\n", OSLO, "\n"]),
        ("[weather.get-now(city='Oslo')]", [("weather.get-now", '{"city":"Oslo"}')]),
        ("[look(**{'city': 'Oslo'})]", [OSLO]),
        (f"[1]\n{CALL}", ["[1]\n", OSLO]),
    ],
)
def test_calls_are_found(text: str, found: list[Any]) -> None:
    assert read(PythonicParser, text) == found


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'it\\'s'", "it's"),
        ('"a \\"b\\" \\\\ \\n\\t"', 'a "b" \\ \n\t'),
        (r"'\x41\u00fc\U0001f600'", "Aü😀"),
        (r"'\d+'", r"\d+"),
        ("'one\\\ntwo'", "onetwo"),
        ("'one\ntwo'", "one\ntwo"),
        ('"""a "quoted"\nline"""', 'a "quoted"\nline'),
        ("''", ""),
        ("'])'", "])"),
        ("1", 1),
        ("-12", -12),
        ("+3", 3),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-2e3", -2000.0),
        ("True", True),
        ("False", False),
        ("None", None),
        ("true", True),
        ("null", None),
        ("[]", []),
        ("[1, 'a', [None],]", [1, "a", [None]]),
        ("(1, 2)", [1, 2]),
        ("{}", {}),
        ("{'a': {\"b\": [1]}, 'c': -1}", {"a": {"b": [1]}, "c": -1}),
    ],
)
def test_literals_are_what_python_means_by_them(literal: str, value: Any) -> None:
    [(_, arguments)] = read(PythonicParser, *f"[f(a={literal}, b=0)]")

    assert json.loads(arguments) == {"a": value, "b": 0}


@pytest.mark.parametrize(
    "text",
    [
        f"Write {CALL}",
        "[]",
        "[1, 2]",
        "['look']",
        "[link](https://example.org)",
        "[ ] to do\n[x] done",
        "[look]",
        "[look(city)]",
        "[look('Oslo')]",
        "[look(city='Oslo')",
        "[look(city='Oslo'), ]",
        "[look(city='Oslo'), wait]",
        "[look(city='Oslo]",
        "[look(city=Oslo)]",
        "[look(city=get('Oslo'))]",
        "[look(city=__import__('os').system('x'))]",
        "[look(city='a' 'b')]",
        "[look(city=1 + 2)]",
        "[look(n=1e999)]",
        "[look(n=0x10)]",
        f"[look(n={'9' * 500})]",
        "[look(n=9**9)]",
        "[look(**options)]",
        "[look(a={1: 2})]",
        "[look(a={1, 2})]",
        "[look(a=" + "[" * 100 + "]" * 100 + ")]",
        "[x for x in (1, 2)]",
        r"[look(a='\ud800')]",
        "<|python_start|>print(1)<|python_end|>",
    ],
)
def test_what_only_looks_like_a_call_is_given_back_untouched(text: str) -> None:
    assert read(PythonicParser, text) == read(PythonicParser, *text) == [text]


def test_arguments_whose_names_python_could_not_write_are_written_nevertheless() -> None:
    written = PythonicParser.call_text("f", '{"two words": 1}')

    assert written == "[f(**{'two words': 1})]"
    assert read(PythonicParser, written) == [("f", '{"two words":1}')]
