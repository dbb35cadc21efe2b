"""How messages go from one agent to another and into both histories. Decides nothing about what is said."""

import time
from typing import Any

from modelport.agents.agent import Agent
from modelport.agents.checks import check_agent
from modelport.agents.conversable.history import History, as_message, history_message
from modelport.agents.conversable.making import made
from modelport.agents.conversable.printing import print_message, print_rest
from modelport.agents.conversable.replying import Replying
from modelport.agents.iostream import IOStream, colored
from modelport.agents.turns import Turn, recorders
from modelport.errors import AgentError
from modelport.storage.runtime_log import log_event, logging_enabled

__all__ = ("Talking",)

_NOTHING_SAID = (
    "{} can't be converted into a valid ChatCompletion message. Either content or function_call must be provided. "
    "(What {!r} says to {!r}.)"
)


class Talking(Replying):
    """The part of an agent that gives and takes messages."""

    def send(
        self,
        message: dict[str, Any] | str,
        recipient: Agent,
        request_reply: bool | None = None,
        silent: bool | None = False,
    ) -> None:
        """Give *message* to *recipient*, and wait until the talk that it starts is over.

        *message* is text or a dict with ``content``, ``tool_calls``, ``function_call``, ``context`` (from which
        templates in the content are filled), ``name`` or ``role``. *request_reply* None leaves it to the recipient
        whether to reply. *silent* prints nothing.

        Raises:
            ValueError: the message says nothing.
            AgentError: *recipient* is no agent, or the message neither text nor a dict.
        """
        check_agent(self.name, "recipient", recipient)
        message = self._process_message_before_send(message, recipient, self._is_silent(self, silent))
        self._sent(message, recipient, request_reply)
        recipient.receive(message, self, request_reply, silent)  # type: ignore[call-arg]

    async def a_send(
        self,
        message: dict[str, Any] | str,
        recipient: Agent,
        request_reply: bool | None = None,
        silent: bool | None = False,
    ) -> None:
        """As :meth:`send`, awaited."""
        check_agent(self.name, "recipient", recipient)
        message = await self._a_process_message_before_send(message, recipient, self._is_silent(self, silent))
        self._sent(message, recipient, request_reply)
        await recipient.a_receive(message, self, request_reply, silent)  # type: ignore[call-arg]

    def receive(
        self,
        message: dict[str, Any] | str,
        sender: Agent,
        request_reply: bool | None = None,
        silent: bool | None = False,
    ) -> None:
        """Take *message*; reply to *sender* where *request_reply* says so, or a chat with it is under way.

        Raises:
            ValueError: the message says nothing.
        """
        check_agent(self.name, "sender", sender)
        self._process_received_message(message, sender, silent)
        if self._stays_quiet(sender, request_reply):
            return
        reply = self.generate_reply(messages=self.chat_messages[sender], sender=sender)
        # From here on the two take turns. That is a loop where both send and receive as this class does, so that a
        # long talk needs no deep stack; an agent that has ways of its own is asked to send.
        speaker, listener = self, sender
        while reply is not None:
            if not (speaker._talks_plainly() and isinstance(listener, Talking) and listener._talks_plainly()):
                speaker.send(reply, listener, silent=silent)
                return
            said = speaker._process_message_before_send(reply, listener, speaker._is_silent(speaker, silent))
            speaker._sent(said, listener, None, reply)
            listener._process_received_message(said, speaker, silent)
            if listener._stays_quiet(speaker, None):
                return
            speaker, listener = listener, speaker
            reply = speaker.generate_reply(messages=speaker.chat_messages[listener], sender=listener)

    async def a_receive(
        self,
        message: dict[str, Any] | str,
        sender: Agent,
        request_reply: bool | None = None,
        silent: bool | None = False,
    ) -> None:
        """As :meth:`receive`, awaited."""
        check_agent(self.name, "sender", sender)
        self._process_received_message(message, sender, silent)
        if self._stays_quiet(sender, request_reply):
            return
        reply = await self.a_generate_reply(sender=sender)
        speaker, listener = self, sender
        while reply is not None:
            if not (speaker._talks_plainly() and isinstance(listener, Talking) and listener._talks_plainly()):
                await speaker.a_send(reply, listener, silent=silent)
                return
            said = await speaker._a_process_message_before_send(reply, listener, speaker._is_silent(speaker, silent))
            speaker._sent(said, listener, None, reply)
            listener._process_received_message(said, speaker, silent)
            if listener._stays_quiet(speaker, None):
                return
            speaker, listener = listener, speaker
            reply = await speaker.a_generate_reply(sender=listener)

    def _talks_plainly(self) -> bool:
        """Nobody changed what sending and receiving mean for this agent."""
        kind = type(self)
        return (
            kind.send is Talking.send
            and kind.receive is Talking.receive
            and kind.a_send is Talking.a_send
            and kind.a_receive is Talking.a_receive
            and _TALK.isdisjoint(self.__dict__)
        )

    def _stays_quiet(self, sender: Agent, request_reply: bool | None) -> bool:
        return request_reply is False or (request_reply is None and not self.reply_at_receive[sender])

    # --- what is kept ---

    def _append_oai_message(
        self, message: dict[str, Any] | str, role: str, conversation_id: Agent, is_sending: bool
    ) -> bool:
        """Keep *message* in the history with *conversation_id*; False where it says nothing.

        *role* is the speaker's part in this history, "assistant" where *is_sending*.
        """
        speaker = self.name if is_sending else conversation_id.name
        kept = history_message(as_message(message, speaker), role, speaker)
        if kept is None:
            return False
        self._oai_messages[conversation_id].append(kept)
        return True

    def _sent(self, message: Any, recipient: Agent, request_reply: bool | None, reply: Any = None) -> None:
        """Keep and record what this agent says; *reply* is what was generated, where hooks changed it since."""
        if not self._append_oai_message(message, "assistant", recipient, is_sending=True):
            raise ValueError(_NOTHING_SAID.format("Message", self.name, recipient.name))
        if recorders():
            self._record(message if reply is None else reply, recipient, request_reply)

    def _record(self, message: Any, recipient: Agent, request_reply: bool | None) -> None:
        took = made(message)
        turn = Turn(
            sender=self.name,
            recipient=recipient.name,
            message=self._oai_messages[recipient][-1],
            time=time.time(),
            asks=request_reply,
            seconds=None if took is None else took.seconds,
            model=None if took is None else took.model,
            usage=None if took is None else took.usage,
            cached=took is not None and took.cached,
        )
        for recorder in recorders():
            recorder.record(turn)

    def _process_received_message(self, message: dict[str, Any] | str, sender: Agent, silent: bool | None) -> None:
        valid = self._append_oai_message(message, "user", sender, is_sending=False)
        if logging_enabled():
            log_event(self, "received_message", message=message, sender=sender.name, valid=valid)
        if not valid:
            raise ValueError(_NOTHING_SAID.format("Received message", sender.name, self.name))
        if not self._is_silent(sender, silent):
            self._print_received_message(message, sender)

    def _print_received_message(self, message: dict[str, Any] | str, sender: Agent) -> None:
        if isinstance(sender, Talking) and sender._shown_live is not None:
            shown, sender._shown_live = sender._shown_live, None
            if shown is message:
                print_rest(message)
                return
        config = self.llm_config
        templates = bool(config and config.get("allow_format_str_template", False))
        print_message(message, sender.name, self.name, templates=templates)

    @staticmethod
    def _is_silent(agent: Any, silent: bool | None = False) -> bool:
        own = getattr(agent, "silent", None)
        return bool(silent if own is None else own)

    @staticmethod
    def _message_to_dict(message: Any) -> dict[str, Any]:
        return as_message(message)

    # --- hooks on the way out ---

    def _process_message_before_send(self, message: Any, recipient: Agent, silent: bool) -> Any:
        """What the hooks make of a message that is about to be sent."""
        for hook in self._hooks("process_message_before_send"):
            message = self._given_back(hook(sender=self, message=message, recipient=recipient, silent=silent), hook)
        return message

    async def _a_process_message_before_send(self, message: Any, recipient: Agent, silent: bool) -> Any:
        """What the coroutine hooks make of a message that is about to be sent."""
        for hook in self._hooks("a_process_message_before_send"):
            given = await hook(sender=self, message=message, recipient=recipient, silent=silent)
            message = self._given_back(given, hook)
        return message

    def _given_back(self, message: Any, hook: Any) -> Any:
        if message is None:
            raise AgentError(
                f"the hook {getattr(hook, '__name__', hook)} of agent {self.name!r} gave None for a message that is "
                "about to be sent: it must return the message, changed or as it was",
                param="hook",
            )
        return message

    # --- forgetting ---

    def clear_history(self, recipient: Agent | None = None, nr_messages_to_preserve: int | None = None) -> None:
        """Forget the chat with *recipient*; or all chats but their last *nr_messages_to_preserve* messages."""
        stream = IOStream.get_default()
        if recipient is not None:
            self._oai_messages[recipient].clear()
            if nr_messages_to_preserve:
                warning = (
                    "WARNING: `nr_preserved_messages` is ignored when clearing chat history with a specific agent."
                )
                stream.print(colored(warning, "yellow"), flush=True)
        elif not nr_messages_to_preserve:
            self._oai_messages.clear()
        else:
            for other, messages in self._oai_messages.items():
                keep = min(nr_messages_to_preserve, len(messages))
                if keep and keep < len(messages) and "tool_responses" in messages[-keep]:
                    keep += 1
                    stream.print(
                        f"Preserving one more message for {self.name} to not divide history between tool call and "
                        "tool response."
                    )
                self._oai_messages[other] = History(messages[-keep:] if keep else ())


_TALK = frozenset({"send", "receive", "a_send", "a_receive"})
