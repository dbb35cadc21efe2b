"""Chats as they stand in a journal, to be looked at. Knows no agents, only their names."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, ValidationError, convert

from modelport.agents.chat import ChatResult
from modelport.agents.saving import FORMAT
from modelport.agents.turns import Turn
from modelport.storage.journal import Entry, JournalError, read_journal
from modelport.types import Usage

__all__ = ("Move", "SavedChat", "load", "load_all")

_KINDS = ("begin", "broken", "end", "resumed", "state", "turn")


class Move(Struct, frozen=True, kw_only=True):
    """One entry of a chat: a message, or all histories as they were then."""

    number: int  # the entry's, in its journal
    turn: Turn | None = None
    nested: bool = False  # of a chat inside this one
    auto: int = 0  # how many replies to the recipient the sender has made without a person's word
    human: tuple[str, ...] = ()  # what persons said as the sender since its last message
    heard: dict[str, Any] | None = None  # how the message that the sender replied to was changed before
    group: tuple[Any, ...] | None = None  # what was said so far in the group that the sender leads
    state: dict[str, Any] | None = None  # histories and groups, by names; instead of a turn


class SavedChat(Struct, frozen=True, kw_only=True):
    """A chat in a journal. ``finished`` tells that it came to its end; ``broken_off`` is the error that ended it."""

    path: Path
    id: str
    began: float  # in seconds since 1970
    initiator: str
    recipient: str
    agents: tuple[str, ...]
    moves: tuple[Move, ...]
    facts: dict[str, Any]  # the arguments it was begun with: max_turns, silent, summary_method, …
    process: Any = None  # which process held it last, and wrote no end
    finished: bool = False
    broken_off: str | None = None
    outcome: dict[str, Any] = {}

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Its messages, those of chats inside it among them."""
        return tuple(move.turn for move in self.moves if move.turn is not None)

    @property
    def summary(self) -> Any:
        """What it came to; None before its end."""
        return self.outcome.get("summary")

    @property
    def chat_history(self) -> list[dict[str, Any]]:
        """Its messages as the one who began it remembers them."""
        history: list[dict[str, Any]] = []
        for move in self.moves:
            turn = move.turn
            if turn is None or move.nested or {turn.sender, turn.recipient} != {self.initiator, self.recipient}:
                continue
            plain = turn.message.get("role") not in {"tool", "function"} and not (
                turn.message.get("tool_calls") or turn.message.get("function_call")
            )
            heard = plain and turn.sender != self.initiator
            history.append({**turn.message, "role": "user"} if heard else dict(turn.message))
        return history

    def result(self, history: list[dict[str, Any]] | None = None) -> ChatResult:
        """It as the result of a chat, to be printed or exported; *history* instead of its own."""
        return ChatResult(
            chat_id=self.outcome.get("chat_id", self.facts.get("chat_id")),
            chat_history=self.chat_history if history is None else history,
            summary=self.summary,
            cost=self.outcome.get("cost") or {},
            human_input=list(self.outcome.get("human_input") or ()),
            turns=self.turns,
        )


def load_all(path: str | os.PathLike[str]) -> tuple[SavedChat, ...]:
    """All chats in the journal at *path*, in the order in which they began.

    Raises:
        JournalError: there is no such file, it is no journal of chats, or damaged.
    """
    entries: dict[str, list[Entry]] = {}
    for entry in read_journal(path, kinds=_KINDS):
        entries.setdefault(entry.chat, []).append(entry)
    return tuple(_told(Path(path), chat, told) for chat, told in entries.items())


def load(path: str | os.PathLike[str], chat: int | str = -1) -> SavedChat:
    """One chat in the journal at *path*: by its number there, from 0 (-1 is the last that began), or by its id.

    Raises:
        JournalError: there is no such file or chat, it is no journal of chats, or damaged.
    """
    chats = load_all(path)
    by_id = {each.id: each for each in chats}
    if isinstance(chat, str) and chat in by_id:
        return by_id[chat]
    if isinstance(chat, int) and -len(chats) <= chat < len(chats):
        return chats[chat]
    raise JournalError(
        f"journal {path}: there is no chat {chat!r} in it; it has {len(chats)}: {', '.join(by_id) or 'none'}",
        reason="not_there",
        path=Path(path),
    )


def _told(path: Path, chat: str, entries: Iterable[Entry]) -> SavedChat:
    """A chat from its entries."""
    told: dict[str, Any] = {}
    moves: list[Move] = []
    last: dict[str, Any] = {}
    for entry in entries:
        data = entry.data
        try:
            if entry.kind == "begin":
                told, moves, last = _begun(data, entry), [], {}
            elif entry.kind == "turn":
                move = _move(entry.number, data, last)
                moves.append(move)
                last = last if move.nested or move.turn is None else move.turn.message
            elif entry.kind == "state":
                moves.append(Move(number=entry.number, state=data))
            elif entry.kind == "resumed":
                moves = [move for move in moves if move.number <= data["after"]]
                told.update(finished=False, broken_off=None, process=data["by"], outcome={})
                last = {}
            elif entry.kind == "broken":
                told.update(broken_off=data["error"], process=None)
            else:
                told.update(finished=True, broken_off=None, process=None, outcome=data)
        except (KeyError, TypeError, AttributeError, ValidationError) as error:
            raise JournalError(
                f"journal {path}: entry {entry.number} is no {entry.kind} of a chat ({type(error).__name__}: {error})",
                reason="damaged",
                path=path,
            ) from error
    if not told:
        raise JournalError(f"journal {path}: chat {chat} has no beginning", reason="damaged", path=path)
    return SavedChat(path=path, id=chat, moves=tuple(moves), **told)


def _begun(data: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    if data["format"] > FORMAT:
        raise ValidationError(f"format {data['format']}: a newer modelport wrote it")
    named = ("initiator", "recipient", "by", "agents", "format")
    return {
        "began": entry.time,
        "initiator": data["initiator"],
        "recipient": data["recipient"],
        "agents": tuple(data["agents"]),
        "process": data.get("by"),
        "facts": {key: value for key, value in data.items() if key not in named},
    }


def _move(number: int, data: Mapping[str, Any], last: dict[str, Any]) -> Move:
    usage = data.get("usage")
    turn = Turn(
        sender=data["sender"],
        recipient=data["recipient"],
        message=data["message"] if "message" in data else dict(last),
        time=data["time"],
        asks=data.get("asks"),
        seconds=data.get("seconds"),
        model=data.get("model"),
        usage=None if usage is None else convert(usage, Usage),
        cached=data.get("cached", False),
    )
    group = data.get("group")
    return Move(
        number=number,
        turn=turn,
        nested=data.get("nested", False),
        auto=data.get("auto", 0),
        human=tuple(data.get("human", ())),
        heard=data.get("heard"),
        group=None if group is None else tuple(group),
    )
