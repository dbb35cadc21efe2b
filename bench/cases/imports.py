"""What importing costs, and what a first Client costs that is answered by a function."""

import json
import subprocess
from typing import Any

from bench.budget import Budget, Limit, Measured
from bench.context import Bench, take_turns
from bench.processes import OURS, ROOT, Command, Failed, cores, environment, on_core, whole_run

ABOUT = "import modelport; a first Client answered by a function; above bare Python, and no network"
PEERS = True

BARE = "pass"
IMPORT = "import modelport"
FIRST = """
from modelport import Client
def reply(messages, **params):
    return "You said: " + messages[-1]["content"]
client = Client(config_list=[{"model": reply}])
answer = client.create(messages=[{"role": "user", "content": "hello"}])
assert answer.choices[0].message.content == "You said: hello", answer
"""
# Reports after the fact, so that looking changes nothing: modules, what was asked of the network, and libraries that
# could ask without Python's audit events seeing it.
WATCHED = """
import sys
before, asked = len(sys.modules), []
sys.addaudithook(lambda event, args: asked.append(f"{event} {args!r}") if event in {
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind"} else None)
%s
total = len(sys.modules)
import json
asked += [f"{name} was loaded" for name in ("uvloop", "httptools", "httpx", "requests") if name in sys.modules]
print(json.dumps({"bare": before, "total": total, "network": asked}))
"""


def run(bench: Bench) -> list[Budget]:
    """Times of whole processes, in turns with a bare one's; modules and network calls of one more, that is watched."""
    commands = {
        "bare python": Command([OURS, "-c", BARE]),
        "import": Command([OURS, "-c", IMPORT]),
        "first": Command([OURS, "-c", FIRST]),
    }
    with on_core(cores()[1]):
        for command in commands.values():
            whole_run(command.command)  # compiles, and warms the file cache
        taken = take_turns(bench.rounds(41), commands)
        peers = _peers(bench)
    bare = Measured("bare python", taken["bare python"])
    imported, first = watched(IMPORT), watched(FIRST)
    network = [*imported["network"], *first["network"]]
    return [
        Budget(
            name="import modelport",
            unit="ms",
            ours=Measured("import modelport", taken["import"]),
            other=bare,
            limit=Limit(of="above", figure=20, text="≤ bare + 20 ms"),
            why=commands["import"].disturbed,
            more={"modules_above_bare": imported["total"] - imported["bare"]},
        ),
        Budget(
            name="first Client answered by a function",
            unit="ms",
            ours=Measured("first Client", taken["first"]),
            other=bare,
            limit=Limit(of="above", figure=150, text="≤ bare + 150 ms"),
            why=commands["first"].disturbed,
            more={"processor_ms": commands["first"].worked},
        ),
        Budget(
            name="… modules loaded then, in all",
            unit="modules",
            ours=Measured("first Client", [first["total"]]),
            other=Measured("bare python", [first["bare"]]),
            limit=Limit(of="ours", figure=350, text="≤ 350"),
        ),
        Budget(
            name="… network calls, or clients loaded, by then",
            unit="calls",
            ours=Measured("import and first Client", [len(network)]),
            limit=Limit(of="ours", figure=0, text="none"),
            why="; ".join(network),
        ),
        *peers,
    ]


def watched(code: str) -> dict[str, Any]:
    """The modules that *code* loads and the network calls that it makes, in a process of its own."""
    done = subprocess.run(
        [OURS, "-c", WATCHED % code], capture_output=True, text=True, env=environment(), cwd=ROOT, check=False
    )
    if done.returncode:
        raise Failed(done.stderr.strip().splitlines()[-1])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peers(bench: Bench) -> list[Budget]:
    """AutoGen's import, for scale."""
    name = "import autogen 0.2.40 (for scale)"
    if bench.peers.python is None:
        return [Budget(name=name, unit="ms", why=bench.peers.missing)]
    python = str(bench.peers.python)
    whole_run([python, "-c", "import autogen"])
    taken = take_turns(
        bench.rounds(5),
        {
            "autogen": Command([python, "-c", "import autogen"]),
            "bare python": Command([python, "-c", "pass"]),
        },
    )
    return [
        Budget(
            name=name,
            unit="ms",
            ours=Measured("import autogen", taken["autogen"]),
            other=Measured("bare python of the peers' venv", taken["bare python"]),
        )
    ]
