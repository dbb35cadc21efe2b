"""A model client in AutoGen's contract that does nothing, and the conversation it is asked about. Standard library."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

__all__ = ("NoOp", "conversation", "timed")


class NoOp:
    """Answers at once; the answer is made anew each time, as a real one's would be."""

    def __init__(self, config: dict[str, Any], **_: Any) -> None:
        self.model = config["model"]

    def create(self, params: dict[str, Any]) -> Any:  # noqa: ARG002
        message = SimpleNamespace(content="ok", function_call=None, tool_calls=None)
        usage = SimpleNamespace(prompt_tokens=12, completion_tokens=1, total_tokens=13)
        return SimpleNamespace(
            choices=[SimpleNamespace(message=message, finish_reason="stop")], model=self.model, usage=usage
        )

    def message_retrieval(self, response: Any) -> list[str]:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> float:  # noqa: ARG002
        return 0.0

    @staticmethod
    def get_usage(response: Any) -> dict[str, Any]:
        usage = response.usage
        return {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "cost": 0.0,
            "model": response.model,
        }


def conversation(number: int = 0) -> list[dict[str, str]]:
    """Ten messages of 200 characters; another one for each *number*."""
    roles = ("system", *("user", "assistant") * 4, "user")
    return [
        {"role": role, "content": (f"{number:08d} {turn}" + " lorem ipsum dolor sit amet" * 8)[:200]}
        for turn, role in enumerate(roles)
    ]


def timed(call: Callable[[int], Any], times: int, start: int = 0) -> float:
    """Seconds that one call took, of *times* with the numbers from *start*."""
    began = time.perf_counter()
    for number in range(start, start + times):
        call(number)
    return (time.perf_counter() - began) / times
