"""Three models that work together, each a function: one plans, one looks things up with tools, one says who is next.

modelport serve examples/crew.py:planner examples/crew.py:worker examples/crew.py:chooser
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from modelport import ToolCallDelta, Usage

Messages = list[dict[str, Any]]
LOOK_UP = "Worker, look up the weather in: "
FOUND = "I found: "


def planner(messages: Messages, **params: Any) -> Iterator[Any]:
    """Makes a plan of a question; ends the talk once the worker has found what it takes."""
    found = [message["content"] for message in messages if str(message.get("content")).startswith(FOUND)]
    if not found:
        question = next((str(message["content"]) for message in messages if message["role"] == "user"), "")
        places = re.findall(r"in ([A-Z]\w+)", question)
        yield from _say(messages, LOOK_UP + ", ".join(places) if places else "Which places? TERMINATE")
        return
    degrees = {city: int(number) for city, number in re.findall(r"(\w+) (-?\d+) °C", found[-1])}
    warmest = max(degrees, key=degrees.__getitem__)
    yield from _say(messages, f"It is warmest in {warmest}, with {degrees[warmest]} °C. TERMINATE")


def worker(messages: Messages, tools: list[dict[str, Any]] | None = None, **params: Any) -> Iterator[Any]:
    """Calls its tool once for each place of the plan, all at once, and tells what came back."""
    results = [json.loads(message["content"]) for message in messages if message["role"] == "tool"]
    if results:
        yield from _say(messages, FOUND + ", ".join(f"{each['city']} {each['celsius']} °C" for each in results))
        return
    plans = [message["content"] for message in messages if LOOK_UP in str(message.get("content"))]
    if not plans or not tools:
        yield from _say(messages, "I need a plan, and a tool to work with. TERMINATE")
        return
    cities = plans[-1].partition(LOOK_UP)[2].split(", ")
    for city in cities:
        yield ToolCallDelta(name=tools[0]["function"]["name"], arguments=json.dumps({"city": city}))
    yield Usage(prompt_tokens=_tokens(messages), completion_tokens=4 * len(cities))


def chooser(messages: Messages, **params: Any) -> Iterator[Any]:
    """Names who speaks next: the worker where there is a plan or a result, the planner otherwise."""
    said = [str(message.get("content")) for message in messages if message["role"] != "system"]
    plan = max((place for place, text in enumerate(said) if LOOK_UP in text), default=-1)
    report = max((place for place, text in enumerate(said) if FOUND in text), default=-1)
    yield from _say(messages, "worker" if plan > report else "planner")


def _say(messages: Messages, text: str) -> Iterator[Any]:
    """Word by word, and what it took."""
    words = re.findall(r"\s*\S+", text)
    yield from words
    yield Usage(prompt_tokens=_tokens(messages), completion_tokens=len(words))


def _tokens(messages: Messages) -> int:
    """Words stand for tokens here."""
    return sum(len(str(message.get("content") or "").split()) for message in messages)
