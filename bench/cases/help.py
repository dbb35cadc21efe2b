"""The command line's help, from the start of the process to its end."""

import sys
from pathlib import Path

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.processes import OURS, Command, cores, on_core, whole_run

ABOUT = "modelport --help, whole process"
PEERS = False


def run(bench: Bench) -> list[Budget]:
    """The time of the command, and how much of it is not Python's own start."""
    ours = Command([str(Path(sys.executable).with_name("modelport")), "--help"])
    bare = Command([OURS, "-c", "pass"])
    with on_core(cores()[1]):
        for command in (ours, bare):
            whole_run(command.command)  # compiles, and warms the file cache
        taken = take_turns(bench.rounds(41), {"ours": ours, "bare python": bare})
    return [
        Budget(
            name="modelport --help, whole process",
            unit="ms",
            ours=Measured("modelport --help", taken["ours"]),
            other=Measured("bare python", taken["bare python"]),
            limit=Limit(of="ours", figure=80, text="≤ 80 ms"),
            why=ours.disturbed,
            more={"processor_ms": ours.worked},
        )
    ]
