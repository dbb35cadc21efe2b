"""Conversations: a turn beside AutoGen's, how it grows with the history, many at once, and what a journal costs."""

from functools import partial
from typing import Any

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.processes import OURS, Worker, cores

ABOUT = "a turn between two agents, with long histories, 1,000 chats at once, with a journal"
PEERS = True

PEER = "AutoGen 0.2.40"
LONG = 1000


def run(bench: Bench) -> list[Budget]:
    """Ours and the peer's turns, taking turns; then what only ours does."""
    core = cores()[1]
    with Worker(OURS, "agents_ours", core=core, cwd=bench.scratch) as ours:
        if bench.peers.python is None:
            taken = take_turns(bench.rounds(9), _measures(ours, "ours", bench))
        else:
            with Worker(bench.peers.python, "agents_autogen", core=core, cwd=bench.scratch) as peer:
                measures = _measures(ours, "ours", bench) | _measures(peer, "peer", bench)
                take_turns(1, measures)  # warm
                taken = take_turns(bench.rounds(9), measures)
        copies = [
            ours.microseconds("copy_of_list", length=LONG, times=bench.amount(2000)) for _ in range(bench.rounds(9))
        ]
        many = [ours.ask("chats", number=bench.amount(1000), turns=10) for _ in range(bench.rounds(3))]
        kept = [ours.ask("journal", times=bench.amount(20_000)) for _ in range(bench.rounds(5))]
    return [*_turns(taken, bench), _growth(taken, copies), *_many(many, bench), *_journal(kept)]


def _measures(worker: Worker, side: str, bench: Bench) -> dict[str, Any]:
    times = bench.amount(300)
    return {
        f"{side} chat": partial(worker.microseconds, "chat", turns=times),
        f"{side} short": partial(worker.microseconds, "turn", before=1, times=bench.amount(100)),
        f"{side} long": partial(worker.microseconds, "turn", before=LONG, times=bench.amount(100)),
    }


def _turns(taken: dict[str, list[float]], bench: Bench) -> list[Budget]:
    lines = []
    names = {"chat": "a turn of a chat of 300", "short": "a turn by hand", "long": f"a turn after {LONG:,} messages"}
    for what, name in names.items():
        figures = taken.get(f"peer {what}")
        lines.append(
            Budget(
                name=name,
                unit="µs",
                ours=Measured("ConversableAgent", taken[f"ours {what}"]),
                other=Measured(PEER, figures) if figures else None,
                limit=Limit(of="ratio", figure=1.0, text="≤ 1 × AutoGen's") if what == "chat" else None,
                why="" if figures else bench.peers.missing,
            )
        )
    return lines


def _growth(taken: dict[str, list[float]], copies: list[float]) -> Budget:
    grown = [long - short for long, short in zip(taken["ours long"], taken["ours short"], strict=True)]
    return Budget(
        name=f"what {LONG:,} messages add to a turn",
        unit="µs",
        ours=Measured("ConversableAgent", grown),
        other=Measured("one copy of the list", copies),
        why="a turn copies the list a few times, and looks at no message in it",
    )


def _many(many: list[dict[str, float]], bench: Bench) -> list[Budget]:
    number = bench.amount(1000)
    seconds = Measured("a_initiate_chat", [each["seconds"] for each in many])
    return [
        Budget(name=f"{number:,} async chats of 10 turns at once", unit="s", ours=seconds, more={"runs": many}),
        Budget(
            name="… the threads of that process",
            unit="threads",
            ours=Measured("at most", [each["threads"] for each in many]),
            limit=Limit(of="ours", figure=8, text="no thread a chat (≤ 8)"),
        ),
    ]


def _journal(kept: list[dict[str, float]]) -> list[Budget]:
    return [
        Budget(
            name="journal: a message, on the caller's path",
            unit="µs",
            ours=Measured("append", [each["append"] * 1e6 for each in kept]),
            limit=Limit(of="ours", figure=50),
        ),
        Budget(
            name="journal: until it is durable, 99th percentile",
            unit="ms",
            ours=Measured("ticket.wait", [each["durable"] * 1e3 for each in kept]),
            limit=Limit(of="ours", figure=50),
        ),
    ]
