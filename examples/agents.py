"""Two agents talk: streamed to the terminal, shown with time and tokens, as a page, and a hundred times at once.

python examples/agents.py [PAGE.html]
"""

import asyncio
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from modelport import ChatResult, ConversableAgent

WORRIES = (
    "I dreamt that my program talked back.",
    "It said that I never listen to it.",
    "Perhaps it is right. My friends say so too.",
)
CHATS, TURNS, WAIT = 100, 5, 0.05


def visitor(messages: list[dict[str, Any]], **params: Any) -> str:
    """A model can be a function. This one has something to say as long as there are worries left."""
    said = sum(message["role"] == "assistant" for message in messages)
    return WORRIES[said % len(WORRIES)]


def talk() -> ChatResult:
    """`model` takes whatever modelport can load: a name, a file and a class, an address, a function, an object."""
    doctor = ConversableAgent("doctor", model="eliza", stream=True, human_input_mode="NEVER")
    guest = ConversableAgent("guest", model=visitor, human_input_mode="NEVER")

    return guest.initiate_chat(doctor, message=WORRIES[0], max_turns=3)


async def waiting(messages: list[dict[str, Any]], **params: Any) -> str:
    """A model behind a network: it waits, and holds no thread while it does."""
    await asyncio.sleep(WAIT)
    return f"message {len(messages)}"


async def one(number: int) -> ChatResult:
    """One of many chats."""
    left = ConversableAgent(f"left {number}", model=waiting, human_input_mode="NEVER")
    right = ConversableAgent(f"right {number}", model=waiting, human_input_mode="NEVER")
    return await left.a_initiate_chat(right, message="Begin.", max_turns=TURNS, silent=True)


async def many() -> None:
    """All at once, on one loop."""
    began = time.perf_counter()
    chats = await asyncio.gather(*map(one, range(CHATS)))
    seconds = time.perf_counter() - began

    answers = sum(turn.model is not None for chat in chats for turn in chat.turns)
    print(f"{len(chats)} chats at once, {answers} answers: {seconds:.2f} s, in {threading.active_count()} thread(s)")
    print(f"one after the other, the models alone would take {answers * WAIT:.0f} s")


def main() -> None:
    """The talk, its two views, and the hundred."""
    chat = talk()

    chat.print()

    page = Path(sys.argv[1] if len(sys.argv) > 1 else Path(tempfile.gettempdir(), "chat.html")).absolute()
    chat.html(page)
    print(f"\nas a page: {page.as_uri()}\n")

    asyncio.run(many())


if __name__ == "__main__":
    main()
