"""Canaries in every place that holds a secret of a server, and a look into everything that it writes or says."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from modelport.server.app import ROUTES
from tests.attacks.test_secrets import LEAKY
from tests.server.processes import serving

IN_A_FILE = "sk-canary-in-the-key-file-77aa"
IN_THE_ENVIRONMENT = "sk-canary-in-the-environment-88bb"
OF_THE_MODEL = "sk-canary-of-the-model-99cc"
WORDS = "words-that-only-the-model-may-hear"

ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": WORDS}]},
    "/v1/responses": {"input": WORDS, "store": True},
    "/v1/completions": {"prompt": WORDS},
    "/v1/messages": {"max_tokens": 5, "messages": [{"role": "user", "content": WORDS}]},
    "/api/chat": {"messages": [{"role": "user", "content": WORDS}]},
    "/api/generate": {"prompt": WORDS},
    "/v1/embeddings": {"input": WORDS},
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_and_no_prompt_is_in_anything_that_a_server_writes_or_says(tmp_path: Path, log_format: str) -> None:
    written = tmp_path / "written"
    written.mkdir()
    (tmp_path / "leaky.py").write_text(LEAKY, encoding="utf-8")
    (tmp_path / "keys.txt").write_text(f"ann:{IN_A_FILE}\n", encoding="utf-8")
    homes = {name: str(written) for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME")}
    env = {**homes, "MODELPORT_API_KEYS": f"eve:{IN_THE_ENVIRONMENT}", "UPSTREAM_API_KEY": OF_THE_MODEL}
    made = _made_key(env)
    specs = ["echo", *[f"{tmp_path}/leaky.py:{name}" for name in ("leaky", "leaky_half_way", "Leaky")]]
    options = ("--api-key-file", "keys.txt", "--access-log", "--log-format", log_format, "--log-level", "debug",
               "--store-responses", str(written / "responses.db"))  # fmt: skip
    said: list[str] = []
    with serving(tmp_path, specs, *options, **env) as served:
        ready = (tmp_path / "ready.json").read_text(encoding="utf-8")
        for key in (IN_A_FILE, IN_THE_ENVIRONMENT, made, f"{made}x", f"{made} {made}"):
            for route in ROUTES:
                body = ASKED.get(route.path, {"not": "ours"})
                for model in served.models:
                    said.append(_answer(served.url, route.method, route.path, key, {**body, "model": model}))
                    said.append(_answer(served.url, route.method, f"{route.path}?key={key}", "", {}))
        said.append(_answer(served.url, "GET", "/metrics", made, None))
        served.process.send_signal(signal.SIGTERM)
        out, err = served.process.communicate(timeout=15)

    kept = {path: path.read_bytes() for path in written.rglob("*") if path.is_file()}
    everything = "\n".join([*said, out, err, ready]).encode() + b"".join(kept.values())
    assert b"incorrect API key provided: ***" in everything  # the canaries were there to be found
    assert any(path.name == "keys.sqlite3" for path in kept)
    for canary in (IN_A_FILE, IN_THE_ENVIRONMENT, OF_THE_MODEL, made):
        assert canary.encode() not in everything
    assert WORDS not in out + err + ready
    assert [path for path, content in kept.items() if WORDS.encode() in content and "responses" not in path.name] == []


def _made_key(env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "modelport", "keys", "add", "bob", "--rpm", "100000"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env={**os.environ, **env},
    )
    return done.stdout.strip()


def _answer(url: str, method: str, path: str, key: str, body: Any) -> str:
    """What comes back; a traceback in it would be a secret, too."""
    answer = requests.request(method, url + path, json=body, headers={"x-api-key": key} if key else {}, timeout=10)
    assert "Traceback" not in answer.text
    assert 'File "' not in answer.text
    return f"{answer.status_code} {answer.headers}\n{answer.text}"
