"""A model that answers batches: matrices as a small decoder has them, gone through once for each token of all requests.

A step costs much for the first request of a batch and little for each further one, as with real ones.
As a program, it is asked directly: full batches, one after the other, in this process.
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.programs.noop import conversation
from bench.programs.talk import serve
from modelport.types import ChatRequest, messages_from

WIDTH, LAYERS, TOKENS = 256, 4, 800


class _Decoder:
    max_batch_size = 32

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.layers = random.standard_normal((LAYERS, WIDTH, WIDTH), dtype=np.float32) / np.float32(WIDTH**0.5)

    def generate_batch(self, requests: Sequence[Any]) -> list[str]:
        """As many tokens for each request."""
        state = np.ones((len(requests), WIDTH), dtype=np.float32)
        tokens = []
        other = np.empty_like(state)
        for _ in range(TOKENS):
            for layer in self.layers:
                np.maximum(np.matmul(state, layer, out=other), -1, out=state)
            tokens.append(state.argmax(axis=1))
        return [" ".join(str(token[at]) for token in tokens) for at in range(len(requests))]


class By32(_Decoder):
    """All who ask fit into one batch."""

    name = "by32"


class By16(_Decoder):
    """Half of those who ask wait while the others are answered."""

    name = "by16"
    max_batch_size = 16


_models = {By16.name: By16, By32.name: By32}
_made: dict[str, _Decoder] = {}


def offline(model: str, batches: int) -> dict[str, float]:
    """Answers a second of full batches, and a second of processor time."""
    made = _made.setdefault(model, _models[model]())
    request = ChatRequest(messages=messages_from(conversation()))
    requests = [request] * made.max_batch_size
    began, worked = time.perf_counter(), time.process_time()
    for _ in range(batches):
        made.generate_batch(requests)
    took, worked = time.perf_counter() - began, time.process_time() - worked
    count = batches * len(requests)
    return {"rate": count / took, "of_processor": count / worked, "batch_seconds": took / batches}


if __name__ == "__main__":
    serve(offline=offline)
