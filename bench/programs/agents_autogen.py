"""Turns of AutoGen 0.2.40's agents."""

import logging
from functools import partial

import autogen  # type: ignore[import-not-found]  # of the peers' venv

from bench.programs.talk import serve
from bench.programs.turns import chat, turn


def main() -> None:
    """Serves the commands."""
    logging.getLogger("autogen.oai.client").setLevel(logging.ERROR)  # it announces each class that waits
    serve(chat=partial(chat, autogen), turn=partial(turn, autogen))


if __name__ == "__main__":
    main()
