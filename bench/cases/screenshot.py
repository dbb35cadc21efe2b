"""A screenshot to a model in another process, and a short answer back: time, bytes, and that every bit arrives."""

from collections.abc import Iterator
from functools import partial

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.pictures import FLOOR, PEER, Side, bytes_of, draw, sides
from bench.processes import Worker

ABOUT = "a 1920 × 1080 screenshot through RemoteModel on loopback: time, bytes, bit for bit"
PEERS = True

KINDS = (("screenshot", "a screenshot"), ("noise", "pure noise"))


def run(bench: Bench) -> list[Budget]:
    """Every call has a picture that was never sent before. Bytes are counted in another pass than time."""
    lines: list[Budget] = []
    with sides(bench) as both:
        for kind, text in KINDS:
            paths = draw(bench.scratch, kind, 2 if bench.quick else 4)
            held = kind == "screenshot"
            lines += _time(bench, both, paths, text, held=held)
            lines.append(_bytes(bench, both, paths[0], text, held=held))
    return lines


def _time(bench: Bench, both: dict[str, Side], paths: list[str], text: str, *, held: bool) -> list[Budget]:
    clients = {name: side.client() for name, side in both.items()}
    try:
        for name, client in clients.items():
            if name != FLOOR:
                client.ask("send", path=paths[0], number=1000, prove=True)  # ends the client if one bit is wrong
            client.ask("send", path=paths[1], number=1001)
        numbers = {name: iter(range(1_000_000)) for name in clients}
        measures = {name: partial(_send, client, paths, numbers[name]) for name, client in clients.items()}
        taken = take_turns(bench.rounds(31), measures)
    finally:
        for client in clients.values():
            client.close()
    return [
        Budget(
            name=f"{text} to the server and back",
            unit="ms",
            ours=Measured("RemoteModel", taken["ours"]),
            other=Measured(PEER, taken[PEER]) if PEER in taken else None,
            limit=Limit(of="ratio", figure=1 / 3, text="≤ 1/3") if held else None,
            why="" if PEER in taken else bench.peers.missing,
            more={"bit_for_bit": True},
        ),
        Budget(
            name=f"… {text}, beside the floor",
            unit="ms",
            ours=Measured("RemoteModel", taken["ours"]),
            other=Measured(FLOOR, taken[FLOOR]),
        ),
    ]


def _send(client: Worker, paths: list[str], numbers: Iterator[int]) -> float:
    number = next(numbers)
    seconds: float = client.ask("send", path=paths[number % len(paths)], number=number)
    return seconds * 1000


def _bytes(bench: Bench, both: dict[str, Side], path: str, text: str, *, held: bool) -> Budget:
    counted = {name: bytes_of(side, path, 2000) for name, side in both.items() if name != FLOOR}
    return Budget(
        name=f"… {text}, bytes on the wire",
        unit="bytes",
        ours=Measured("RemoteModel", [counted["ours"]]),
        other=Measured(PEER, [counted[PEER]]) if PEER in counted else None,
        limit=Limit(of="ratio", figure=1 / 6, text="≤ 1/6") if held else None,
        why="" if PEER in counted else bench.peers.missing,
    )
