import pytest
from hypothesis import given, strategies as st

from modelport.agents.groupchat.mentions import mentioned, without_reasoning

NAMES = ["alice", "bob", "data_engineer"]


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ("bob", {"bob": 1}),
        ("**bob**, then bob.", {"bob": 2}),
        ("alice or bob?", {"alice": 1, "bob": 1}),
        ("The data engineer", {"data_engineer": 1}),
        (r"data\_engineer", {"data_engineer": 1}),
        ("Bob", {}),
        ("bobby, malice", {}),
        ("", {}),
    ],
)
def test_a_name_counts_as_a_whole_word_however_models_write_its_underscores(said: str, counts: dict[str, int]) -> None:
    assert mentioned(said, NAMES) == counts


def test_a_name_with_special_characters_is_only_a_name() -> None:
    assert mentioned("a.b or axb", ["a.b", "a|x"]) == {"a.b": 1}


@pytest.mark.parametrize(
    "said",
    [
        "<think>alice spoke last, so not alice</think>bob",
        "<think>\nalice?\nno\n</think>\n\nbob",
        "<THINKING>alice</THINKING> bob",
        "<reasoning>alice</reasoning> bob <think>or alice</think>",
        "alice? I think so. Hm, no.</think>bob",
        "bob <think>but alice…",
    ],
)
def test_what_a_model_thought_aloud_names_nobody(said: str) -> None:
    assert mentioned(said, NAMES) == {"bob": 1}


def test_a_model_that_only_thought_named_nobody() -> None:
    assert mentioned("<think>alice, or perhaps bob", NAMES) == {}


@given(st.text())
def test_text_without_tags_stays_as_it_is(text: str) -> None:
    assert without_reasoning(text.replace("<", "")) == text.replace("<", "")
