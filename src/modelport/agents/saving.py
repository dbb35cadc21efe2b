"""A chat as it is written to a journal, message by message, so that it outlives its process. Reads nothing back.

A journal holds any number of chats. A chat is these entries, by ``kind``: ``begin`` (who with whom, and how), ``turn``
(one message that was sent), ``state`` (all histories, after somebody forgot something), ``broken`` (it ended by an
error), ``resumed`` (it goes on; turns after entry ``after`` are void) and ``end`` (what came of it).
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelport.agents.turns import Turn, recorders
from modelport.errors import AgentNameConflict
from modelport.secret import redact
from modelport.storage.journal import Journal, open_journal
from modelport.storage.runtime_log.plain import Plain
from modelport.types.ids import mint_id

__all__ = ("FORMAT", "Saver", "is_running", "outcome_of", "participants", "save_result", "this_process")

logger: logging.Logger = logging.getLogger(__name__)

FORMAT = 1  # of the entries' data


def participants(*agents: Any) -> dict[str, Any]:
    """*agents* by name, with those in the groups that any of them leads.

    Raises:
        AgentNameConflict: two have the same name, by which a saved chat tells them apart.
    """
    found: dict[str, Any] = {}
    waiting = list(agents)
    while waiting:
        agent = waiting.pop(0)
        name = agent.name
        if found.setdefault(name, agent) is not agent:
            raise AgentNameConflict(
                f"Found multiple agents with the same name: {name}. A saved chat tells agents apart by name: rename one"
            )
        waiting += [each for each in _members(agent) if found.get(each.name) is not each]
    return found


def _members(agent: Any) -> list[Any]:
    return list(getattr(getattr(agent, "groupchat", None), "agents", ()))


class Saver:
    """Writes one chat down as it goes. A recorder of turns: the last to be entered, of those of its chat."""

    def __init__(self, journal: Journal, chat: str, agents: Mapping[str, Any], recipient: str) -> None:
        self.journal: Journal = journal
        self.chat: str = chat
        self._agents = agents
        self._recipient = recipient
        self._process = this_process()
        self._forgetful = any(_forgets(agent) for agent in agents.values())
        self._remembered: list[int] = []
        self._inputs: dict[str, int] = {}
        self._last: dict[str, Any] = {}  # the last message that was written in full
        # By (who heard it, from whom): what was said last, and where it is in the hearer's history.
        self._heard: dict[tuple[str, str], tuple[dict[str, Any], int]] = {}

    def begin(self, initiator: Any, recipient: Any, **facts: Any) -> None:
        """The chat begins; *facts* are the arguments it was begun with."""
        method = facts.get("summary_method")
        if callable(method):
            facts["summary_method"] = {"callable": getattr(method, "__qualname__", type(method).__qualname__)}
        self._write(
            "begin",
            {
                "format": FORMAT,
                "initiator": initiator.name,
                "recipient": recipient.name,
                "agents": list(self._agents),
                **self._state(),
                "by": self._process,
                **facts,
            },
            loudly=False,
        )
        self.catch_up()

    def catch_up(self) -> None:
        """What the agents know now is known to the journal, too."""
        self._inputs = {name: len(_inputs(agent)) for name, agent in self._agents.items()}
        self._remembered = self._sizes() if self._forgetful else []

    def record(self, turn: Turn) -> None:
        """Write down one message.

        Raises:
            JournalError: earlier ones could not be written. This one is in the agents' histories.
        """
        data = _turn_data(turn)
        if recorders()[-1:] == (self,):
            self._note_changes(turn, data)
            if _same(turn.message, self._last):
                del data["message"]  # passed on: as the last one
            else:
                self._last = dict(turn.message)
        else:
            data["nested"] = True
        self._write("turn", data)

    def resumed(self, after: int) -> None:
        """The chat goes on; what was written since entry *after* is void."""
        self._write("resumed", {"after": after, "by": self._process})
        self.catch_up()

    def broken(self, error: BaseException) -> None:
        """The chat ended by *error*."""
        known = Plain()  # the environment's keys, and now those of the configurations
        text = f"{type(error).__name__}: {error}"
        for agent in self._agents.values():
            known.event(getattr(agent, "llm_config", None))
            text = redact(text, getattr(getattr(agent, "client", None), "secrets", ()))
        self._write("broken", {"error": known.text(text)[:2000]})

    def end(self, result: Any) -> None:
        """The chat is over, and came to *result*; nothing is waited for."""
        counts = {
            name: {to: count for to, other in self._agents.items() if (count := _replies(agent, other))}
            for name, agent in self._agents.items()
        }
        self._write("end", {**outcome_of(result), "auto": counts})

    def _write(self, kind: str, data: Any, *, loudly: bool = True) -> None:
        ticket = self.journal.append(kind, data, chat=self.chat)
        if ticket.not_saved and loudly:
            logger.warning(
                "a chat saved in %s has in it what is no data, and is kept as text: %s",
                self.journal.path,
                "; ".join(ticket.not_saved),
            )

    # --- what the messages alone do not tell ---

    def _note_changes(self, turn: Turn, data: dict[str, Any]) -> None:
        sender, recipient = self._agents.get(turn.sender), self._agents.get(turn.recipient)
        if sender is None or recipient is None:
            return
        if replies := _replies(sender, recipient):
            data["auto"] = replies
        inputs, known = _inputs(sender), self._inputs.get(turn.sender, 0)
        if len(inputs) != known:
            data["human"] = inputs[known:] if len(inputs) > known else list(inputs)
            self._inputs[turn.sender] = len(inputs)
        said, at = self._heard.get((turn.sender, turn.recipient), ({}, -1))
        history = _history(sender, recipient)
        if at >= 0 and at == len(history) - 2:
            changed = {
                key: history[at].get(key) for key, value in said.items() if not _equal(history[at].get(key), value)
            }
            if changed:
                data["heard"] = changed  # what it replied to, as hooks and groups changed it meanwhile
        message = {key: turn.message.get(key) for key in ("content", "name")}
        self._heard[turn.recipient, turn.sender] = message, len(_history(recipient, sender))
        if _members(sender) and turn.sender != self._recipient and turn.asks is False and not turn.relayed:
            data["group"] = list(sender.groupchat.messages)  # what was said in a group within the group
        if self._forgetful:
            sizes = self._sizes()
            state = self._state()
            state["histories"][turn.sender][turn.recipient].pop()
            if any(now < before for now, before in zip(self._sizes(state), self._remembered, strict=True)):
                self._write("state", state)
            self._remembered = sizes

    def _state(self) -> dict[str, Any]:
        """All histories of these agents with each other, and what was said in their groups."""
        histories = {
            name: known
            for name, agent in self._agents.items()
            if (known := {to: list(past) for to, other in self._agents.items() if (past := _history(agent, other))})
        }
        groups = {name: list(agent.groupchat.messages) for name, agent in self._agents.items() if _members(agent)}
        return {"histories": histories, "groups": groups}

    def _sizes(self, state: dict[str, Any] | None = None) -> list[int]:
        state = self._state() if state is None else state
        histories, names = state["histories"], tuple(self._agents)
        sizes = [len(histories.get(name, {}).get(to, ())) for name in names for to in names]
        return sizes + [len(messages) for messages in state["groups"].values()]


def _forgets(agent: Any) -> bool:
    return bool(getattr(getattr(agent, "groupchat", None), "enable_clear_history", False))


def _replies(agent: Any, other: Any) -> int:
    counts: Mapping[Any, int] = getattr(agent, "_consecutive_auto_reply_counter", {})
    return counts.get(other, 0)


def _inputs(agent: Any) -> list[str]:
    return getattr(agent, "_human_input", [])


def _history(agent: Any, other: Any) -> list[dict[str, Any]]:
    histories: Mapping[Any, list[dict[str, Any]]] = getattr(agent, "_oai_messages", {})
    return histories.get(other, [])


def _same(message: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether they are equal, as far as can be told without looking into images."""
    return message.keys() == other.keys() and all(_equal(value, other[key]) for key, value in message.items())


def _equal(value: Any, other: Any) -> bool:
    return value is other or (isinstance(value, str) and isinstance(other, str) and value == other)


def _turn_data(turn: Turn) -> dict[str, Any]:
    data: dict[str, Any] = {
        "sender": turn.sender,
        "recipient": turn.recipient,
        "message": turn.message,
        "time": turn.time,
    }
    for name in ("asks", "seconds", "model", "usage"):
        value = getattr(turn, name)
        if value is not None:
            data[name] = value
    if turn.cached:
        data["cached"] = True
    return data


def this_process() -> list[Any] | None:
    """What tells this process from all others, of this machine and of those after its next start; None: unknown."""
    return _process(os.getpid())


def _process(pid: int) -> list[Any] | None:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        facts = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux, or no such process
        return None
    state, *rest = facts.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else [boot, pid, int(rest[18])]


def is_running(process: Any) -> bool:
    """Whether the process that called itself *process* is another than this one, and still runs here."""
    return (
        isinstance(process, list)
        and len(process) == 3
        and process[1] != os.getpid()
        and _process(process[1]) == process
    )


def save_result(result: Any, path: str | os.PathLike[str]) -> None:
    """Append the chat that *result* (a ``ChatResult``) came of to the journal at *path*, as one that is over.

    Raises:
        JournalError: it cannot be written.
        ValueError: the result has no turns.
    """
    turns: tuple[Turn, ...] = result.turns
    if not turns:
        raise ValueError("this chat has no turns: nothing was said that could be saved")
    journal = open_journal(path)
    chat = mint_id("chat_")
    first = turns[0]
    names = list(dict.fromkeys(name for turn in turns for name in (turn.sender, turn.recipient)))
    facts = {"initiator": first.sender, "recipient": first.recipient, "agents": names, "partial": True}
    journal.append("begin", {"format": FORMAT, "chat_id": result.chat_id, **facts}, chat=chat)
    for turn in turns:
        nested = first.recipient not in {turn.sender, turn.recipient}
        journal.append("turn", {**_turn_data(turn), **({"nested": True} if nested else {})}, chat=chat)
    journal.append("end", outcome_of(result), chat=chat)
    journal.flush()


def outcome_of(result: Any) -> dict[str, Any]:
    """What a result has besides its messages."""
    return {name: getattr(result, name) for name in ("summary", "cost", "human_input", "chat_id")}
