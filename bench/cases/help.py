"""The command line's help, from the start of the process to its end."""

import sys
from functools import partial
from pathlib import Path

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.processes import OURS, cores, milliseconds, on_core, whole_run

ABOUT = "modelport --help, whole process"
PEERS = False


def run(bench: Bench) -> list[Budget]:
    """The time of the command, and how much of it is not Python's own start."""
    command = str(Path(sys.executable).with_name("modelport"))
    with on_core(cores()[1]):
        for warm_up in ([command, "--help"], [OURS, "-c", "pass"]):
            whole_run(warm_up)
        taken = take_turns(
            bench.rounds(41),
            {
                "ours": partial(milliseconds, [command, "--help"]),
                "bare python": partial(milliseconds, [OURS, "-c", "pass"]),
            },
        )
    return [
        Budget(
            name="modelport --help, whole process",
            unit="ms",
            ours=Measured("modelport --help", taken["ours"]),
            other=Measured("bare python", taken["bare python"]),
            limit=Limit(of="ours", figure=80, text="≤ 80 ms"),
        )
    ]
