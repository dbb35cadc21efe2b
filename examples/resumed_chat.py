"""A chat that outlives its process: killed in the middle, run again, and it goes on from its last message.

Two agents play a game: each answers a number with half of it where it is even, with three times it and one where it is
odd, until one of them reaches 1. Run without arguments, this program starts itself three times: undisturbed; until it
kills it (SIGKILL: nothing can be cleaned up); and once more on the file that was left.

python examples/resumed_chat.py
python examples/resumed_chat.py chat.db      the game by itself, saved in chat.db; stop it and start it as you like
"""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from modelport import ChatResult, ConversableAgent, load_chat

START = 7
THINKING = 0.1  # seconds: a model that takes its time
LIVES_FOR = 6  # answers before the kill


# --- the program that is killed ---


def player(messages: list[dict[str, Any]], **params: Any) -> str:
    """The next number. What it prints shows when it was really asked."""
    time.sleep(THINKING)
    number = int(messages[-1]["content"])
    answer = str(number // 2 if number % 2 == 0 else 3 * number + 1)
    print(f"answered {number} with {answer}", flush=True)
    return answer


def play(path: str) -> ChatResult:
    """The whole of what it takes is in the last line: ``save`` names the file, ``resume`` goes on where it left off."""
    ann, ben = (
        ConversableAgent(
            name,
            model=player,
            human_input_mode="NEVER",
            is_termination_msg=lambda message: message["content"] == "1",
        )
        for name in ("ann", "ben")
    )
    return ann.initiate_chat(ben, message=str(START), silent=True, save=path, resume=True)


# --- the one that kills it ---


def undisturbed(path: Path) -> list[str]:
    """Lets the game be played to its end; gives what it printed."""
    done = subprocess.run([sys.executable, __file__, str(path)], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()


def killed(path: Path) -> list[str]:
    """Kills the game after a few answers; gives what it had printed until then."""
    process = subprocess.Popen([sys.executable, __file__, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = [process.stdout.readline().rstrip() for _ in range(LIVES_FOR)]
    process.kill()
    rest, _ = process.communicate()
    if process.returncode == 0:
        raise RuntimeError("the game was over before it was killed: let its players think longer")
    how = "SIGKILL" if process.returncode == -getattr(signal, "SIGKILL", 0) else f"status {process.returncode}"
    printed += rest.splitlines()
    print(f"killed by {how} after {len(printed)} answers, the last: {printed[-1]}")
    return printed


def transcript(path: Path) -> list[tuple[str, str]]:
    """Who said what, as the file has it."""
    return [(turn.sender, turn.message["content"]) for turn in load_chat(path).turns]


def main() -> int:
    """The three runs, compared; the exit status is 0 where the transcripts are the same."""
    with tempfile.TemporaryDirectory() as folder:
        whole, broken = Path(folder, "whole.db"), Path(folder, "broken.db")
        undisturbed(whole)
        expected = transcript(whole)
        print(f"undisturbed: {len(expected)} messages")

        killed(broken)
        print(f"in its file: {len(transcript(broken))} messages")

        again = undisturbed(broken)
        found = transcript(broken)
        print(f"run again: it made {len(again) - 1} answers more, the first: {again[0]}")
        print(f"together: {len(found)} messages, {' '.join(number for _, number in found)}")
        print(f"the same transcript: {found == expected}")
        return 0 if found == expected else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print("the game ended with", play(sys.argv[1]).summary)
    else:
        sys.exit(main())
