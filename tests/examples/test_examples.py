"""Every file in examples/ does what it says, run the way it says."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelport import Client
from modelport.config import load
from modelport.conformance import examine
from modelport.model import Model, generate
from modelport.sync import run
from modelport.types import ChatResponse, request_from_params
from tests.examples.running import EXAMPLES, run_program, served

MODELS = {
    "function_model.py": "spell",
    "screen_model.py": "ScreenModel",
    "arithmetic_model.py": "ArithmeticClient",
    "native_model.py": "Butler",
    "crew.py": "planner",
}
EVERY_MODEL = [*MODELS.items(), ("crew.py", "worker"), ("crew.py", "chooser")]
PROGRAMS = {"client_fallback.py", "demo.py", "notebook.py", "openai_sdk.py", "remote_image.py"}
OF_AGENTS = {  # in test_agent_examples.py
    "agents.py",
    "group_chat_served.py",
    "notebook_transformers.py",
    "resumed_chat.py",
    "tiny_transformer.py",
}


def example(name: str) -> Model:
    return load(f"{EXAMPLES / name}:{MODELS[name]}")


def ask(model: Model, messages: Any, **params: Any) -> ChatResponse:
    return run(generate(model, request_from_params({"messages": messages, **params})), suspends=False)


def test_every_example_is_tested_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*MODELS, *PROGRAMS, *OF_AGENTS}


def test_every_example_is_in_the_index() -> None:
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    listed = re.findall(r"^\| \[(\w+\.py)\]\(\1\) \|", index, re.MULTILINE)

    assert sorted(listed) == sorted(path.name for path in EXAMPLES.glob("*.py"))


# --- the four ways to write a model ---


@pytest.mark.parametrize(("name", "attribute"), EVERY_MODEL)
def test_every_example_model_keeps_its_contract(name: str, attribute: str) -> None:
    report = examine(f"{EXAMPLES / name}:{attribute}", timeout=60)

    assert report.broken == ()


@pytest.mark.parametrize(("name", "attribute"), EVERY_MODEL)
def test_every_example_says_how_to_run_it(name: str, attribute: str) -> None:
    assert f"examples/{name}:{attribute}" in (EXAMPLES / name).read_text(encoding="utf-8").split('"""')[1]


def test_the_function_spells() -> None:
    assert ask(example("function_model.py"), "So it is.").text == "sierra oscar india tango india sierra"
    assert ask(example("function_model.py"), "42").text == "There is nothing to spell."


def test_the_screen_model_measures_the_array_that_it_was_given() -> None:
    model = example("screen_model.py")
    picture = np.zeros((4, 8, 3), np.uint8)
    picture[:, :, 2] = 200

    answer = ask(model, [{"role": "user", "content": ["look", picture]}])

    assert answer.text == "A picture of 8×4 pixels, mean 66.67, above all blue (0, 0, 200)."
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 2
    assert ask(model, "look").text == "I was not shown anything."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is 6 * (3 + 4)?", "6 * (3 + 4) = 42"),
        ("And 1/3?", "1/3 = 0.333333"),
        ("-2 - 3", "-2 - 3 = -5"),
        ("1/0", "1/0 cannot be worked out: division by zero."),
        ("Why?", "I see no sum in that."),
    ],
)
def test_the_arithmetic_client_works_out_sums(question: str, answer: str) -> None:
    assert ask(example("arithmetic_model.py"), question).text == answer


def test_the_arithmetic_client_takes_its_entry_and_charges() -> None:
    client = Client(
        config_list=[{"spec": f"{EXAMPLES / 'arithmetic_model.py'}:ArithmeticClient", "model": "sums", "digits": 2}]
    )

    answer = client.create(messages="1/3")

    assert (answer.text, answer.model) == ("1/3 = 0.33", "sums")
    assert answer.cost == pytest.approx(0.0004)


def test_the_native_model_thinks_calls_a_tool_and_reports() -> None:
    model = example("native_model.py")
    asked: list[dict[str, Any]] = [{"role": "user", "content": "What time is it?"}]

    call = ask(model, asked, tools=[{"type": "function", "function": {"name": "clock"}}])
    assert call.message.tool_calls is not None
    told = ask(model, [*asked, {"role": "tool", "tool_call_id": call.message.tool_calls[0].id, "content": "noon"}])

    assert call.choices[0].finish_reason == "tool_calls"
    assert call.message.reasoning == "This calls for clock."
    assert told.text == "Very good. I have been told: noon"


# --- programs ---


def test_the_client_falls_back() -> None:
    printed = run_program("client_fallback.py")

    assert printed.startswith("steady: You said: Is anybody there?\n")
    assert "steady: cost $" in printed


def test_the_notebook_calls_from_a_running_loop() -> None:
    assert run_program("notebook.py").splitlines() == [
        "create(): desserts",
        "acreate(), two at once: reward spot",
        "streamed: evil",
    ]


def test_the_openai_sdk_uses_what_is_served() -> None:
    with served("eliza") as url:
        printed = run_program("openai_sdk.py", url)

    assert printed.splitlines() == [
        "served: eliza",
        "whole: Suppose you had a holiday tomorrow. What would change?",
        "streamed: Your| boss| never| listens| to| you.| Go| on.|",
    ]


def test_an_array_reaches_a_remote_model_as_it_was() -> None:
    with served(f"{EXAMPLES / 'screen_model.py'}:ScreenModel") as url:
        printed = run_program("remote_image.py", url)

    assert printed.count("A picture of 1920×1080 pixels, mean 31.83, above all blue (8, 31, 56).") == 2


# --- the demo ---


def test_the_demo_does_all_that_it_promises_and_leaves_nothing_behind() -> None:
    printed = run_program("demo.py")

    assert "from: server" in printed
    assert "eliza       I am sorry to hear that you are worried." in printed
    assert "from: in this process" in printed
    assert "A picture of 1920×1080 pixels" in printed
    assert re.search(r"eliza +2 .*\n +screen +1 .*\n +arithmetic +1 .*\$0\.00", printed)
    seconds = re.search(r"All of it in ([\d.]+) s", printed)
    assert seconds is not None
    assert float(seconds[1]) < 10


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for child processes in /proc")
@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_demo_takes_its_server_with_it_when_it_is_stopped(how: signal.Signals, status: int) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-u", str(EXAMPLES / "demo.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert demo.stdout is not None
    try:
        line = demo.stdout.readline()
        while b"modelport serve" not in line:
            line = demo.stdout.readline()
        children = _children_of(demo.pid)
        demo.send_signal(how)
        demo.stdout.read()
        assert demo.wait(timeout=60) == status
    finally:
        demo.kill()
        demo.stdout.close()
        demo.wait()
    assert [child for child in children if Path(f"/proc/{child}").is_dir()] == []


def _children_of(pid: int) -> list[int]:
    """At least one: waits for it."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        if children:
            return [int(child) for child in children]
    raise AssertionError("the demo started no server")


def test_the_demo_fails_where_the_server_does_not_come_up(tmp_path: Path) -> None:
    for name in ("demo.py", "arithmetic_model.py"):
        (tmp_path / name).write_bytes((EXAMPLES / name).read_bytes())  # and no screen_model.py

    done = subprocess.run(
        [sys.executable, str(tmp_path / "demo.py")], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 1
    assert "The demo failed: the server did not start" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_served_models_are_those_of_the_examples(tmp_path: Path) -> None:
    specs = [f"{EXAMPLES / name}:{attribute}" for name, attribute in MODELS.items()]
    ready = tmp_path / "ready.json"

    with served(*specs, "--ready-file", str(ready)):
        models = json.loads(ready.read_text(encoding="utf-8"))["models"]

    assert models == ["spell", "screen", "ArithmeticClient", "butler", "planner"]
