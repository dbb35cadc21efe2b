"""docs/server.md: its metrics and the fields of its log are those of the code."""

import logging

import pytest

from modelport.server import create_app
from modelport.server.logs import ACCESS
from modelport.testing import ScriptedModel, reply
from modelport.types import Usage
from modelport.workers import WorkerModel
from tests.docs.tables import code_in, table
from tests.server.helpers import ask, chat
from tests.server.scraping import Scrape
from tests.workers.helpers import running


async def test_every_metric_is_listed_with_its_kind_and_its_labels(tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = table("server.md", "## Metrics")
    listed = {code_in(row[0])[0]: (row[1], set(code_in(row[2]))) for row in rows}

    async with running(tmp_path_factory.mktemp("workers"), "Batches") as batches:
        seen = await _scraped(batches)

    counted = {}
    for name, kind in seen.kinds.items():
        labels = {label for key in seen.labels(name) for label, _ in key} - {"le"}
        counted[f"{name}_total" if kind == "counter" else name] = (kind, labels)
    ours = {name: value for name, value in counted.items() if name.startswith("modelport_")}
    assert ours == listed
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes"} <= set(counted)


async def _scraped(batches: WorkerModel) -> Scrape:
    """What there is to be seen when everything that is counted has happened once."""
    app = create_app([ScriptedModel([*reply("Hi"), Usage(1, 2)], name="m"), batches])
    for body in (chat(), chat(stream=True), chat(model="batches"), chat(model="nobody")):
        await ask(app, body=body)
    return Scrape((await ask(app, "GET", "/metrics")).body.decode())


async def test_every_field_of_a_requests_record_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app([ScriptedModel(reply("Hi"), name="m")])
    app.access_log = True
    records: list[logging.LogRecord] = []
    monkeypatch.setattr(ACCESS, "handle", records.append)  # pytest's own handlers write where the event loop runs
    monkeypatch.setattr(ACCESS, "level", logging.INFO)
    monkeypatch.setattr(ACCESS, "_cache", {})

    await ask(app, body=chat())

    [record] = records
    listed = [code_in(row[0])[0] for row in table("server.md", "## The log")]
    assert listed == list(vars(record)["modelport_fields"])
