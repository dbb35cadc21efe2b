"""A chat from its first message to its summary, in blocking and in async programs."""

from collections.abc import Callable
from inspect import isawaitable
from os import PathLike
from typing import Any

from modelport.agents.carrying import with_carryover
from modelport.agents.chat import ChatResult, a_initiate_chats, initiate_chats
from modelport.agents.checks import consolidate_chat_info
from modelport.agents.conversable.judging import Judging
from modelport.agents.conversable.plan import Plan
from modelport.agents.conversable.summarizing import Summarizing
from modelport.agents.resuming import a_open_saved, open_saved
from modelport.errors import AgentError

__all__ = ("Chatting",)

_SummaryMethod = str | Callable[..., Any] | None


class Chatting(Judging, Summarizing):
    """The part of an agent that begins chats."""

    _finished_chats: Any

    def initiate_chat(
        self,
        recipient: Any,
        clear_history: bool = True,
        silent: bool | None = False,
        cache: Any = None,
        max_turns: int | None = None,
        summary_method: _SummaryMethod = Summarizing.DEFAULT_SUMMARY_METHOD,
        summary_args: dict[str, Any] | None = None,
        message: dict[str, Any] | str | Callable[..., Any] | None = None,
        *,
        save: str | PathLike[str] | None = None,
        resume: bool = False,
        **kwargs: Any,
    ) -> ChatResult:
        """Talk with *recipient* until one of the two has no reply, or for *max_turns* turns each.

        *message* begins: text, a dict, a function of ``(sender, recipient, kwargs)``, or None to ask a person.
        ``carryover`` in *kwargs*, text or a list, is put at its end. *cache* is the models' for this chat. The summary
        is by *summary_method*: ``"last_msg"``, ``"reflection_with_llm"`` (with ``summary_prompt``, ``summary_role`` in
        *summary_args*), a function of ``(sender, recipient, summary_args)``, or None.

        *save* is the path of a journal, to which each message is written as it is said: ``modelport.resume`` continues
        the chat after its process has died. So does the same program, run again, with *resume*: a chat that was broken
        off goes on, one that was finished is given as it ended, and one that is not in the file begins.

        Raises:
            JournalError: the journal cannot be used, or failed on the way.
            RuntimeError: a reply function is a coroutine function; or a model client is not registered.
        """
        plan = self._plan(recipient, clear_history, silent, cache, max_turns, message, kwargs, blocking=True)
        plan.check(summary_method, summary_args)
        for agent in (self, recipient):
            agent._raise_exception_on_async_reply_functions()
        saved = open_saved(save, self, recipient, resume=resume)
        if saved.ended:
            return saved.result()
        with plan.under_way(), saved:
            if saved.is_new:
                plan.prepare(saved, summary_method, summary_args)
                said = plan.first_message(self.generate_init_message)
                if said is not None:
                    self.send(said, recipient, request_reply=plan.request_reply, silent=silent)
                    self._lead(plan.more_turns, recipient, silent)
            else:
                self._lead(saved.settle(max_turns, silent), recipient, silent)
            summary = self._summarize_chat(summary_method, summary_args, recipient, cache)
            result = plan.result(summary, saved.turns)
            saved.end(result)
        return result

    async def a_initiate_chat(
        self,
        recipient: Any,
        clear_history: bool = True,
        silent: bool | None = False,
        cache: Any = None,
        max_turns: int | None = None,
        summary_method: _SummaryMethod = Summarizing.DEFAULT_SUMMARY_METHOD,
        summary_args: dict[str, Any] | None = None,
        message: dict[str, Any] | str | Callable[..., Any] | None = None,
        *,
        save: str | PathLike[str] | None = None,
        resume: bool = False,
        **kwargs: Any,
    ) -> ChatResult:
        """As :meth:`initiate_chat`, awaited: any number of chats at once on one loop."""
        plan = self._plan(recipient, clear_history, silent, cache, max_turns, message, kwargs, blocking=False)
        plan.check(summary_method, summary_args)
        saved = await a_open_saved(save, self, recipient, resume=resume)
        if saved.ended:
            return saved.result()
        with plan.under_way(), saved:
            if saved.is_new:
                plan.prepare(saved, summary_method, summary_args)
                first = plan.first_message(self.a_generate_init_message)
                said = await first if isawaitable(first) else first
                if said is not None:
                    await self.a_send(said, recipient, request_reply=plan.request_reply, silent=silent)
                    await self._a_lead(plan.more_turns, recipient, silent)
            else:
                await self._a_lead(await saved.a_settle(max_turns, silent), recipient, silent)
            summary = await self._a_summarize_chat(summary_method, summary_args, recipient, cache)
            result = plan.result(summary, saved.turns)
            await saved.a_end(result)
        return result

    def _plan(
        self,
        recipient: Any,
        clear_history: bool,
        silent: bool | None,
        cache: Any,
        max_turns: int | None,
        message: Any,
        context: dict[str, Any],
        *,
        blocking: bool,
    ) -> Plan:
        return Plan(
            sender=self,
            recipient=recipient,
            clear_history=clear_history,
            silent=silent,
            cache=cache,
            max_turns=max_turns,
            message=message,
            context=context,
            blocking=blocking,
        )

    def _lead(self, turns: int, recipient: Any, silent: bool | None) -> None:
        """Go on for *turns* turns, or until there is no reply."""
        for _ in range(turns):
            reply = self.generate_reply(messages=self.chat_messages[recipient], sender=recipient)
            if reply is None:
                return
            self.send(reply, recipient, request_reply=True, silent=silent)

    async def _a_lead(self, turns: int, recipient: Any, silent: bool | None) -> None:
        for _ in range(turns):
            reply = await self.a_generate_reply(messages=self.chat_messages[recipient], sender=recipient)
            if reply is None:
                return
            await self.a_send(reply, recipient, request_reply=True, silent=silent)

    def _prepare_chat(
        self, recipient: Any, clear_history: bool, prepare_recipient: bool = True, reply_at_receive: bool = True
    ) -> None:
        """Begin anew with *recipient*, and let it do the same with this agent."""
        if clear_history:
            self._human_input = []
            self.clear_history(recipient)
        self.reply_at_receive[recipient] = reply_at_receive
        self.reset_consecutive_auto_reply_counter(recipient)
        if prepare_recipient:
            recipient._prepare_chat(self, clear_history, prepare_recipient=False, reply_at_receive=reply_at_receive)

    # --- the first message ---

    def generate_init_message(self, message: dict[str, Any] | str | None, **kwargs: Any) -> str | dict[str, Any]:
        """The first message of a chat: *message*, or what a person says, with what ``carryover`` brings."""
        return self._handle_carryover(self.get_human_input(">") if message is None else message, kwargs)

    async def a_generate_init_message(
        self, message: dict[str, Any] | str | None, **kwargs: Any
    ) -> str | dict[str, Any]:
        """As :meth:`generate_init_message`, awaiting the person."""
        return self._handle_carryover(await self.a_get_human_input(">") if message is None else message, kwargs)

    def _handle_carryover(self, message: str | dict[str, Any], kwargs: dict[str, Any]) -> str | dict[str, Any]:
        said: str | dict[str, Any] = with_carryover(message, kwargs)
        return said

    # --- several chats ---

    def initiate_chats(self, chat_queue: list[dict[str, Any]]) -> list[ChatResult]:
        """Hold the chats of *chat_queue* one after another; summaries are carried over. See :func:`initiate_chats`."""
        results = initiate_chats(self._with_sender(chat_queue))
        self._finished_chats = results
        return results

    async def a_initiate_chats(self, chat_queue: list[dict[str, Any]]) -> dict[int, ChatResult]:
        """Hold them at once, each as soon as its ``prerequisites`` are done. See :func:`a_initiate_chats`."""
        results = await a_initiate_chats(self._with_sender(chat_queue))
        self._finished_chats = results
        return results

    def get_chat_results(self, chat_index: int | None = None) -> Any:
        """The results of the last ``initiate_chats``; or that of one chat, by index (async: by ``chat_id``)."""
        finished = getattr(self, "_finished_chats", None)
        if finished is None:
            raise AgentError(f"agent {self.name!r} has held no chats yet: call initiate_chats() first")
        return finished if chat_index is None else finished[chat_index]

    def _with_sender(self, chat_queue: list[dict[str, Any]]) -> list[dict[str, Any]]:
        consolidate_chat_info(chat_queue, self)
        for chat in chat_queue:
            if chat.get("sender") is None:
                chat["sender"] = self
        return list(chat_queue)
