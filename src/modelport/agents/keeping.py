"""A chat with a journal, as ``initiate_chat`` holds it: begun, or taken up where its agents left it. Finds no file.

A message that was acknowledged as written is never asked for again. What was under way when the process died is done
anew: the reply of whoever owed one, with its chats inside the chat, its code, and its tools.
"""

from collections.abc import Iterable
from contextlib import nullcontext
from threading import Lock
from types import TracebackType
from typing import Any, Self

from modelport.agents.chat import ChatResult
from modelport.agents.restoring import Standing, going_on, restore, said_in_group, standing
from modelport.agents.saved import SavedChat
from modelport.agents.saving import Saver, participants
from modelport.agents.turns import Turn, recording
from modelport.errors import AgentError
from modelport.storage.journal import JournalError
from modelport.sync import offload

__all__ = ("UNSAVED", "Saved", "Unsaved", "claim", "is_held", "release")


class Unsaved:
    """A chat that is not being saved: where nothing is asked for, nothing is done."""

    ended: bool = False
    is_new: bool = True
    turns: tuple[Turn, ...] = ()

    def begin(self, **arguments: Any) -> None:
        """As :meth:`Saved.begin`."""

    def result(self) -> ChatResult:
        """As :meth:`Saved.result`: never asked for."""
        raise NotImplementedError

    def settle(self, max_turns: int | None, silent: bool | None) -> int:
        """As :meth:`Saved.settle`: never asked for."""
        raise NotImplementedError

    async def a_settle(self, max_turns: int | None, silent: bool | None) -> int:
        """As :meth:`Saved.a_settle`: never asked for."""
        raise NotImplementedError

    def end(self, result: ChatResult) -> None:
        """As :meth:`Saved.end`."""

    async def a_end(self, result: ChatResult) -> None:
        """As :meth:`Saved.a_end`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


UNSAVED: Unsaved = Unsaved()


class Saved:
    """A chat that is being saved: new, or one that goes on. What ``initiate_chat`` works with.

    As a context manager it records the chat's turns, and notes an exception that ends the chat.
    """

    def __init__(
        self, saver: Saver, initiator: Any, recipient: Any, past: SavedChat | None = None, message: Any = None
    ) -> None:
        self.initiator: Any = initiator
        self.recipient: Any = recipient
        self.past: SavedChat | None = past
        self._saver = saver
        self.has_turns_left: bool = False  # it ended, and may be led further all the same
        self._message = message
        self._rounds = 0
        self._recording: Any = None
        self._agents = participants(initiator, recipient)
        self._is_group = hasattr(recipient, "groupchat")

    @property
    def is_new(self) -> bool:
        """Nothing of it was said yet."""
        return self.past is None

    @property
    def ended(self) -> bool:
        """It came to its end before, and nobody wants more of it."""
        return self.past is not None and self.past.finished and self._message is None and not self.has_turns_left

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said before."""
        return () if self.past is None else self.past.turns

    # --- while the chat is held ---

    def begin(self, **arguments: Any) -> None:
        """A new chat begins with *arguments*, its agents being prepared for it."""
        context = arguments.pop("context", {})
        message = arguments.get("message")
        if callable(message):
            arguments["message"] = None
        arguments["summary_args"] = {
            key: value for key, value in (arguments.get("summary_args") or {}).items() if key != "cache"
        }
        self._saver.begin(
            self.initiator,
            self.recipient,
            chat_id=context.get("chat_id"),
            carryover=context.get("carryover"),
            **arguments,
        )

    def result(self) -> ChatResult:
        """A chat that has ended, as it did; its agents remember it."""
        assert self.past is not None
        self._prepare(self.past.facts.get("max_turns"))
        restore(self.past, self._agents, None, is_group=self._is_group)
        _settled(self.past.id)
        return self.past.result(self._history())

    def settle(self, max_turns: int | None, silent: bool | None) -> int:
        """Bring a chat that goes on to where the initiator leads again; how many more turns it then may lead.

        Whoever owes a reply makes it.
        """
        owing, to, left = self._take_up(max_turns)
        if self._message is not None:
            request = None if max_turns is None else True
            self.initiator.send(self._message, self.recipient, request_reply=request, silent=silent)
        elif owing is not None:
            with self._going_on(owing):
                reply = owing.generate_reply(messages=owing.chat_messages[to], sender=to)
            if reply is not None and self._is_for(to):
                owing.send(reply, to, silent=silent)
        return left

    async def a_settle(self, max_turns: int | None, silent: bool | None) -> int:
        """As :meth:`settle`, awaited."""
        owing, to, left = self._take_up(max_turns)
        if self._message is not None:
            request = None if max_turns is None else True
            await self.initiator.a_send(self._message, self.recipient, request_reply=request, silent=silent)
        elif owing is not None:
            with self._going_on(owing):
                reply = await owing.a_generate_reply(messages=owing.chat_messages[to], sender=to)
            if reply is not None and self._is_for(to):
                await owing.a_send(reply, to, silent=silent)
        return left

    def end(self, result: ChatResult) -> None:
        """The chat is over, and came to *result*; waits until that is durable.

        Raises:
            JournalError: it could not be written.
        """
        self._saver.end(result)
        self._saver.journal.flush()

    async def a_end(self, result: ChatResult) -> None:
        """As :meth:`end`, awaited."""
        self._saver.end(result)
        await offload(self._saver.journal.flush)

    def __enter__(self) -> Self:
        _take(self._saver.chat)
        self._recording = recording(self._saver)
        self._recording.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._recording.__exit__(kind, error, traceback)
        if error is None:
            _settled(self._saver.chat)
            return
        release(self._saver.chat)
        if not isinstance(error, JournalError):
            try:
                self._saver.broken(error)
            except JournalError as second:
                error.add_note(f"and the chat's journal failed: {second}")

    # --- going on ---

    def _prepare(self, max_turns: int | None) -> None:
        self.initiator._prepare_chat(self.recipient, True, reply_at_receive=max_turns is None)

    def _history(self) -> list[dict[str, Any]]:
        history: list[dict[str, Any]] = self.initiator.chat_messages[self.recipient]
        return history

    def _take_up(self, max_turns: int | None) -> tuple[Any, Any, int]:
        """Restore the agents. Who owes a reply to whom, if anybody does, and how many turns are left to lead."""
        past = self.past
        assert past is not None
        self._prepare(max_turns)
        stands = standing(past, is_group=self._is_group)
        upto = None if past.finished else stands.last
        restore(past, self._agents, upto, is_group=self._is_group)
        after = past.moves[-1].number if upto is None else upto.number
        self._saver.resumed(after)
        self.past = past = _until(past, after)
        if self._message is not None:
            if upto is not None and self._is_group:
                self._pass_on(stands)
            return None, None, 0 if max_turns is None else max_turns - 1
        left = 0 if max_turns is None else max(max_turns - stands.led, 0)
        owing, to = self._owed(stands, max_turns)
        self._rounds = stands.rounds
        return owing, to, left

    def _owed(self, stands: Standing, max_turns: int | None) -> tuple[Any, Any]:
        """Who owes a reply, and to whom."""
        assert self.past is not None
        turn = stands.turn
        if turn is None or self.past.finished:
            return None, None
        speaker, listener = self._agents[turn.sender], self._agents[turn.recipient]
        if listener is self.initiator and max_turns is not None:
            return None, None  # it leads
        return listener, speaker

    def _is_for(self, to: Any) -> bool:
        """Whether a reply goes to *to*: a group's is for who began the chat, whoever of the group spoke last."""
        return not self._is_group or to is self.initiator

    def _going_on(self, owing: Any) -> Any:
        return going_on(owing, self._rounds) if self._is_group and owing is self.recipient else nullcontext()

    def _pass_on(self, stands: Standing) -> None:
        """The last message of a group that was interrupted is passed on to the others, before somebody speaks."""
        turn = stands.turn
        assert turn is not None
        manager, speaker = self.recipient, self._agents[turn.sender]
        said_in_group(manager, speaker)
        message = manager.groupchat.messages[-1]
        for agent in manager.groupchat.agents:
            if agent is not speaker:
                manager._append_oai_message(dict(message), "assistant", agent, is_sending=True)
                agent._append_oai_message(dict(message), "user", manager, is_sending=False)
                relayed = manager._oai_messages[agent][-1]
                self._saver.record(
                    Turn(sender=manager.name, recipient=agent.name, message=relayed, time=turn.time, asks=False)
                )


def _until(chat: SavedChat, number: int) -> SavedChat:
    moves = tuple(move for move in chat.moves if move.number <= number)
    return SavedChat(**{name: getattr(chat, name) for name in chat.__struct_fields__} | {"moves": moves})


# --- what this process has taken up -----------------------------------------------------------------------------------

_taken: set[str] = set()  # chats that are not offered to initiate_chat(resume=True) once more
_running: set[str] = set()
_lock = Lock()


def claim(chats: Iterable[SavedChat]) -> SavedChat | None:
    """The first of *chats* that this process has not taken up yet; it has now."""
    with _lock:
        for chat in chats:
            if chat.id not in _taken:
                _taken.add(chat.id)
                return chat
    return None


def is_held(chat: str) -> bool:
    """Whether this process is holding it just now."""
    return chat in _running


def release(chat: str) -> None:
    """It was broken off: it may be taken up again."""
    with _lock:
        _taken.discard(chat)
        _running.discard(chat)


def _take(chat: str) -> None:
    with _lock:
        if chat in _running:
            raise AgentError(f"chat {chat} is being held in this process just now")
        _taken.add(chat)
        _running.add(chat)


def _settled(chat: str) -> None:
    with _lock:
        _taken.add(chat)
        _running.discard(chat)
