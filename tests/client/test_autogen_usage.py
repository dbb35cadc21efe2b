"""Summaries of usage in AutoGen's lines."""

from typing import Any

import pytest

from modelport.client.autogen_usage import autogen_summary_text

LINE = "-" * 100


def summary(cost: float | None = 1.25, **more: Any) -> dict[str, Any]:
    counts = {"cost": cost, "prompt_tokens": 6, "completion_tokens": 5, "total_tokens": 11, **more}
    return {"total_cost": cost, "m": counts}


COUNTED = "Total cost: 1.25\n* Model 'm': cost: 1.25, prompt_tokens: 6, completion_tokens: 5, total_tokens: 11"


def test_nothing_asked_is_said_in_one_line() -> None:
    assert autogen_summary_text(None, None) == 'No usage summary. Please call "create" first.'


@pytest.mark.parametrize("mode", ["both", ["total", "actual"], ("actual", "total")])
def test_both_are_shown_with_a_line_between(mode: Any) -> None:
    text = autogen_summary_text(None, summary(), mode)

    assert text == (
        f"{LINE}\nNo actual cost incurred (all completions are using cache).\n\n"
        f"Usage summary including cached usage: \n{COUNTED}\n{LINE}"
    )


def test_the_same_twice_is_said_once() -> None:
    text = autogen_summary_text(summary(), summary())

    assert text.startswith(
        f"{LINE}\nUsage summary excluding cached usage: \n{COUNTED}\n\nAll completions are non-cached"
    )


@pytest.mark.parametrize("mode", ["total", ["total"]])
def test_one_may_be_asked_for(mode: Any) -> None:
    assert autogen_summary_text(summary(), summary(), mode) == (
        f"{LINE}\nUsage summary including cached usage: \n{COUNTED}\n{LINE}"
    )


def test_what_nobody_knows_is_unknown_and_what_is_guessed_says_so() -> None:
    text = autogen_summary_text(summary(None, estimated=1), summary(None, estimated=1), "actual")

    assert "Total cost: unknown\n* Model 'm': cost: unknown," in text
    assert "total_tokens: 11 (estimated)\n" in text


@pytest.mark.parametrize("mode", [[], "sum", ["actual", "total", "both"], ["sum"]])
def test_another_mode_is_refused(mode: Any) -> None:
    with pytest.raises(ValueError, match="Invalid mode"):
        autogen_summary_text(summary(), summary(), mode)
