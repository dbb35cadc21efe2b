"""AutoGen 0.2's ``autogen.graph_utils``: names only."""

from modelport.agents.graphs import (
    check_graph_validity,
    has_self_loops,
    invert_disallowed_to_allowed,
    visualize_speaker_transitions_dict,
)
from modelport.autogen._absent import explain_absences

__all__ = (
    "check_graph_validity",
    "has_self_loops",
    "invert_disallowed_to_allowed",
    "visualize_speaker_transitions_dict",
)

explain_absences(__name__)
