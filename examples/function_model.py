"""A model is a function: it takes messages and returns text, or yields pieces of text to stream.

modelport chat examples/function_model.py:spell
modelport serve examples/function_model.py:spell
"""

from collections.abc import Iterator
from typing import Any

ALPHABET = """
    alfa bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike
    november oscar papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu
"""
WORDS = {word[0]: word for word in ALPHABET.split()}


def spell(messages: list[dict[str, Any]], **params: Any) -> Iterator[str]:
    """Spells the last message over the radio, one word at a time."""
    letters = [letter for letter in str(messages[-1]["content"]).lower() if letter in WORDS]
    if not letters:
        yield "There is nothing to spell."
    for number, letter in enumerate(letters):
        yield (" " if number else "") + WORDS[letter]
