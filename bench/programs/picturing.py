"""What both clients do with pictures: send one, send one and prove it, hold a conversation of them; and be timed."""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from bench.programs.looking import expected
from bench.programs.screens import HEIGHT, WIDTH, Picture, variant
from bench.programs.talk import serve

__all__ = ("Turn", "drawn", "serve_client")

Turn = tuple[str, "str | Picture"]  # role and content


@cache
def drawn(path: str) -> Picture:
    """The pixels in a file. Not to be written to."""
    picture: Picture = np.frombuffer(Path(path).read_bytes(), np.uint8).reshape(HEIGHT, WIDTH, 3)
    return picture


def serve_client(exchange: Callable[[list[Turn]], str]) -> None:
    """*exchange* asks about a conversation and gives the answer."""

    def asked(history: list[Turn]) -> float:
        seen = [content for _, content in history if not isinstance(content, str)]
        whole = isinstance(history[-1][1], str) and history[-1][1] == "digest"
        began = time.perf_counter()
        answer = exchange(history)
        took = time.perf_counter() - began
        if answer != expected(seen, whole=whole):
            raise SystemExit(
                f"the picture did not arrive as it was sent: {answer} is not {expected(seen, whole=whole)}"
            )
        return took

    def send(path: str, number: int, *, prove: bool = False) -> float:
        """Seconds for a picture that was never sent before."""
        picture = variant(drawn(path), number)
        return asked([("user", picture), ("user", "digest" if prove else "what is there to see?")])

    def converse(paths: list[str], number: int, turns: int, *, frozen: bool) -> list[float]:
        """Seconds for each turn; one more screenshot every turn, all of them sent again by the caller."""
        history: list[Turn] = []
        took = []
        for turn in range(turns):
            picture = variant(drawn(paths[turn % len(paths)]), number + turn)
            picture.flags.writeable = not frozen
            history += [("user", f"turn {turn}: what now?"), ("user", picture)]
            took.append(asked(history))
            history.append(("assistant", "click at 640, 360"))
        return took

    def greet() -> float:
        """A call without a picture, to have connections and imports behind."""
        return asked([("user", "hello")])

    serve(send=send, converse=converse, greet=greet)
