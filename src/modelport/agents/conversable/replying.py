"""How a reply comes about: hooks change what was said, then reply functions are asked in order. Sends nothing."""

import copy
import warnings
from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from modelport.agents.agent import Agent
from modelport.agents.checks import check_agent, check_messages, check_reply
from modelport.agents.code_execution.processes import a_stoppable
from modelport.agents.conversable.identity import Identity, Reply
from modelport.agents.conversable.making import making
from modelport.agents.turns import recorders
from modelport.errors import AgentError, SenderRequired
from modelport.storage.runtime_log import log_event, logging_enabled
from modelport.types.complaints import shown

__all__ = ("HOOKABLE_METHODS", "Replying", "takes_long", "twin_of")

F = TypeVar("F", bound=Callable[..., Any])

HOOKABLE_METHODS = (
    "process_last_received_message",
    "a_process_last_received_message",
    "process_all_messages_before_reply",
    "a_process_all_messages_before_reply",
    "process_message_before_send",
    "a_process_message_before_send",
)


def twin_of(blocking: Callable[..., Any]) -> Callable[[F], F]:
    """A coroutine function that is asked instead of *blocking* in an async chat, where both are registered."""

    def marked(function: F) -> F:
        function.blocking_twin = blocking.__qualname__  # type: ignore[attr-defined]
        return function

    return marked


def takes_long(function: F) -> F:
    """A blocking reply function that runs commands: in an async chat beside the loop, and they end where it is left."""
    function.takes_long = True  # type: ignore[attr-defined]
    return function


class Replying(Identity):
    """The part of an agent that makes replies."""

    _reply_func_list: list[dict[str, Any]]
    hook_lists: dict[str, list[Callable[..., Any]]]

    # --- reply functions ---

    def register_reply(
        self,
        trigger: Any,
        reply_func: Callable[..., Any],
        position: int = 0,
        config: Any = None,
        reset_config: Callable[..., Any] | None = None,
        *,
        ignore_async_in_sync_chat: bool = False,
        remove_other_reply_funcs: bool = False,
    ) -> None:
        """Ask *reply_func* for replies to whom *trigger* matches, before those that were registered earlier.

        *trigger* is a class of agents, a name, an agent, a function of the sender that gives a bool, None (nobody
        sent it), or a list of these. *reply_func* is called as ``reply_func(recipient, messages=…, sender=…,
        config=…)`` and gives ``(final, reply)``; the first that is final is the reply. *config* is copied shallowly
        at each ``reset()``, or given to *reset_config*.

        Raises:
            ValueError: *trigger* is none of these.
            AgentError: *reply_func* cannot be called.
        """
        if trigger is not None and not callable(trigger) and not isinstance(trigger, list | str | Identity | Agent):
            raise ValueError(
                f"trigger must be a class, a string, an agent, a callable or a list, got {type(trigger).__name__}"
            )
        if not callable(reply_func):
            raise AgentError(
                f"reply_func, registered with agent {self.name!r}, must be a function, got {shown(reply_func)}",
                param="reply_func",
            )
        entry = {
            "reply_func": reply_func,
            "trigger": trigger,
            "init_config": config,
            "config": copy.copy(config),
            "reset_config": reset_config,
            "ignore_async_in_sync_chat": iscoroutinefunction(reply_func) and ignore_async_in_sync_chat,
        }
        others = [] if remove_other_reply_funcs else self._reply_func_list[:]
        others.insert(position, entry)
        self._reply_func_list[:] = others

    def replace_reply_func(self, old_reply_func: Callable[..., Any], new_reply_func: Callable[..., Any]) -> None:
        """Ask *new_reply_func* wherever *old_reply_func* was asked."""
        for entry in self._reply_func_list:
            if entry["reply_func"] == old_reply_func:
                entry["reply_func"] = new_reply_func

    def _raise_exception_on_async_reply_functions(self) -> None:
        """Refuse a blocking chat where a reply function is a coroutine function that may not be left out."""
        entries = self._reply_func_list
        names = {
            getattr(entry["reply_func"], "__name__", repr(entry["reply_func"]))
            for entry in entries
            if not entry["ignore_async_in_sync_chat"] and iscoroutinefunction(entry["reply_func"])
        }
        if names:
            raise RuntimeError(
                "Async reply functions can only be used with ConversableAgent.a_initiate_chat(). "
                f"The following async reply functions are found: {', '.join(sorted(names))}"
            )

    def _match_trigger(self, trigger: Any, sender: Agent | None) -> bool:
        """Whether a reply function with *trigger* is asked for a reply to *sender*."""
        if trigger is None:
            return sender is None
        if isinstance(trigger, list):
            return any(self._match_trigger(each, sender) for each in trigger)
        if trigger is Agent:  # what most are; asking the protocol for each of its methods takes long
            return isinstance(sender, Identity | Agent)
        if isinstance(trigger, str):
            if sender is None:
                raise SenderRequired
            return trigger == sender.name
        if isinstance(trigger, type):
            return isinstance(sender, trigger)
        if isinstance(trigger, Identity | Agent):
            return trigger is sender or trigger == sender
        if callable(trigger):
            matches = trigger(sender)
            if not isinstance(matches, bool):
                raise AssertionError(f"trigger {trigger} must return a boolean value.")
            return matches
        raise ValueError(f"Unsupported trigger type: {type(trigger)}")

    # --- making a reply ---

    def generate_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: Agent | None = None, **kwargs: Any
    ) -> Reply:
        """The reply to *messages*, by default to what *sender* said so far; None for none.

        ``exclude=[…]`` names reply functions that are not asked. Coroutine functions are not asked here.

        Raises:
            AssertionError: both are None.
            AgentError: *messages* are no list of dicts, or *sender* is no agent.
        """
        messages = self._messages_to_reply_to(messages, sender)
        messages = self.process_all_messages_before_reply(self.process_last_received_message(messages))
        if not recorders():
            return self._ask_in_order(messages, sender, kwargs)
        with making() as took:
            reply = self._ask_in_order(messages, sender, kwargs)
            took.done(reply)
        return reply

    async def a_generate_reply(
        self, messages: list[dict[str, Any]] | None = None, sender: Agent | None = None, **kwargs: Any
    ) -> Reply:
        """As :meth:`generate_reply`; coroutine functions are asked, too, and awaited."""
        messages = self._messages_to_reply_to(messages, sender)
        messages = await self.a_process_all_messages_before_reply(messages)
        messages = await self.a_process_last_received_message(messages)
        if not recorders():
            return await self._a_ask_in_order(messages, sender, kwargs)
        with making() as took:
            reply = await self._a_ask_in_order(messages, sender, kwargs)
            took.done(reply)
        return reply

    def _messages_to_reply_to(
        self, messages: list[dict[str, Any]] | None, sender: Agent | None
    ) -> list[dict[str, Any]]:
        if sender is not None and not isinstance(sender, Identity):
            check_agent(self.name, "sender", sender)
        if messages is not None:
            check_messages(self.name, messages)
            return messages
        if sender is None:
            raise AssertionError(f"Either messages={messages!r} or sender={sender!r} must be provided.")
        return self._oai_messages[sender]

    def _ask_in_order(self, messages: Any, sender: Agent | None, options: dict[str, Any]) -> Reply:
        for entry, function in self._functions_for(sender, options):
            if iscoroutinefunction(function):
                continue
            said = function(self, messages=messages, sender=sender, config=entry["config"])
            final, reply = said if type(said) is tuple and len(said) == 2 else check_reply(self.name, function, said)
            self._log_reply(function, final, reply)
            if final:
                return reply  # type: ignore[no-any-return]
        return self._default_auto_reply

    async def _a_ask_in_order(self, messages: Any, sender: Agent | None, options: dict[str, Any]) -> Reply:
        asked: set[str] = set()  # names of functions whose coroutine twin was asked already
        for entry, function in self._functions_for(sender, options):
            config = entry["config"]
            if iscoroutinefunction(function):
                asked.add(getattr(function, "blocking_twin", ""))
                said = await function(self, messages=messages, sender=sender, config=config)
            elif getattr(function, "__qualname__", None) in asked:
                continue
            elif getattr(function, "takes_long", False):
                said = await a_stoppable(function, self, messages, sender, config)
            else:
                said = function(self, messages=messages, sender=sender, config=config)
            final, reply = said if type(said) is tuple and len(said) == 2 else check_reply(self.name, function, said)
            self._log_reply(function, final, reply)
            if final:
                return reply  # type: ignore[no-any-return]
        return self._default_auto_reply

    def _functions_for(
        self, sender: Agent | None, options: dict[str, Any]
    ) -> Iterator[tuple[dict[str, Any], Callable[..., Any]]]:
        exclude = options.get("exclude") or ()
        for entry in self._reply_func_list:
            function = entry["reply_func"]
            if function not in exclude and self._match_trigger(entry["trigger"], sender):
                yield entry, function

    def _log_reply(self, function: Callable[..., Any], final: bool, reply: Any) -> None:
        if logging_enabled():
            module, name = getattr(function, "__module__", None), getattr(function, "__name__", repr(function))
            log_event(
                self,
                "reply_func_executed",
                reply_func_module=module,
                reply_func_name=name,
                final=final,
                reply=reply,
            )

    # --- hooks ---

    def register_hook(self, hookable_method: str, hook: Callable[..., Any]) -> None:
        """Call *hook* in *hookable_method*, one of ``hook_lists``, after the hooks that are there.

        Raises:
            AssertionError: there is no such method, or the hook is there already.
        """
        if hookable_method not in self.hook_lists:
            raise AssertionError(f"{hookable_method} is not a hookable method: there are {', '.join(self.hook_lists)}.")
        hooks = self.hook_lists[hookable_method]
        if not callable(hook):
            raise AgentError(f"a hook of agent {self.name!r} must be a function, got {shown(hook)}", param="hook")
        if hook in hooks:
            raise AssertionError(f"{hook} is already registered as a hook.")
        is_async = iscoroutinefunction(hook)
        if hookable_method.startswith("a_") != is_async:
            is_, place = ("asynchronous", "synchronous") if is_async else ("synchronous", "asynchronous")
            warnings.warn(
                f"Hook '{getattr(hook, '__name__', hook)}' is {is_}, but it's being registered in a {place} context "
                f"('{hookable_method}'). Ensure the hook matches the expected execution context.",
                UserWarning,
                stacklevel=2,
            )
        hooks.append(hook)

    def _hooks(self, method: str) -> list[Callable[..., Any]]:
        """The hooks of *method* that fit its kind."""
        hooks = self.hook_lists[method]
        return [each for each in hooks if iscoroutinefunction(each) == method.startswith("a_")] if hooks else hooks

    def process_all_messages_before_reply(self, messages: Any) -> Any:
        """What the hooks make of all messages."""
        hooks = self._hooks("process_all_messages_before_reply")
        if messages is not None:
            for hook in hooks:
                messages = hook(messages)
        return messages

    async def a_process_all_messages_before_reply(self, messages: Any) -> Any:
        """What the coroutine hooks make of all messages."""
        hooks = self._hooks("a_process_all_messages_before_reply")
        if messages is not None:
            for hook in hooks:
                messages = await hook(messages)
        return messages

    def process_last_received_message(self, messages: Any) -> Any:
        """*messages*, the last one's content being what the hooks make of it."""
        hooks = self._hooks("process_last_received_message")
        if not hooks or not _may_be_changed(messages):
            return messages
        content = messages[-1]["content"]
        for hook in hooks:
            content = hook(content)
        return _with_last(messages, content)

    async def a_process_last_received_message(self, messages: Any) -> Any:
        """*messages*, the last one's content being what the coroutine hooks make of it."""
        hooks = self._hooks("a_process_last_received_message")
        if not hooks or not _may_be_changed(messages):
            return messages
        content = messages[-1]["content"]
        for hook in hooks:
            content = await hook(content)
        return _with_last(messages, content)


def _may_be_changed(messages: Any) -> bool:
    """Whether the last message is somebody's words, and not a call, a template or the wish to stop."""
    if not messages or "function_call" in messages[-1] or "context" in messages[-1]:
        return False
    content = messages[-1].get("content")
    return isinstance(content, str | list) and content != "exit"


def _with_last(messages: list[dict[str, Any]], content: Any) -> list[dict[str, Any]]:
    before = messages[-1]["content"]
    if content is before or (isinstance(content, str) and content == before):  # arrays in lists cannot be compared
        return messages
    messages[-1]["content"] = content  # in the history, too: later turns read what the hooks made of it
    return list(messages)
