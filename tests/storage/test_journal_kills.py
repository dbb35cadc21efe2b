"""``kill -9`` at a hundred random moments: what was acknowledged is in the file, in order."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from modelport.storage.journal import read_journal

KILLS = 100

# One process that forks a writer for each kill: starting Python a hundred times would take longer than all else.
NURSERY = textwrap.dedent("""
    import json, os, random, select, signal, sys, time
    from modelport.storage.journal import Journal
    import modelport.media, numpy

    def write(path, out, rng, chat):
        journal = Journal(path)
        tickets = []
        acknowledged = 0
        for number in range(1_000_000):
            tickets.append(journal.append("turn", {"n": number, "content": "x" * rng.randrange(2000)}, chat=chat))
            if rng.random() < 0.05:
                tickets[-1].wait()
            while acknowledged < len(tickets) and tickets[acknowledged].durable:
                acknowledged += 1
                os.write(out, b"%d\\n" % acknowledged)
            if rng.random() < 0.3:
                time.sleep(rng.random() * 0.002)

    folder, kills = sys.argv[1], int(sys.argv[2])
    rng = random.Random(20261120)
    for kill in range(kills):
        path = f"{folder}/{kill % 10}.journal"  # each file is killed ten times
        inlet, outlet = os.pipe()
        child = os.fork()
        if not child:
            os.close(inlet)
            try:
                write(path, outlet, random.Random(kill), str(kill))
            finally:
                os._exit(1)
        os.close(outlet)
        time.sleep(rng.random() * 0.1)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the writer ended by itself"
        said = b"".join(iter(lambda: os.read(inlet, 65536), b""))
        os.close(inlet)
        lines = said.split(b"\\n")[:-1]
        print(json.dumps([path, str(kill), int(lines[-1]) if lines else 0]), flush=True)
""")


@pytest.mark.slow
@pytest.mark.timeout(90)
def test_a_hundred_kills_lose_no_entry_that_was_acknowledged(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", NURSERY, str(tmp_path), str(KILLS)],
        capture_output=True,
        text=True,
        timeout=80,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    killed = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(killed) == KILLS
    assert any(acknowledged > 0 for _, _, acknowledged in killed)  # not all died before they said a word
    for path, chat, acknowledged in killed:
        numbers = [entry.data["n"] for entry in read_journal(path, chat=chat)] if Path(path).exists() else []
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= acknowledged
    for path in {path for path, _, _ in killed if Path(path).exists()}:
        assert list(read_journal(path))  # which looks for gaps and damage in the whole file
