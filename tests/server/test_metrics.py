"""``/metrics`` of an app, as Prometheus reads it: what is counted, by what, and that it adds up."""

import asyncio
from pathlib import Path
from typing import Any

import anyio
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from modelport.adapters import as_model
from modelport.errors import ModelError, ModelportError
from modelport.server import App, Limits, Options, create_app
from modelport.server.app import ROUTES
from modelport.server.counting import ModelNumbers, StreamTimes, code_of
from modelport.storage.api_keys import KeyLimits
from modelport.testing import ScriptedModel, reply
from modelport.types import Finish, Started, TextDelta, Usage
from tests.server.helpers import CHAT, Client, Gated, ask, chat
from tests.server.keyring import Ring
from tests.server.scraping import Scrape, check_histograms
from tests.workers.helpers import running


def app(*models: Any, **options: Any) -> App:
    return create_app(models or [ScriptedModel(reply("Hi"), name="m")], Options(**options))


async def scrape(app: App, **options: Any) -> Scrape:
    answer = await ask(app, "GET", "/metrics", **options)
    assert answer.status == 200, answer
    return Scrape(answer.body.decode())


async def test_requests_are_counted_by_route_model_and_status() -> None:
    served = app()
    for body in (chat(), chat(model="m", stream=True), chat(temperature=7), chat(model="nobody")):
        await ask(served, body=body)
    await ask(served, "GET", "/v1/models")
    await ask(served, "GET", "/v1/models/nobody")

    seen = await scrape(served)

    counted = {key: seen.value("modelport_requests_total", **dict(key)) for key in seen.labels("modelport_requests")}
    assert {tuple(value for _, value in key): count for key, count in counted.items()} == {
        ("m", CHAT, "200"): 2,
        ("", CHAT, "400"): 1,
        ("", CHAT, "404"): 1,
        ("", "/v1/models", "200"): 1,
        ("", "/v1/models/", "404"): 1,
    }
    assert seen.value("modelport_errors_total", code="model_not_found") == 2
    assert seen.value("modelport_errors_total", code="invalid_request") == 1
    check_histograms(seen)


async def test_each_request_has_a_duration_in_the_same_row() -> None:
    served = app()
    for _ in range(5):
        await ask(served, body=chat())

    seen = await scrape(served)

    assert seen.value("modelport_request_duration_seconds_count", route=CHAT, model="m") == 5
    assert 0 < seen.value("modelport_request_duration_seconds_sum", route=CHAT, model="m") < 5


async def test_tokens_that_a_model_counted_are_told_from_those_that_were_estimated() -> None:
    counts = ScriptedModel([*reply("Hi"), Usage(prompt_tokens=7, completion_tokens=3)], name="counts")
    served = app(counts, ScriptedModel(reply("four letters"), name="guessed"))
    for name in ("counts", "guessed"):
        for stream in (False, True):
            await ask(served, body=chat(model=name, stream=stream))

    seen = await scrape(served)

    assert seen.value("modelport_tokens_total", model="counts", kind="prompt", source="model") == 14
    assert seen.value("modelport_tokens_total", model="counts", kind="completion", source="model") == 6
    assert seen.value("modelport_tokens_total", model="guessed", kind="completion", source="estimated") == 6
    assert not [
        key for key in seen.labels("modelport_tokens") if ("model", "counts") in key and "estimated" in str(key)
    ]


async def test_first_tokens_and_the_time_between_two_are_those_of_streams() -> None:
    served = app(ScriptedModel([TextDelta("a"), TextDelta("b"), TextDelta("c"), Finish()], name="m"))
    await ask(served, body=chat())
    for _ in range(3):
        await ask(served, body=chat(stream=True))

    seen = await scrape(served)

    assert seen.value("modelport_time_to_first_token_seconds_count", model="m") == 3
    assert seen.value("modelport_inter_token_seconds_count", model="m") == 3 * 2
    check_histograms(seen)


async def test_what_is_going_on_is_seen() -> None:
    gated = Gated("slow")
    served = app(gated)
    client = Client(served, pieces=(chat(stream=True),))
    asking = asyncio.create_task(client.ask())
    await gated.begun.wait()

    during = await scrape(served)
    client.leave()
    await asking
    after = await scrape(served)

    assert during.value("modelport_requests_in_flight") == 1
    assert after.value("modelport_requests_in_flight") == 0
    assert after.value("modelport_requests_total", route=CHAT, model="slow", status="499") == 1
    assert after.value("modelport_errors_total", code="client_gone") == 1


async def test_calls_that_wait_for_a_model_are_its_queue() -> None:
    turn, begun = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def blocks(messages: Any) -> str:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(turn.wait(), loop).result(10)
        return "done"

    served = app(as_model(blocks))
    waiting = [asyncio.create_task(ask(served, body=chat())) for _ in range(4)]
    await begun.wait()

    seen = await scrape(served)
    turn.set()
    answers = await asyncio.gather(*waiting)
    after = await scrape(served)

    assert (seen.value("modelport_queue_length", model="blocks"), [each.status for each in answers]) == (3, [200] * 4)
    assert after.value("modelport_queue_length", model="blocks") == 0


async def test_calls_that_no_worker_has_begun_are_in_the_queue(tmp_path: Path) -> None:
    held = tmp_path / "file"
    async with running(tmp_path, "does") as model:
        served = app(model)
        body = chat(messages=[{"role": "user", "content": f"hold {held}"}])
        clients = [Client(served, pieces=(body,)) for _ in range(5)]
        asking = [asyncio.create_task(client.ask()) for client in clients]
        while not await anyio.Path(f"{held}.held").exists():
            pass

        seen = await scrape(served)
        for client in clients:
            client.leave()
        await asyncio.gather(*asking)
        left = await scrape(served)

    assert (seen.value("modelport_queue_length", model="does"), seen.value("modelport_requests_in_flight")) == (4, 5)
    assert left.value("modelport_requests_in_flight") == 0


async def test_a_strangers_text_never_becomes_a_label() -> None:
    served = app()
    texts = ["nobody", 'a"} 1\nevil 2', "x" * 5000]
    for text in texts:
        await ask(served, body=chat(model=text))
        await ask(served, "GET", f"/{text}", headers=[(b"x-request-id", b"mine")])
        await ask(served, text[:9].upper(), CHAT)

    seen = await scrape(served)

    routes = {value for key in seen.labels("modelport_requests") for name, value in key if name == "route"}
    models = {value for key in seen.labels("modelport_requests") for name, value in key if name == "model"}
    assert routes <= {route.path for route in ROUTES} | {"none"}
    assert models == {""}
    assert not any(text in seen.text for text in (*texts, "evil", "mine"))


class Peculiar(ModelportError):
    code = "made up by a model"


async def test_errors_of_a_models_own_kind_are_counted_as_what_they_are_of_ours() -> None:
    class Worse(ModelError):
        code = "anything at all"

    assert (code_of(Peculiar("x")), code_of(Worse("x"))) == ("internal_error", "model_error")


async def test_a_key_is_asked_for_and_shows_the_models_that_it_may_use(tmp_path: Path) -> None:
    ring = Ring(tmp_path / "keys")
    some, every = await ring.add("some", KeyLimits(models=("mine",))), await ring.add("every")
    served = await ring.app(*[ScriptedModel(reply("Hi"), name=name) for name in ("mine", "theirs")])
    as_some, as_every = ([(b"authorization", f"Bearer {key}".encode())] for key in (some, every))
    for name in ("mine", "theirs"):
        await ask(served, body=chat(model=name), headers=as_every)

    refused = await ask(served, "GET", "/metrics")
    seen = [await scrape(served, headers=headers) for headers in (as_some, as_every)]

    assert refused.status == 401
    assert [{dict(key)["model"] for key in each.labels("modelport_model_ready")} for each in seen] == [
        {"mine"},
        {"mine", "theirs"},
    ]
    assert ["theirs" in each.text for each in seen] == [False, True]


@pytest.mark.parametrize("accept", [b"", b"*/*", b"text/plain;version=0.0.4", b"wat;;q=,", b"\xff"], ids=ascii)
async def test_any_scraper_gets_a_form_that_it_knows(accept: bytes) -> None:
    answer = await ask(app(), "GET", "/metrics", headers=[(b"accept", accept)])

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "modelport_build_info" in answer.body.decode()


async def test_openmetrics_is_spoken_to_who_asks_for_it() -> None:
    served = app()
    await ask(served, body=chat(stream=True))

    answer = await ask(served, "GET", "/metrics", headers=[(b"accept", b"application/openmetrics-text; version=1.0.0")])

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in parse_openmetrics(answer.body.decode())}  # type: ignore[no-untyped-call]
    assert {"modelport_requests", "modelport_inter_token_seconds", "modelport_tokens"} <= names


async def test_names_keep_the_conventions() -> None:
    served = app()
    await ask(served, body=chat())

    seen = await scrape(served)

    for name, kind in seen.kinds.items():
        assert name.startswith(("modelport_", "process_")), name
        assert kind in {"counter", "gauge", "histogram"}, name
        assert not name.endswith(("_total", "_ms", "_count", "_sum", "_bucket")), name


# --- counting ---


def test_tokens_that_leave_together_came_evenly() -> None:
    numbers = ModelNumbers()
    clock = StreamTimes(numbers, 0.0)

    clock.note([Started()])
    before = clock.first
    clock.note([Started(), TextDelta("a"), TextDelta("b")])
    clock.note([TextDelta("c"), TextDelta("d"), Finish(), Usage()])
    clock.note([Finish(), Usage()])

    assert before < 0 <= clock.first
    assert sum(numbers.first.counts) == 1
    assert sum(numbers.between.counts) == 3
    assert numbers.between.total > 0


async def test_a_full_server_counts_what_it_refuses() -> None:
    served = app(limits=Limits(concurrent=0))
    await ask(served, body=chat())

    assert served.counters.errors == {"overloaded": 1}
    assert served.counters.requests == 1
