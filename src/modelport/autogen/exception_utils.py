"""AutoGen 0.2's ``autogen.exception_utils``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.errors import (
    AgentNameConflict,
    InvalidCarryOverType,
    NoEligibleSpeaker,
    SenderRequired,
    UndefinedNextAgent,
)

__all__ = (
    "AgentNameConflict",
    "InvalidCarryOverType",
    "NoEligibleSpeaker",
    "SenderRequired",
    "UndefinedNextAgent",
)

explain_absences(__name__)
