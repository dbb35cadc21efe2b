"""One chat that is to be held: who with whom, how far, and what is done around it. Sends nothing itself."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import iscoroutinefunction
from typing import Any

from msgspec import Struct

from modelport.agents.chat import ChatResult
from modelport.agents.checks import check_summary_method
from modelport.agents.conversable.asking import QUIET
from modelport.agents.tools.signatures import is_async
from modelport.agents.turns import Turn, recording
from modelport.agents.usage import gather_usage_summary
from modelport.errors import AgentError
from modelport.types.complaints import shown

__all__ = ("Plan",)


class Plan(Struct, kw_only=True):
    """What ``initiate_chat`` was asked for."""

    sender: Any
    recipient: Any
    clear_history: bool
    silent: bool | None
    cache: Any
    max_turns: int | None
    message: Any
    context: dict[str, Any]
    blocking: bool
    turns: list[Turn] = []

    def check(self, summary_method: Any, summary_args: Any) -> None:
        """Refuse what cannot work, before anything is said.

        Raises:
            AssertionError, AgentError: naming what is wrong.
        """
        check_summary_method(self.sender, self.recipient, summary_method)
        if self.blocking and is_async(summary_method):
            raise AgentError(
                "summary_method is a coroutine function, which only a_initiate_chat() can await", param="summary_method"
            )
        if self.max_turns is not None and not isinstance(self.max_turns, int):
            raise AgentError(
                f"max_turns must be a whole number or None for no limit, got {shown(self.max_turns)}",
                param="max_turns",
            )
        if summary_args is not None and not isinstance(summary_args, Mapping):
            raise AgentError(f"summary_args must be a dict or None, got {shown(summary_args)}", param="summary_args")
        if isinstance(self.recipient, type) or not hasattr(self.recipient, "_prepare_chat"):
            raise AgentError(f"recipient must be a ConversableAgent, got {shown(self.recipient)}", param="recipient")

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """The chat's cache, recorder and silence, for as long as it runs; and what was there before, afterwards."""
        both = (self.sender, self.recipient)
        before = [(agent, agent.client_cache, agent.previous_cache) for agent in both]
        for agent in both:
            agent.previous_cache = agent.client_cache
            agent.client_cache = self.cache
        quiet = QUIET.set(bool(self.silent))
        try:
            with recording(self):
                yield
        finally:
            QUIET.reset(quiet)
            for agent, cache, previous in reversed(before):
                agent.client_cache, agent.previous_cache = cache, previous

    def record(self, turn: Turn) -> None:
        """Note what was said: this is a :class:`modelport.agents.turns.Recorder`."""
        self.turns.append(turn)

    def prepare(self, saved: Any, summary_method: Any, summary_args: Any) -> None:
        """Clear counters, and histories where that is asked for; what is *saved* of the chat begins here."""
        self.sender._prepare_chat(self.recipient, self.clear_history, reply_at_receive=self.max_turns is None)
        saved.begin(
            max_turns=self.max_turns,
            silent=self.silent,
            summary_method=summary_method,
            summary_args=summary_args,
            message=self.message,
            context=self.context,
        )

    @property
    def request_reply(self) -> bool | None:
        """With a limit the sender leads, turn by turn; without one the two reply of their own accord."""
        return None if self.max_turns is None else True

    @property
    def more_turns(self) -> int:
        """How many turns the sender leads after the first."""
        return 0 if self.max_turns is None else max(self.max_turns - 1, 0)

    def first_message(self, given: Callable[..., Any]) -> Any:
        """What the chat begins with, or an awaitable of it; None for nothing.

        A function makes it, or *given* does from the message that was given (``generate_init_message``).
        """
        make = self.message
        if self.max_turns is not None and self.max_turns < 1:
            return None
        if not callable(make):
            return given(make, **self.context)
        if self.blocking and iscoroutinefunction(make):
            raise AgentError("message is a coroutine function, which only a_initiate_chat() can await", param="message")
        return make(self.sender, self.recipient, self.context)

    def result(self, summary: Any, earlier: tuple[Turn, ...] = ()) -> ChatResult:
        """What came of the chat."""
        return ChatResult(
            chat_history=list(self.sender.chat_messages[self.recipient]),  # the next chat clears theirs
            summary=summary,
            cost=gather_usage_summary([self.sender, self.recipient]),
            human_input=self.sender._human_input,
            turns=(*earlier, *self.turns),
        )
