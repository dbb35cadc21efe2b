"""``/metrics`` of a real server with real workers, under traffic that goes well and traffic that does not."""

import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.server.helpers import CHAT
from tests.server.processes import Served, serving
from tests.server.scraping import Scrape, check_histograms
from tests.workers.helpers import spec_of

pytestmark = pytest.mark.timeout(90)

BATCHES = """
import pathlib
import time


class Batches:
    name = "batches"
    max_batch_size = 8

    def generate_batch(self, requests):
        while not pathlib.Path("go").exists():
            time.sleep(0.01)
        return ["words"] * len(requests)
"""

KEY = {"Authorization": "Bearer sk-metrics"}


def request(served: Served, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), {**KEY, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def ask(served: Served, model: str, text: str, **fields: Any) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
    return request(served, "POST", CHAT, body)[0]


def scrape(served: Served) -> Scrape:
    status, body = request(served, "GET", "/metrics", Accept="text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
    assert status == 200
    return Scrape(body.decode())


def until(served: Served, happened: Any) -> Scrape:
    limit = time.monotonic() + 20
    while not happened(seen := scrape(served)):
        assert time.monotonic() < limit, seen.text
        time.sleep(0.02)
    return seen


def test_all_that_happens_is_counted_and_adds_up(tmp_path: Path) -> None:
    specs = [spec_of(tmp_path, name) for name in ("does", "streams", "waits")]
    (tmp_path / "batch_model.py").write_text(BATCHES, encoding="utf-8")
    specs.append("batch_model.py:Batches")
    with serving(tmp_path, specs, "--workers", "2", MODELPORT_API_KEYS="prometheus:sk-metrics") as served:
        keyless = request(served, "GET", "/metrics", Authorization="Bearer wrong")[0]
        idle = until(served, lambda seen: seen.value("modelport_workers_ready", model="does") == 2)
        whole = [ask(served, "does", "say hello") for _ in range(3)]
        streamed = [ask(served, "streams", "count 20", stream=True) for _ in range(2)]
        inline = [ask(served, "waits", "say hello"), ask(served, "waits", "say hello", stream=True)]
        failed = [ask(served, "does", "raise it"), ask(served, "does", "exit 3"), ask(served, "streams", "die")]
        batched = together(served, tmp_path, 6)
        after = until(served, lambda seen: seen.value("modelport_worker_restarts_total", model="does") == 1)
        ready = until(served, lambda seen: seen.value("modelport_workers_ready", model="does") == 2)

    assert (keyless, whole, streamed, inline, failed) == (401, [200] * 3, [200] * 2, [200] * 2, [502] * 3)
    assert batched == [200] * 6
    _check_requests(idle, after)
    _check_models(after)
    assert check_histograms(after) >= 10
    assert ready.value("modelport_model_ready", model="does") == 1
    assert after.value("process_resident_memory_bytes") > 1e6
    assert after.value("process_cpu_seconds_total") > 0


def together(served: Served, folder: Path, count: int) -> list[int]:
    """The statuses of so many requests of the model that answers batches, which waits until all of them have come."""
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(served, "batches", "hello"))) for _ in range(count)]
    for thread in threads:
        thread.start()
    until(served, lambda seen: seen.value("modelport_requests_in_flight") == count)
    (folder / "go").touch()
    for thread in threads:
        thread.join(20)
    return answers


def _check_requests(idle: Scrape, after: Scrape) -> None:
    def count(model: str, status: str) -> float:
        return after.value("modelport_requests_total", route=CHAT, model=model, status=status)

    assert idle.labels("modelport_time_to_first_token_seconds") != []
    assert (count("does", "200"), count("does", "502")) == (3, 2)
    assert (count("streams", "200"), count("streams", "502")) == (2, 1)
    assert count("waits", "200") == 2
    assert count("batches", "200") == 6
    assert after.value("modelport_errors_total", code="worker_died") == 2
    assert after.value("modelport_errors_total", code="unauthorized") == 1
    assert after.value("modelport_requests_total", route="/metrics", model="", status="401") == 1
    asked = [
        value for (name, key), value in after.samples.items() if name == "modelport_request_duration_seconds_count"
    ]
    ended = [value for (name, key), value in after.samples.items() if name == "modelport_requests_total"]
    assert sum(asked) == sum(ended)


def _check_models(after: Scrape) -> None:
    assert after.value("modelport_time_to_first_token_seconds_count", model="streams") == 2
    assert after.value("modelport_inter_token_seconds_count", model="streams") == 2 * 19
    assert after.value("modelport_time_to_first_token_seconds_count", model="waits") == 1
    assert after.value("modelport_time_to_first_token_seconds_count", model="does") == 0
    assert after.value("modelport_tokens_total", model="streams", kind="completion", source="estimated") > 20
    assert after.value("modelport_batch_size_sum", model="batches") == 6
    assert after.value("modelport_batch_size_count", model="batches") < 6
    assert after.value("modelport_queue_length", model="batches") == 0
    assert after.value("modelport_workers", model="batches") == 2
    assert not [key for key in after.labels("modelport_workers") if ("model", "waits") in key]
    assert after.value("modelport_worker_restarts_total", model="streams") == 1
