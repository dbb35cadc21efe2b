"""`make demo`: a server with three models, one client, and what happens when the server dies. No key, no network.

Every step is checked; the exit status is 0 only where all of them happened.
"""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from modelport import Client, ModelportError

HERE = Path(__file__).parent
MODELS = ("screen_model.py:ScreenModel", "arithmetic_model.py:ArithmeticClient")
PATIENCE = 20.0  # seconds for the server to come up


class Missing(Exception):
    """Something that the demo promises did not happen."""


def main() -> int:
    """Runs the demo; gives the exit status."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped then, too
    try:
        with server() as (process, url), Client(config_list(url)) as client:
            show(client, process)
    except KeyboardInterrupt:
        print("\nstopped")
        return 130
    except (Missing, ModelportError, OSError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    print(f"\nAll of it in {time.monotonic() - began:.1f} s. Next: README.md, or `.venv/bin/modelport chat`.")
    return 0


def config_list(url: str) -> list[dict[str, Any]]:
    """The served models first; where they fail, one in this process."""
    return [
        {"provider": "remote", "base_url": url, "label": "server"},
        {"provider": "eliza", "label": "in this process"},
    ]


@contextlib.contextmanager
def server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`modelport serve` on a free port, as a process of its own; ends with the block, whatever happens in it."""
    specs = [*(str(HERE / model) for model in MODELS), "eliza"]
    names = ("--name", "screen", "--name", "arithmetic")
    step(" ".join(["modelport serve", *(f"examples/{model}" for model in MODELS), "eliza", *names]))
    process = None
    try:
        with held_back(signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen(
                [sys.executable, "-m", "modelport", "serve", *specs, *names, "--port", "0"],
                stdout=subprocess.PIPE,
                text=True,
            )
        url = address(process)
        yield process, url
    finally:
        if process is not None:
            process.kill()
            process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    """Where the server listens, from the line that it prints when it does."""
    assert process.stdout is not None
    impatience = threading.Timer(PATIENCE, process.kill)
    impatience.daemon = True
    try:
        impatience.start()
        line = process.stdout.readline()
    finally:
        impatience.cancel()
    url = next((word for word in line.split() if word.startswith("http://")), None)
    if url is None:
        raise Missing("the server did not start")
    print(f"  {line.strip().partition(' (')[0]}", flush=True)
    return url


@contextlib.contextmanager
def held_back(*signals: signal.Signals) -> Iterator[None]:
    """Signals wait for the end of the block: between its start and our knowing it, a process could be left behind."""
    came: list[int] = []
    before = {each: signal.signal(each, lambda number, _frame: came.append(number)) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    if came:
        signal.raise_signal(came[0])


def show(client: Client, process: subprocess.Popen[str]) -> None:
    """The three steps, and the bill."""
    step("an answer, streamed from the server by eliza")
    streamed(client, "My screenshots never fit into a prompt.")

    step("a screenshot, as an array, to a class in AgentStudio's contract")
    screenshot = picture()
    height, width, _ = screenshot.shape
    told = whole(client, "screen", ["What do you see?", screenshot], expected="server")
    must(f"{width}×{height}" in told, "the array's shape did not arrive")
    must(f"mean {screenshot.mean():.2f}" in told, "the array's values did not arrive")
    print(f"  here its mean is {screenshot.mean():.2f}: it arrived as it was")

    step("a sum, to a class in AutoGen's contract")
    must("= 42" in whole(client, "arithmetic", "What is 6 * (3 + 4)?", expected="server"), "the sum is wrong")

    step("the server is killed, and the same client is asked again")
    process.kill()
    process.wait()
    whole(client, "eliza", "I am worried about the server.", expected="in this process")

    step("what it took")
    table(client.total_usage_summary or {})


def streamed(client: Client, said: str) -> None:
    """One answer, printed as it comes."""
    print(f"  you         {said}\n  eliza       ", end="")
    pieces = 0
    with client.create(model="eliza", messages=said, stream=True) as stream:
        for chunk in stream:
            print(chunk.text, end="", flush=True)
            pieces += bool(chunk.text)
    print(f"\n  {pieces} pieces, from: {stream.response.entry}")
    must(pieces > 3, "the answer was not streamed")
    must(stream.response.entry == "server", "the answer is not the server's")


def whole(client: Client, model: str, content: Any, expected: str) -> str:
    """One answer at once; *expected* is the entry of the config list that must give it."""
    answer = client.create(model=model, messages=[{"role": "user", "content": content}])
    said = content if isinstance(content, str) else f"{content[0]} [array {content[1].shape}]"
    print(f"  you         {said}\n  {answer.model:10}  {answer.text}\n  from: {answer.entry}")
    must(answer.entry == expected, f"the answer came from {answer.entry!r}, not {expected!r}")
    return answer.text


def picture() -> Any:
    """A made-up screenshot: a window with a title bar on a blue desktop."""
    screenshot = np.full((1080, 1920, 3), (18, 52, 110), np.uint8)
    screenshot[140:900, 260:1500] = (244, 244, 240)
    screenshot[140:190, 260:1500] = (70, 90, 130)
    return screenshot


def table(summary: dict[str, Any]) -> None:
    """Answers, tokens and cost of each model."""
    row = "  {:12} {:>7} {:>8} {:>10} {:>6} {:>10}".format
    print(row("model", "answers", "prompt", "completion", "total", "cost"))
    models = {name: counts for name, counts in summary.items() if isinstance(counts, dict)}
    for name, counts in models.items():
        cost = "unknown" if counts["cost"] is None else f"${counts['cost']:.4f}"
        tokens = (counts["prompt_tokens"], counts["completion_tokens"], counts["total_tokens"])
        print(row(name, counts["answers"], *tokens, cost))
    must({"eliza", "screen", "arithmetic"} <= models.keys(), "a model is missing from the bill")
    must(bool(summary["total_cost"]), "nothing cost anything")


def step(title: str) -> None:
    """A heading."""
    print(f"\n== {title}", flush=True)


def must(happened: bool, otherwise: str) -> None:
    """Ends the demo where something did not happen."""
    if not happened:
        raise Missing(otherwise)


if __name__ == "__main__":
    sys.exit(main())
