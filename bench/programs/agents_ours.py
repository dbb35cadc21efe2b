"""Turns of our agents, many chats on one loop, and what a journal costs whoever talks."""

import asyncio
import resource
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from bench.programs.talk import serve
from bench.programs.turns import chat, turn
from modelport import ConversableAgent, autogen
from modelport.storage.journal import open_journal

_TEXT = "x" * 200


async def _reply(messages: list[dict[str, Any]], **_: Any) -> str:
    await asyncio.sleep(0)
    return f"{len(messages)}"


async def _chats(number: int, turns: int) -> dict[str, float]:
    pairs = [
        tuple(ConversableAgent(f"{name}{index}", model=_reply, human_input_mode="NEVER") for name in ("one", "other"))
        for index in range(number)
    ]
    most = 0

    async def hold(one: ConversableAgent, other: ConversableAgent) -> int:
        nonlocal most
        result = await one.a_initiate_chat(other, message="go", max_turns=turns, silent=True)
        most = max(most, threading.active_count())
        return len(result.chat_history)

    began = time.perf_counter()
    said = await asyncio.gather(*(hold(one, other) for one, other in pairs))
    seconds = time.perf_counter() - began
    assert set(said) == {2 * turns}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "threads": most, "messages": sum(said), "mib": memory}


def chats(number: int, turns: int) -> dict[str, float]:
    """*number* chats of two agents, *turns* turns each, all at once."""
    return asyncio.run(_chats(number, turns))


def copy_of_list(length: int, times: int) -> float:
    """Seconds that a copy of a list of *length* messages takes: what a turn with that many may grow by."""
    messages = [{"content": _TEXT, "role": "user"} for _ in range(length)]
    began = time.perf_counter()
    for _ in range(times):
        messages.copy()
    return (time.perf_counter() - began) / times


def journal(times: int) -> dict[str, float]:
    """Seconds on the caller's path for one message, and from there until it is durable."""
    kept = open_journal(Path("bench-journal.db"))
    data = {"sender": "one", "recipient": "other", "message": {"content": _TEXT, "role": "assistant", "name": "one"}}
    kept.append("turn", data).wait()
    began = time.perf_counter()
    for _ in range(times):
        kept.append("turn", data)
    took = (time.perf_counter() - began) / times
    kept.flush()
    waits = []
    for _ in range(min(times, 50)):
        began = time.perf_counter()
        kept.append("turn", data).wait()
        waits.append(time.perf_counter() - began)
    return {
        "append": took,
        "durable": sorted(waits)[int(len(waits) * 0.99) - 1],
        "median": sorted(waits)[len(waits) // 2],
    }


def main() -> None:
    """Serves the commands; the journal goes into the working directory."""
    serve(
        chat=partial(chat, autogen),
        turn=partial(turn, autogen),
        chats=chats,
        copy_of_list=copy_of_list,
        journal=journal,
    )


if __name__ == "__main__":
    main()
