"""Whether a group chat's settings can work at all. Knows no conversation."""

from typing import Any

from modelport.agents.agent import Agent
from modelport.errors import InvalidGroupChat

__all__ = ("METHODS", "check_method", "check_settings")

METHODS = ("auto", "manual", "random", "round_robin")
_NOT_EMPTY = (
    "select_speaker_message_template",
    "role_for_select_speaker_messages",
    "select_speaker_auto_multiple_template",
    "select_speaker_auto_none_template",
)


def check_method(method: str) -> str:
    """*method* in small letters.

    Raises:
        InvalidGroupChat: there is no such way of choosing a speaker.
    """
    if method.lower() not in METHODS:
        raise InvalidGroupChat(
            f"GroupChat speaker_selection_method is set to '{method}'. "
            f"It should be one of {list(METHODS)} (case insensitive), or a function that gives one of these, an agent "
            "of the group, or None to end the chat.",
            param="speaker_selection_method",
        )
    return method.lower()


def check_settings(group: Any) -> None:
    """Refuse a *group* whose fields have values that could only fail later.

    Raises:
        InvalidGroupChat: naming the field, what came, and what is expected.
    """
    _check_members(group)
    if group.allow_repeat_speaker is not None and not isinstance(group.allow_repeat_speaker, bool | list):
        raise _wrong(
            "allow_repeat_speaker", "should be a bool or a list of Agents", group.allow_repeat_speaker, of="GroupChat "
        )
    if group.allowed_or_disallowed_speaker_transitions is not None and group.allow_repeat_speaker is not None:
        raise InvalidGroupChat(
            "Don't provide both allowed_or_disallowed_speaker_transitions and allow_repeat_speaker in group chat. "
            "Please set one of them to None.",
            param="allow_repeat_speaker",
        )
    for field in _NOT_EMPTY:
        if not getattr(group, field):
            raise InvalidGroupChat(f"{field} cannot be empty or None.", param=field)
    retries = group.max_retries_for_selecting_speaker
    if not isinstance(retries, int):
        raise _wrong("max_retries_for_selecting_speaker", "cannot be None or non-int", retries)
    if retries < 0:
        raise _wrong("max_retries_for_selecting_speaker", "must be greater than or equal to zero", retries)
    transforms = group.select_speaker_transform_messages
    if transforms is not None and not callable(getattr(transforms, "add_to_agent", None)):
        raise _wrong("select_speaker_transform_messages", "must be None or MessageTransforms", transforms)
    if not isinstance(group.select_speaker_auto_verbose, bool):
        raise _wrong("select_speaker_auto_verbose", "cannot be None or non-bool", group.select_speaker_auto_verbose)


def _check_members(group: Any) -> None:
    if not isinstance(group.agents, list | tuple):
        raise _wrong("agents", "should be a list of Agents", group.agents)
    for number, agent in enumerate(group.agents):
        if isinstance(agent, type) or not isinstance(agent, Agent):
            raise _wrong(f"agents[{number}]", "should be an Agent, not a name or a class", agent)
    if not isinstance(group.messages, list):
        raise _wrong("messages", "should be a list, empty for a new group", group.messages)
    if not isinstance(group.max_round, int):
        raise _wrong("max_round", "should be a whole number", group.max_round)


def _wrong(field: str, expected: str, came: object, *, of: str = "") -> InvalidGroupChat:
    return InvalidGroupChat(f"{of}{field} {expected}; it is {came!r}.", param=field)
