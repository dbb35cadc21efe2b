"""The examples of agents: each is run as a process, and does what it says."""

import importlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from modelport import autogen
from tests.examples.running import EXAMPLES, run_program

TRAINING = pytest.mark.timeout(150)  # seconds: importing PyTorch and training take ten, where the machine is not busy


# --- agents.py ---


def test_two_agents_talk_are_shown_and_become_a_page(tmp_path: Path) -> None:
    page = tmp_path / "chat.html"

    printed = run_program("agents.py", str(page))

    assert printed.count("doctor (to guest):") == 3
    assert re.search(r"doctor → guest .* eliza · \d+ tokens in, \d+ out", printed)
    assert f"as a page: {page.as_uri()}" in printed
    assert "I dreamt that my program talked back." in page.read_text(encoding="utf-8")


def test_a_hundred_chats_at_once_need_one_thread_and_wait_together(tmp_path: Path) -> None:
    printed = run_program("agents.py", str(tmp_path / "chat.html"))

    found = re.search(r"100 chats at once, 900 answers: ([\d.]+) s, in 1 thread\(s\)", printed)
    assert found is not None
    assert float(found[1]) < 10  # one after the other they take 45 s


# --- group_chat_served.py ---


def test_a_group_with_tools_talks_through_served_models_and_the_server_ends() -> None:
    printed = run_program("group_chat_served.py")

    assert re.findall(r"Next speaker: (\w+)", printed) == ["planner", "worker", "tools", "worker", "planner"]
    assert re.findall(r"Suggested tool call .*: (\w+) ", printed) == ["forecast"] * 3
    assert [json.loads(each) for each in re.findall(r'^\{"city".*"celsius".*$', printed, re.MULTILINE)] == [
        {"city": "Oslo", "celsius": -3},
        {"city": "Lima", "celsius": 24},
        {"city": "Quito", "celsius": 15},
    ]
    assert "conclusion: It is warmest in Lima, with 24 °C." in printed
    assert "came over the wire in 11 pieces" in printed
    for model in ("planner", "worker", "chooser"):
        assert re.search(rf"^  {model} +[1-9]\d* prompt +[1-9]\d* completion$", printed, re.MULTILINE)
    process = re.search(r"\[process (\d+)\]", printed)
    assert process is not None
    assert int(process[1]) != os.getpid()
    assert "the server has ended, with status 0" in printed
    assert not Path(f"/proc/{process[1]}").is_dir()


# --- resumed_chat.py ---


def test_a_killed_chat_ends_as_it_would_have_undisturbed() -> None:
    printed = run_program("resumed_chat.py")

    assert re.search(r"^killed by SIGKILL after (\d+) answers", printed, re.MULTILINE)
    assert "together: 17 messages, 7 22 11 34 17 52 26 13 40 20 10 5 16 8 4 2 1\n" in printed
    assert printed.endswith("the same transcript: True\n")
    saved, more = re.search(r"in its file: (\d+)", printed), re.search(r"it made (\d+) answers more", printed)
    assert saved is not None
    assert more is not None
    assert int(saved[1]) + int(more[1]) == 17
    assert int(saved[1]) > 1


def test_the_game_by_itself_goes_on_and_is_over_once_it_is_over(tmp_path: Path) -> None:
    path = str(tmp_path / "chat.db")

    first, second = run_program("resumed_chat.py", path), run_program("resumed_chat.py", path)

    assert first.count("answered") == 16
    assert first.endswith("the game ended with 1\n")
    assert second == "the game ended with 1\n"


# --- notebook_transformers.py, tiny_transformer.py ---

CODE = """\
```python
previous, current = 0, 1
for _ in range(10):
    print(previous, end=" ")
    previous, current = current, previous + current
```
"""
RAN = "exitcode: 0 (execution succeeded)\nCode output: \n0 1 1 2 3 5 8 13 21 34 \n"
ENDED = "The tenth Fibonacci number is 34.\n\nTERMINATE\n"


@TRAINING
@pytest.mark.slow
@pytest.mark.parametrize(("option", "typed"), [((), ""), (("--ask",), "\nexit\n" * 2)])
def test_a_local_model_writes_code_that_is_run_and_it_reads_the_result(option: tuple[str, ...], typed: str) -> None:
    printed = run_program("notebook_transformers.py", *option, typed=typed, timeout=120)

    model = re.compile(r"CustomModelClient config: (.*)\nLoaded model tiny-model to cpu\n")
    assert "'device': 'cpu', 'n': 1, 'params': {'max_length': 200}" in model.findall(printed)[0]
    assert printed.count("CustomModelClientWithArguments config: ") == 1
    for said in (CODE, RAN, ENDED, "The code was run, and printed: 0 1 1 2 3 5 8 13 21 34\n"):
        assert printed.count(said) == 2, said
    assert printed.count(">>>>>>>> EXECUTING CODE BLOCK 0 (inferred language is python)...") == 2
    assert re.search(r"Model 'tiny-model': cost: 0.0, prompt_tokens: \d{3}, completion_tokens: \d\d", printed)


@TRAINING
@pytest.mark.slow
def test_a_loaded_model_is_handed_over_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    notebook: Any = importlib.import_module("notebook_transformers")
    dialogue = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "Hello! TERMINATE"},
    ]
    notebook.make("tiny", [dialogue])
    loaded_model = notebook.AutoModelForCausalLM.from_pretrained("tiny")
    tokenizer = notebook.AutoTokenizer.from_pretrained("tiny")
    made: list[Any] = []

    class Kept(notebook.CustomModelClientWithArguments):  # type: ignore[misc]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            made.append(self)

    entry = {"model": "tiny", "model_client_cls": "Kept", "params": {"max_length": 20}}
    assistant = autogen.AssistantAgent("assistant", "Be brief.", llm_config={"config_list": [entry]})
    user_proxy = autogen.UserProxyAgent("user_proxy", human_input_mode="NEVER", code_execution_config=False)
    assistant.register_model_client(model_client_cls=Kept, loaded_model=loaded_model, tokenizer=tokenizer)
    chat = user_proxy.initiate_chat(assistant, message="Hello?", max_turns=1, silent=True)

    assert chat.chat_history[-1]["content"] == "Hello! TERMINATE"
    assert [each.model for each in made] == [loaded_model]
    assert made[0].model is loaded_model
    assert made[0].tokenizer is tokenizer


@TRAINING
@pytest.mark.slow
def test_a_tiny_model_is_a_folder_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr(sys, "argv", ["tiny_transformer.py", str(tmp_path / "tiny")])

    importlib.import_module("tiny_transformer").main()

    printed = capsys.readouterr().out
    assert "config.json" in printed
    assert "model.safetensors" in printed
    assert "tokenizer.json" in printed
