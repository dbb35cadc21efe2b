"""Where the models of a command line run, on systems with worker processes and without."""

from pathlib import Path

import pytest

from modelport.cli import _isolation
from modelport.cli._isolation import load_isolated
from modelport.errors import ConfigError, ModelNotFound
from modelport.workers import SUPPORTED, WorkerModel, WorkerOptions, process
from tests.workers.helpers import spec_of

pytestmark = pytest.mark.skipif(not SUPPORTED, reason="worker processes need a system that has them")


def test_each_model_runs_where_its_kind_belongs(tmp_path: Path) -> None:
    specs = [spec_of(tmp_path, name) for name in ("does", "waits", "streams")]

    models = load_isolated([*specs, "remote:http://127.0.0.1:9/x"], "auto", WorkerOptions())

    try:
        assert [isinstance(model, WorkerModel) for model in models] == [True, False, True, False]
        assert [model.name for model in models[:3]] == ["does", "waits", "streams"]
    finally:
        ended = [model.pool for model in models if isinstance(model, WorkerModel)]
        for pool in ended:
            pool.kill()


def test_one_spec_may_be_given_twice(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "does")

    models = load_isolated([spec, spec], "worker", WorkerOptions())

    pids = {model.pool.pids for model in models if isinstance(model, WorkerModel)}
    for model in models:
        assert isinstance(model, WorkerModel)
        model.pool.kill()
    assert len(pids) == 2


def test_without_worker_processes_models_run_in_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_isolation, "SUPPORTED", False)
    monkeypatch.setattr(process, "SUPPORTED", False)
    spec = spec_of(tmp_path, "does")

    [model] = load_isolated([spec], "auto", WorkerOptions())

    assert not isinstance(model, WorkerModel)
    with pytest.raises(ConfigError, match="not supported on Windows: use --isolation thread"):
        load_isolated([spec], "worker", WorkerOptions())


def test_one_model_that_does_not_load_ends_the_others(tmp_path: Path) -> None:
    good, bad = spec_of(tmp_path, "does"), f"{tmp_path}/nothing.py:Here"

    with pytest.raises(ModelNotFound, match=r"no file .*nothing\.py"):
        load_isolated([good, bad], "auto", WorkerOptions())


@pytest.mark.parametrize("code", [-9, -11, -10, -15, -99, -3, 0, 3])
def test_every_end_of_a_process_has_words(code: int) -> None:
    words = process.cause_of_death(code)

    assert words.startswith(("was ", "crashed ", "ended by itself, with exit code "))
