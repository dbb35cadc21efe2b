"""A saved chat, put back into its agents: what each remembers, counts and owes. Sends nothing."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from modelport.agents.saved import Move, SavedChat
from modelport.agents.turns import Turn

__all__ = ("Standing", "going_on", "restore", "said_in_group", "standing")


class Standing(Struct, frozen=True, kw_only=True):
    """How far a chat has come."""

    last: Move | None  # the last message of the chat itself; of a group, the last that was said to its manager
    led: int  # how many turns the initiator has led
    rounds: int  # how many messages were said in the group since the initiator last led; without a group, any number

    @property
    def turn(self) -> Turn | None:
        """The last message."""
        return None if self.last is None else self.last.turn


def standing(chat: SavedChat, *, is_group: bool) -> Standing:
    """How far *chat* has come."""
    last: Move | None = None
    led = rounds = 0
    for move in chat.moves:
        turn = move.turn
        if turn is None or move.nested or not _counts(turn, chat, is_group):
            continue
        last = move
        rounds += 1
        if turn.sender == chat.initiator and turn.recipient == chat.recipient and turn.asks is not False:
            led, rounds = led + 1, 1
    return Standing(last=last, led=led, rounds=rounds)


def _counts(turn: Turn, chat: SavedChat, is_group: bool) -> bool:
    if is_group:
        return turn.recipient == chat.recipient
    return {turn.sender, turn.recipient} == {chat.initiator, chat.recipient}


def restore(chat: SavedChat, agents: Mapping[str, Any], upto: Move | None, *, is_group: bool) -> None:
    """Make *agents*, by name, remember *chat* as it was when *upto* had been said; None: as it ended.

    In a group, *upto* itself is not yet in what the group has said.
    """
    moves = [move for move in chat.moves if upto is None or move.number <= upto.number]
    _forget(agents, moves)
    if "histories" in chat.facts:
        _set(agents, chat.facts)
    manager = agents[chat.recipient] if is_group else None
    for move in moves:
        if move.state is not None:
            _set(agents, move.state)
        elif not move.nested and move.turn is not None:
            _say_again(agents, move, move.turn)
            if manager is not None and move.turn.recipient == manager.name and move is not upto:
                said_in_group(manager, agents[move.turn.sender])
    if upto is None:
        _count(agents, chat.outcome.get("auto", {}))


def _count(agents: Mapping[str, Any], counts: Mapping[str, Mapping[str, int]]) -> None:
    """How many replies each has made to each, as they were counted at the end."""
    for name, known in counts.items():
        for to, other in agents.items():
            if hasattr(agents.get(name), "_consecutive_auto_reply_counter"):
                agents[name]._consecutive_auto_reply_counter[other] = known.get(to, 0)


def _forget(agents: Mapping[str, Any], moves: Iterable[Move]) -> None:
    """Begin with empty histories of those who talked."""
    pairs = {pair for move in moves if move.turn for pair in _both_ways(move.turn)}
    for name, other in pairs:
        if name in agents and other in agents and hasattr(agents[name], "_oai_messages"):
            agents[name]._oai_messages[agents[other]].clear()
    for agent in agents.values():
        if hasattr(agent, "_human_input"):
            agent._human_input = []


def _both_ways(turn: Turn) -> Iterator[tuple[str, str]]:
    yield turn.sender, turn.recipient
    yield turn.recipient, turn.sender


def _set(agents: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Histories and groups as *state* has them; those that it does not have are empty."""
    histories = state.get("histories", {})
    for name, agent in agents.items():
        if not hasattr(agent, "_oai_messages"):
            continue
        known = histories.get(name, {})
        for to, other in agents.items():
            if other in agent._oai_messages or to in known:
                agent._oai_messages[other][:] = [dict(message) for message in known.get(to, ())]
    for name, messages in state.get("groups", {}).items():
        if name in agents and hasattr(agents[name], "groupchat"):
            agents[name].groupchat.messages[:] = [dict(message) for message in messages]


def _say_again(agents: Mapping[str, Any], move: Move, turn: Turn) -> None:
    """*turn* into both histories, as it came there."""
    sender, recipient = agents.get(turn.sender), agents.get(turn.recipient)
    if sender is None or recipient is None:
        return
    if hasattr(sender, "_append_oai_message"):
        history = sender._oai_messages[recipient]
        if move.heard is not None and history:
            history[-1].update(move.heard)
        sender._append_oai_message(dict(turn.message), "assistant", recipient, is_sending=True)
        sender._consecutive_auto_reply_counter[recipient] = move.auto
        sender._human_input.extend(move.human)
    if hasattr(recipient, "_append_oai_message"):
        recipient._append_oai_message(dict(turn.message), "user", sender, is_sending=False)
    if move.group is not None and hasattr(sender, "groupchat"):
        sender.groupchat.messages[:] = [dict(message) for message in move.group]


def said_in_group(manager: Any, speaker: Any) -> None:
    """What *speaker* said last is part of what *manager*'s group has said."""
    manager.groupchat.append(manager._oai_messages[speaker][-1], speaker)


@contextmanager
def going_on(manager: Any, rounds: int) -> Iterator[None]:
    """The group of *manager* as one that has had *rounds* messages already, the last of which is said once more."""
    group = manager.groupchat
    most, introduces = group.max_round, group.send_introductions
    group.max_round = max(most - rounds + 1, 1)
    if rounds > 1:
        group.send_introductions = False
    try:
        yield
    finally:
        group.max_round = most
        if rounds > 1:
            group.send_introductions = introduces
