"""Two agents with a model client that does nothing, and turns of theirs that are timed. Runs under AutoGen and ours."""

import time
from types import ModuleType
from typing import Any

from bench.programs.noop import NoOp

__all__ = ("chat", "pair", "turn")

_CONFIG: dict[str, Any] = {"config_list": [{"model": "noop", "model_client_cls": "NoOp"}], "cache_seed": None}


def pair(autogen: ModuleType) -> tuple[Any, Any]:
    """Two agents that never stop of their own accord."""
    both = []
    for name in ("one", "other"):
        agent = autogen.ConversableAgent(
            name, llm_config=_CONFIG, human_input_mode="NEVER", max_consecutive_auto_reply=10**9
        )
        agent.register_model_client(NoOp)
        both.append(agent)
    return both[0], both[1]


def chat(autogen: ModuleType, turns: int) -> float:
    """Seconds of one message in a silent chat of *turns* turns each."""
    one, other = pair(autogen)
    began = time.perf_counter()
    one.initiate_chat(other, message="go", max_turns=turns, silent=True)
    return (time.perf_counter() - began) / (2 * turns)


def turn(autogen: ModuleType, before: int, times: int) -> float:
    """Seconds that one message takes with *before* messages of 200 characters said already; *times* are timed."""
    one, other = pair(autogen)
    for number in range(before):
        for agent, partner in ((one, other), (other, one)):
            mine = (number % 2 == 0) == (agent is one)
            said = {"content": f"{number:06d}" + "x" * 194, "role": "assistant" if mine else "user"}
            agent._oai_messages[partner].append({**said, "name": "one" if number % 2 == 0 else "other"})
    one._prepare_chat(other, clear_history=False, reply_at_receive=False)
    began = time.perf_counter()
    for _ in range(times):
        said = one.generate_reply(messages=one.chat_messages[other], sender=other)
        one.send(said, other, request_reply=True, silent=True)
    return (time.perf_counter() - began) / (2 * times)
