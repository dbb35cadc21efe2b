"""What a client's answers took, and what its cache saves."""

from pathlib import Path

import pytest

from modelport.client import Client
from modelport.testing import ScriptedModel, reply
from modelport.types import Usage

HI = [{"role": "user", "content": "hi"}]


def counted(cost: float | None = 0.5, name: str = "m") -> ScriptedModel:
    return ScriptedModel([*reply("yes"), Usage(10, 5, cost=cost)], name=name)


def test_summaries_have_autogens_shape() -> None:
    client = Client(model=counted())

    before = client.actual_usage_summary
    client.create(messages=HI)
    client.create(messages=HI)

    assert before is None
    summary = client.actual_usage_summary
    assert summary is not None
    assert summary["total_cost"] == 1.0
    assert {name: summary["m"][name] for name in ("cost", "prompt_tokens", "completion_tokens", "total_tokens")} == {
        "cost": 1.0,
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "total_tokens": 30,
    }


@pytest.mark.parametrize("where", ["memory", "file"])
def test_cached_answers_count_in_the_total_only(where: str, tmp_path: Path) -> None:
    model = counted()
    with Client(model=model, cache="memory" if where == "memory" else tmp_path / "cache.sqlite") as client:
        first, second = client.create(messages=HI), client.create(messages=HI)

        assert (first.cached, second.cached, second.text, second.cost) == (False, True, "yes", 0.5)
        assert client.actual_usage_summary is not None
        assert client.total_usage_summary is not None
        assert client.actual_usage_summary["m"]["answers"] == 1
        assert client.total_usage_summary["m"]["answers"] == 2
        assert client.total_usage_summary["total_cost"] == 1.0
    assert len(model.requests) == 1


def test_the_cache_is_off_by_default_and_may_be_one_calls() -> None:
    model = counted()
    client = Client(model=model)

    client.create(messages=HI)
    client.create(messages=HI)
    assert len(model.requests) == 2


def test_a_call_may_bring_a_cache_of_its_own(tmp_path: Path) -> None:
    model = counted()
    client = Client(model=model)

    for _ in range(3):
        client.create(messages=HI, cache=tmp_path / "cache.sqlite")

    assert len(model.requests) == 1


def test_an_unknown_cost_is_none_and_counted_as_unknown() -> None:
    client = Client([{"model": counted(cost=None)}])
    client.create(messages=HI)

    summary = client.actual_usage_summary
    assert summary is not None
    assert summary["total_cost"] is None
    assert (summary["m"]["cost"], summary["m"]["unknown_cost"]) == (None, 1)


def test_known_costs_are_summed_beside_unknown_ones() -> None:
    model = ScriptedModel([*reply("a"), Usage(1, 1, cost=0.5)], [*reply("b"), Usage(1, 1)], name="m")
    client = Client(model=model)
    client.create(messages=HI)
    client.create(messages=HI)

    summary = client.actual_usage_summary
    assert summary is not None
    assert (summary["total_cost"], summary["m"]["unknown_cost"]) == (0.5, 1)


def test_the_entrys_price_applies_to_estimated_tokens() -> None:
    client = Client([{"model": ScriptedModel(reply("y" * 40), name="m"), "price": [1.0, 2.0]}])

    answer = client.create(messages=[{"role": "user", "content": "x" * 400}])

    assert answer.cost == pytest.approx((104 * 1.0 + 10 * 2.0) / 1000)
    assert client.actual_usage_summary is not None
    assert client.actual_usage_summary["m"]["estimated"] == 1


def test_the_summary_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    client = Client(model=counted(), cache="memory")

    client.print_usage_summary()
    assert "No usage yet" in capsys.readouterr().out
    client.create(messages=HI)
    client.print_usage_summary()
    assert "the total is the same" in capsys.readouterr().out
    client.create(messages=HI)
    client.print_usage_summary(["actual", "total"])

    printed = capsys.readouterr().out
    assert "Total cost: $0.50000" in printed
    assert "Total cost: $1.00000" in printed
    assert "* m: cost $1.00000, 20 prompt tokens, 10 completion tokens, 30 in total" in printed
    client.print_usage_summary("total")
    assert "without cached" not in capsys.readouterr().out
    with pytest.raises(ValueError, match="mode"):
        client.print_usage_summary("both of them")


def test_the_summary_begins_anew_when_cleared() -> None:
    client = Client(model=counted())
    client.create(messages=HI)

    client.clear_usage_summary()

    assert (client.actual_usage_summary, client.total_usage_summary) == (None, None)


def test_many_answers_are_added_up_exactly() -> None:
    client = Client(model=counted(cost=1.0))

    for _ in range(2500):
        client.create(messages=HI)

    assert client.actual_usage_summary is not None
    assert client.actual_usage_summary["m"]["answers"] == 2500
    assert client.actual_usage_summary["total_cost"] == 2500.0
