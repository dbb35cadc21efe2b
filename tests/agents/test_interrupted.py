"""Ctrl-C: whatever a chat waits for, its program ends at once, quietly, and leaves no process behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one program")

PREAMBLE = """
import asyncio, os, time
from modelport import ConversableAgent, GroupChat, GroupChatManager, UserProxyAgent

def agent(name, model=None, **options):
    return ConversableAgent(name, model=model, human_input_mode="NEVER", **options)

def waits(messages, **params):
    print("READY", flush=True)
    time.sleep(60)

async def a_waits(messages, **params):
    print("READY", flush=True)
    await asyncio.sleep(60)

def words(messages, **params):
    yield "a"
    waits(messages)

async def a_words(messages, **params):
    yield "a"
    await a_waits(messages)

def calls(messages, **params):
    function = {"name": "tool", "arguments": '{"messages": 1}'}
    return {"content": None, "tool_calls": [{"id": "1", "type": "function", "function": function}]}

def chat(model, *, with_tool=None, **options):
    user = agent("user")
    if with_tool:
        user.register_function({"tool": with_tool})
    return user.initiate_chat(agent("bot", model, **options), message="hi", max_turns=2)

async def a_chat(model, *, with_tool=None, **options):
    user = agent("user")
    if with_tool:
        user.register_function({"tool": with_tool})
    return await user.a_initiate_chat(agent("bot", model, **options), message="hi", max_turns=2)

def group(model):
    members = [agent("user"), agent("bot", model)]
    return GroupChatManager(GroupChat(members, [], speaker_selection_method="round_robin"))

async def blocking_in_a_loop(model, **options):
    chat(model, **options)

async def many():
    await asyncio.gather(*(a_chat(model) for model in (waits, a_waits, words, a_words) * 5))
"""

WAITING = {
    "a blocking model": "chat(waits)",
    "a coroutine function": "chat(a_waits)",
    "a generator": "chat(words)",
    "an async generator": "chat(a_words)",
    "a generator that is shown": "chat(words, stream=True)",
    "an async generator that is shown": "chat(a_words, stream=True)",
    "a blocking model, awaited": "asyncio.run(a_chat(waits))",
    "a coroutine function, awaited": "asyncio.run(a_chat(a_waits))",
    "a generator, awaited": "asyncio.run(a_chat(words, stream=True))",
    "twenty chats at once": "asyncio.run(many())",
    "a coroutine function, blocking a loop": "asyncio.run(blocking_in_a_loop(a_waits))",
    "an async generator, blocking a loop": "asyncio.run(blocking_in_a_loop(a_words, stream=True))",
    "a blocking tool": "chat(calls, with_tool=waits)",
    "an async tool": "chat(calls, with_tool=a_waits)",
    "an async tool, blocking a loop": "asyncio.run(blocking_in_a_loop(calls, with_tool=a_waits))",
    "a blocking tool, awaited": "asyncio.run(a_chat(calls, with_tool=waits))",
    "a member of a group": "agent('user').initiate_chat(group(waits), message='hi')",
    "a member of a group, awaited": "asyncio.run(agent('user').a_initiate_chat(group(a_waits), message='hi'))",
}


def _interrupt(running: "subprocess.Popen[str]") -> str:
    """Presses Ctrl-C and gives what the program said as it ended.

    Python looks for signals between its own instructions, so one that comes just before it begins to wait is seen when
    the waiting ends: of 1,500 programs of nothing but ``asyncio.run`` and a thread, on a busy machine, five missed
    theirs. Whoever sees nothing happen presses again, as this does.
    """
    for _ in range(3):
        running.send_signal(signal.SIGINT)
        try:
            return running.communicate(timeout=4)[1]
        except subprocess.TimeoutExpired:
            continue
    running.kill()
    return running.communicate()[1]


@pytest.mark.parametrize("program", WAITING.values(), ids=WAITING.keys())
def test_a_chat_that_waits_ends_with_its_program(program: str) -> None:
    # Not with -X dev: asyncio's debug mode reads source files when a task begins, and Ctrl-C in the midst of that
    # leaves one open, which is a warning about Python's own code.
    command = [sys.executable, "-W", "error", "-c", PREAMBLE + program]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if "READY" in line:
                break
        errors = _interrupt(running)

    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert "Warning" not in errors
    assert "ignored" not in errors


RUNNING_CODE = {
    "the older way": "'use_docker': False, 'work_dir': '.'",
    "an executor": "'executor': LocalCommandLineCodeExecutor(work_dir='.')",
}
BEGUN = {
    "blocking": "user.initiate_chat(bot, message='hi', max_turns=3)",
    "awaited": "asyncio.run(user.a_initiate_chat(bot, message='hi', max_turns=3))",
}


@pytest.mark.parametrize("way", RUNNING_CODE.values(), ids=RUNNING_CODE.keys())
@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN.keys())
def test_code_that_runs_dies_with_the_chat(tmp_path: Path, way: str, begun: str) -> None:
    os.mkfifo(tmp_path / "alive")
    program = f"""
from modelport.agents.code_execution import LocalCommandLineCodeExecutor
said = '''```python
import time
alive = open("alive", "w")
print("begun", file=alive, flush=True)
time.sleep(60)
```'''
user = agent("user", code_execution_config={{{way}}})
bot = agent("bot", lambda messages, **params: said)
{begun}
"""

    with subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + program], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        with (tmp_path / "alive").open() as alive:
            assert alive.readline() == "begun\n"
            running.send_signal(signal.SIGINT)
            assert alive.read() == ""  # ends when the last process that has it open does
        running.communicate(timeout=60)
