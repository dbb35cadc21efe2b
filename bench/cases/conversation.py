"""A growing conversation: ten turns, a new screenshot at each, all of it handed over again every time."""

from functools import partial

from bench.budget import Budget, Limit, Measured
from bench.context import Bench
from bench.pictures import FLOOR, PEER, draw, sides
from bench.processes import Worker

ABOUT = "the tenth turn of a conversation with ten screenshots, beside its first"
PEERS = True

TURNS = 10


def run(bench: Bench) -> list[Budget]:
    """Arrays that cannot change, and arrays that can; for scale, the peer's tenth turn."""
    paths = draw(bench.scratch, "screenshot", 2 if bench.quick else 4)
    unseen = iter(range(0, 10_000, TURNS))  # no picture is one that an earlier conversation had
    limit = Limit(of="ratio", figure=1.2, text="≤ 1.2 × the first")
    with sides(bench) as both:
        lines = []
        last: dict[str, list[float]] = {}
        for name, side in both.items():
            if name == FLOOR:
                continue
            with side.client() as client:
                for frozen, what in ((True, "read-only arrays"), (False, "writable arrays")):
                    if name == PEER and frozen:
                        continue
                    talk = partial(_talk, client, paths, frozen=frozen)
                    talk(next(unseen))
                    turns = [talk(next(unseen)) for _ in range(bench.rounds(2 if name == PEER else 15))]
                    last[name] = [each[-1] for each in turns]
                    if name == "ours":
                        lines.append(
                            Budget(
                                name=f"tenth turn of ten screenshots, {what}",
                                unit="ms",
                                ours=Measured("tenth turn", [each[-1] for each in turns]),
                                other=Measured("first turn", [each[0] for each in turns]),
                                limit=limit,
                                more={"turns": turns},
                            )
                        )
    lines.append(
        Budget(
            name=f"… the tenth turn beside {PEER}",
            unit="ms",
            ours=Measured("tenth turn, writable arrays", last["ours"]),
            other=Measured(PEER, last[PEER]) if PEER in last else None,
            why="" if PEER in last else bench.peers.missing,
        )
    )
    return lines


def _talk(client: Worker, paths: list[str], number: int, *, frozen: bool) -> list[float]:
    took = client.ask("converse", paths=paths, number=number, turns=TURNS, frozen=frozen)
    return [seconds * 1000 for seconds in took]
