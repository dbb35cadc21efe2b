import logging
from typing import Any

import pytest

from modelport.agents import ConversableAgent
from modelport.agents.graphs import (
    check_graph_validity,
    has_self_loops,
    invert_disallowed_to_allowed,
    visualize_speaker_transitions_dict,
)
from modelport.errors import InvalidGroupChat

ALICE, BOB, CAROL = (ConversableAgent(name) for name in ("alice", "bob", "carol"))
ALL: list[Any] = [ALICE, BOB, CAROL]


def test_a_loop_is_somebody_who_may_follow_themselves() -> None:
    assert has_self_loops({ALICE: [BOB, ALICE]})
    assert not has_self_loops({ALICE: [BOB], BOB: [ALICE]})


def test_what_is_not_disallowed_is_allowed() -> None:
    allowed = invert_disallowed_to_allowed({ALICE: [ALICE, CAROL]}, ALL)

    assert allowed == {ALICE: [BOB], BOB: ALL, CAROL: ALL}


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        ([], "must be a dictionary, not a list"),
        ({ALICE: BOB}, "after 'alice' comes a ConversableAgent"),
        (
            {ConversableAgent("zoe"): [ALICE]},
            r"keys not in agents: \['zoe'\]; the agents are \['alice', 'bob', 'carol'\]",
        ),
        ({"alice": [BOB]}, r"keys not in agents: \['alice'\]"),
        ({ALICE: ["bob"]}, "after 'alice' comes 'bob', a str"),
    ],
)
def test_a_graph_that_cannot_be_used_is_refused_with_names(graph: Any, said: str) -> None:
    with pytest.raises(InvalidGroupChat, match=said) as caught:
        check_graph_validity(graph, ALL)

    assert isinstance(caught.value, ValueError)
    assert caught.value.param == "allowed_or_disallowed_speaker_transitions"


def test_a_stranger_among_the_disallowed_is_refused_with_their_name() -> None:
    with pytest.raises(InvalidGroupChat, match="zoe"):
        invert_disallowed_to_allowed({ConversableAgent("zoe"): [ALICE]}, ALL)


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (
            {ALICE: [BOB], BOB: [ALICE]},
            "isolated agent nodes, with neither incoming nor outgoing edges. Isolated agents: ['carol']",
        ),
        ({ALICE: [ConversableAgent("zoe")], BOB: [CAROL]}, "do not match agents. Offending agents: ['zoe']"),
        ({ALICE: [BOB, BOB], BOB: [CAROL]}, "Agent 'alice' has duplicate elements: ['bob']"),
    ],
)
def test_a_graph_that_is_probably_not_meant_is_warned_of(
    graph: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        check_graph_validity(graph, ALL)

    assert said in caplog.text


def test_a_graph_of_everybody_is_fine(caplog: pytest.LogCaptureFixture) -> None:
    check_graph_validity(dict.fromkeys(ALL, ALL), ALL)

    assert not caplog.records


def test_drawing_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "networkx", None)

    with pytest.raises(ImportError, match="needs networkx and matplotlib"):
        visualize_speaker_transitions_dict({ALICE: [BOB]}, ALL)
