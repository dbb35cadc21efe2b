"""AutoGen 0.2's ``autogen.token_count_utils``: names only."""

from modelport.agents.tokens import (
    count_token,
    get_max_token_limit,
    num_tokens_from_functions,
    percentile_used,
    token_left,
)
from modelport.autogen._absent import explain_absences

__all__ = (
    "count_token",
    "get_max_token_limit",
    "num_tokens_from_functions",
    "percentile_used",
    "token_left",
)

explain_absences(__name__)
