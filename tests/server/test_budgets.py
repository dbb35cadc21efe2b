"""What may be spent on a key: counted on every wire, kept in the file, never guessed where a price is unknown."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from modelport.adapters import as_model
from modelport.cli import main
from modelport.errors import BudgetSpent, ConfigError
from modelport.server import App, Options, create_app
from modelport.server.quotas import Caller
from modelport.storage.api_keys import KeyLimits, next_period, period_of
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import Client, Gated, ask, chat
from tests.server.keyring import Ring
from tests.server.test_quotas import Counting, bearer

DOLLAR = {"m": (100.0, 100.0)}  # for 1,000 tokens, so that the ten of an answer cost one
NOON = dt.datetime(2031, 1, 31, 12, tzinfo=dt.UTC).timestamp()


@pytest.fixture
def keys(tmp_path: Path) -> Ring:
    return Ring(tmp_path / "keys")


async def spent(keys: Ring) -> dict[str, float]:
    return {key.name: round(key.spent, 6) for key in await anyio.to_thread.run_sync(keys.file.read)}


async def end(app: App) -> None:
    await app._keys.aclose()


# --- the arithmetic ---


def test_days_and_months_are_those_of_utc() -> None:
    assert [period_of(per, NOON) for per in ("ever", "day", "month")] == ["", "2031-01-31", "2031-01"]
    assert next_period("ever", NOON) is None
    assert next_period("day", NOON) == NOON + 12 * 3600
    assert next_period("month", NOON) == NOON + 12 * 3600
    december = dt.datetime(2031, 12, 5, tzinfo=dt.UTC).timestamp()
    assert next_period("month", december) == dt.datetime(2032, 1, 1, tzinfo=dt.UTC).timestamp()


def test_what_is_spent_is_spent_until_the_next_day() -> None:
    clock = [NOON]
    caller = Caller("ann", KeyLimits(budget=2.0, per="day"), today=lambda: clock[0])
    caller.enter()
    caller.spend(1.9)
    caller.enter()
    caller.spend(5.0)

    with pytest.raises(BudgetSpent, match="'ann' has spent its budget of 2 US dollars a day") as caught:
        caller.enter()

    assert caught.value.retry_after == 12 * 3600
    assert not caught.value.retryable
    caller.keep(6.9, added=6.9)
    clock[0] += 12 * 3600
    caller.enter()


# --- through a server ---


@pytest.mark.parametrize("stream", [False, True])
async def test_a_budget_is_spent_by_answers_streamed_or_not_and_then_refuses(keys: Ring, stream: bool) -> None:
    key = await keys.add("ann", KeyLimits(budget=1.5))
    app = await keys.app(Counting("m", tokens=10), prices=DOLLAR)

    answers = [await ask(app, body=chat(stream=stream), headers=bearer(key)) for _ in range(3)]
    listed = await ask(app, "GET", "/v1/models", headers=bearer(key))
    await end(app)

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].error["code"] == "budget_spent"
    assert answers[2].error["message"] == (
        "the API key 'ann' has spent its budget of 1.5 US dollars: ask whoever runs this server"
    )
    assert "retry-after" not in answers[2].headers
    assert listed.status == 429
    assert await spent(keys) == {"ann": 2.0}


async def test_a_model_whose_cost_is_not_known_is_refused_to_a_key_with_a_budget_and_to_no_other(keys: Ring) -> None:
    ann = await keys.add("ann", KeyLimits(budget=5.0, per="month"))
    bob = await keys.add("bob")
    model = Counting("m")
    app = await keys.app(model)

    refused = await ask(app, body=chat(), headers=bearer(ann))
    taken = await ask(app, body=chat(), headers=bearer(bob))

    assert (refused.status, refused.error["param"]) == (403, "model")
    assert "has a budget, and what 'm' costs is not known here" in refused.error["message"]
    assert "--price m=DOLLARS" in refused.error["message"]
    assert taken.status == 200
    assert taken.json.get("modelport", {}).get("cost") is None
    assert model.asked == 1


async def test_a_price_of_nothing_is_a_price(keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(budget=0.01))
    app = await keys.app(Counting("m"), prices={"m": (0.0, 0.0)})

    answers = [await ask(app, body=chat(), headers=bearer(key)) for _ in range(5)]

    assert [answer.status for answer in answers] == [200] * 5
    assert answers[0].json["modelport"]["cost"] == 0.0


class Lengths:
    name = "lengths"

    def embed(self, texts: list[str]) -> list[list[float]]:
        return [[1.0] for _ in texts]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}]}),
        ("/v1/embeddings", {"model": "lengths", "input": ["x" * 100]}),
        ("/v1/completions", {"prompt": ["one", "two"], "max_tokens": 5}),
        ("/v1/responses", {"input": "hello"}),
        ("/v1/messages", {"max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}),
        ("/api/chat", {"messages": [{"role": "user", "content": "hello"}]}),
        ("/api/generate", {"prompt": "hello"}),
        ("/api/embed", {"model": "lengths", "input": ["x" * 100]}),
    ],
)
async def test_every_wire_spends(keys: Ring, path: str, body: dict[str, Any]) -> None:
    key = await keys.add("ann", KeyLimits(budget=0.5))
    models = [Counting("m", tokens=10), as_model(Lengths())]
    app = await keys.app(*models, prices={**DOLLAR, "lengths": (100.0, 0.0)})
    data = json.dumps({"model": "m", **body}).encode()

    first, second = [await ask(app, path=path, body=data, headers=bearer(key)) for _ in "ab"]
    await end(app)

    if path == "/v1/completions":
        assert first.status == 429  # the first of its two prompts spent all that there was
    else:
        assert (first.status, second.status) == (200, 429)
    assert (await spent(keys))["ann"] >= 1.0


async def test_an_answer_whose_caller_leaves_is_paid_for_as_far_as_it_came(keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(budget=100.0))
    model = Gated("m")
    app = await keys.app(model, prices=DOLLAR)
    client = Client(app, pieces=(chat(stream=True),), headers=bearer(key))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.ask)
        await model.begun.wait()
        model.go.release()
        await client.wrote.wait()
        client.leave()
        await model.left.wait()
    await end(app)

    assert (await spent(keys))["ann"] > 0


@pytest.mark.parametrize("stream", [True, False])
async def test_whoever_leaves_before_anything_comes_has_asked_all_the_same(stream: bool, keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(budget=100.0))
    begun = anyio.Event()

    async def never(messages: Any) -> str:
        begun.set()
        await anyio.sleep_forever()
        return "never"

    app = await keys.app(as_model(never, name="m"), prices=DOLLAR)
    client = Client(app, pieces=(chat(stream=stream),), headers=bearer(key))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.ask)
        await begun.wait()
        client.leave()
    await end(app)

    assert (await spent(keys))["ann"] > 0


async def test_an_answer_that_fails_before_anything_comes_costs_nothing(keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(budget=100.0))

    async def fails(messages: Any) -> str:
        raise RuntimeError("no")

    app = await keys.app(as_model(fails, name="m"), prices=DOLLAR)
    answer = await ask(app, body=chat(), headers=bearer(key))
    await end(app)

    assert answer.status == 502
    assert (await spent(keys))["ann"] == 0


# --- the file ---


async def test_what_was_spent_outlives_the_server_and_is_shared_by_all_of_them(keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(budget=2.0, per="month"))
    statuses = []
    for _ in range(3):
        app = await keys.app(Counting("m", tokens=10), prices=DOLLAR)
        statuses.append((await ask(app, body=chat(), headers=bearer(key))).status)
        await end(app)

    assert statuses == [200, 200, 429]


async def test_what_was_spent_is_in_the_file_a_second_later(keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(budget=100.0))
    app = await keys.app(Counting("m", tokens=10), prices=DOLLAR)

    for _ in range(5):
        assert (await ask(app, body=chat(), headers=bearer(key))).status == 200
    with anyio.fail_after(10):
        while (await spent(keys))["ann"] != 5.0:
            pass


async def test_a_revoked_keys_spending_is_forgotten_and_a_new_one_begins_at_nothing(keys: Ring) -> None:
    key = await keys.add("ann", KeyLimits(budget=1.0))
    app = await keys.app(Counting("m", tokens=10), prices=DOLLAR)
    assert (await ask(app, body=chat(), headers=bearer(key))).status == 200
    await end(app)

    await keys.revoke("ann")
    await keys.add("ann", KeyLimits(budget=1.0))

    assert await spent(keys) == {"ann": 0.0}


def test_a_price_of_a_model_that_is_not_served_is_refused() -> None:
    with pytest.raises(ConfigError, match="a price is given for 'n', which is not served"):
        create_app([ScriptedModel(reply("x"), name="m")], Options(prices={"n": (1.0, 1.0)}))


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), float("inf")])
async def test_a_budget_that_is_none_is_refused(keys: Ring, budget: float) -> None:
    with pytest.raises(ConfigError, match="budget must be US dollars"):
        await keys.add("ann", KeyLimits(budget=budget))


# --- the command ---


def test_the_command_makes_and_lists_budgets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = ["--keys-file", str(tmp_path / "keys")]
    for name, budget in (("ann", "5/day"), ("bob", "20.50/month"), ("eve", "1000000"), ("zoe", "0.00001")):
        assert main(["keys", "add", name, "--budget", budget, *file]) == 0
    capsys.readouterr()

    assert main(["keys", "list", *file]) == 0
    listed = capsys.readouterr().out
    assert main(["keys", "list", "--json", *file]) == 0
    as_json = json.loads(capsys.readouterr().out)

    assert "5 US dollars a day, 0.00 of them spent" in listed
    assert "20.5 US dollars a month, 0.00 of them spent" in listed
    assert "1000000 US dollars, 0.00 of them spent" in listed
    assert "0.00001 US dollars, 0.00 of them spent" in listed
    assert as_json[0]["limits"] == {"budget": 5.0, "per": "day"}
    assert as_json[0]["spent"] == 0.0


@pytest.mark.parametrize("budget", ["", "x", "-1", "5/week", "5/", "1e9", "5 /day", "nan", "0"])
def test_the_command_refuses_what_is_no_budget(budget: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "add", "ann", f"--budget={budget}", "--keys-file", str(tmp_path / "keys")]) == 1
    assert "budget must be US dollars" in capsys.readouterr().err


@pytest.mark.parametrize("price", ["m", "m=", "m=x", "m=1,2,3", "=1", "m=-1", "m=nan"])
def test_serve_refuses_what_is_no_price(price: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "eliza", "--price", price]) == 2
    assert "is not NAME=DOLLARS, nor NAME=PROMPT,ANSWER" in capsys.readouterr().err
