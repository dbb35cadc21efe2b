"""What the model that picks the next speaker is told, unless a group says otherwise. Knows no agent.

``{roles}`` stands for a line ``name: description`` for each agent, ``{agentlist}`` for their names in square brackets.
"""

from modelport.errors import InvalidGroupChat

__all__ = ("ASK", "ASK_ONE_OF_SEVERAL", "ASK_WITH_NAMES", "INTRODUCTION", "SCENE", "fill")

INTRODUCTION = "Hello everyone. This is the group that will work on the task together. The members are:"

SCENE = """You lead a group conversation in which each member plays a role. The roles are:
{roles}.
Read the conversation that follows, then name the one of {agentlist} who plays next. Answer with that name only."""

ASK = "That was the conversation so far. Which one of {agentlist} plays next? Answer with that name only."

_RULES = """1. If the text speaks of itself as somebody, for example "As the ...", that name counts
2. If it says who is "next", that name counts
3. Otherwise the name that it mentions first counts
Write the name exactly as it is given, capitals included and nothing shortened.
Answer with the name alone, without a reason."""

ASK_ONE_OF_SEVERAL = (
    "Your answer has more than one name in it, and only one can speak next. "
    "Choose by these rules, the first that fits:\n" + _RULES
)

ASK_WITH_NAMES = (
    "Your answer names nobody who can speak next. Choose by these rules, the first that fits:\n"
    + _RULES
    + "\nThe only names that count are {agentlist}."
)


def fill(template: str, field: str, **values: str) -> str:
    """*template*, the value of the group chat's *field*, with *values* in place.

    Raises:
        InvalidGroupChat: the template has other placeholders, or a brace that is not doubled.
    """
    try:
        return template.format(**values)
    except (KeyError, IndexError, ValueError) as error:
        raise InvalidGroupChat(
            f"{field} may have the placeholders {', '.join(f'{{{name}}}' for name in values)}, and any other brace "
            f"doubled; filling it in failed with {type(error).__name__}: {error}",
            param=field,
        ) from error
