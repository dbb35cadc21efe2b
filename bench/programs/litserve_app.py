"""A peer: LitServe with its OpenAI spec, as its documentation writes it, around models that do nothing.

One worker process, one API process. Its queue over ZeroMQ (``fast_queue``) is used where the first argument is "fast".
"""

import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import litserve  # type: ignore[import-not-found]  # of the peers' venv

DELTAS = 100


class Models(litserve.LitAPI):  # type: ignore[misc]
    """ "noop" says ok; any other model is a hundred deltas, ready at once."""

    def setup(self, device: str) -> None:
        pass

    def decode_request(self, request: Any) -> Any:
        return request

    def predict(self, request: Any) -> Iterator[str]:
        if request.model == "noop":
            yield "ok"
            return
        for _ in range(DELTAS):
            yield "word "


def _tell_when_ready(port: int) -> None:
    url = f"http://127.0.0.1:{port}/health"
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    break
        except OSError:
            time.sleep(0.01)
    print(f"listening on 127.0.0.1:{port}", flush=True)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


if __name__ == "__main__":
    free = _free_port()
    threading.Thread(target=_tell_when_ready, args=(free,), daemon=True).start()
    api = Models(spec=litserve.OpenAISpec())
    server = litserve.LitServer(api, accelerator="cpu", devices=1, fast_queue=sys.argv[1:] == ["fast"])
    server.run(host="127.0.0.1", port=free, num_api_servers=1, log_level="warning", generate_client_file=False)
