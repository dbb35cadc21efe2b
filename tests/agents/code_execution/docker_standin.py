"""A program ``docker`` that runs containers' commands as plain processes here, each in the folder that is mounted.

As with the real one, ending the command line tool does not end what it started in a container.
"""

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

__all__ = ("DockerStandin",)

_PROGRAM = r'''
import json, os, subprocess, sys
from pathlib import Path

state = Path(__file__).parent / "docker-state"
arguments = sys.argv[1:]
with (state / "log").open("a") as log:
    log.write(json.dumps(arguments) + "\n")
FLAGS = {"--detach", "--rm", "--force", "--quiet"}


def fail(code, text):
    print(text, file=sys.stderr)
    sys.exit(code)


def parse(words):
    """Options by name, and the rest."""
    options = {}
    while words and words[0].startswith("--"):
        name = words.pop(0)
        options.setdefault(name, []).append(True if name in FLAGS else words.pop(0))
    return options, words


def box(name):
    return state / "containers" / name


def inside(name, command, env=()):
    place = json.loads(box(name).read_text())["source"]
    own = dict(pair.split("=", 1) for pair in env)
    clean = {"PATH": os.environ["PATH"], "HOME": "/"}
    try:
        child = subprocess.Popen(command, cwd=place, env=clean | own, stdin=subprocess.DEVNULL, start_new_session=True)
    except FileNotFoundError:
        fail(127, "OCI runtime exec failed: not found")
    sys.exit(child.wait())


verb, (options, rest) = arguments[0], parse(arguments[1:])
if (state / "down").exists():
    fail(1, "Cannot connect to the Docker daemon. Is the docker daemon running?")
if verb == "version":
    print("1.0")
elif verb == "image":
    image = arguments[-1].replace("/", "_")
    sys.exit(0 if (state / "images" / image).exists() else 1)
elif verb == "pull":
    if "missing" in rest[0]:
        fail(1, f"manifest for {rest[0]} not found")
    (state / "images" / rest[0].replace("/", "_")).touch()
elif verb == "run":
    if (state / "broken").exists():
        fail(125, "Error response from daemon: no space left on device")
    name = options["--name"][0]
    [source] = [part[7:] for part in options["--mount"][0].split(",") if part.startswith("source=")]
    box(name).write_text(json.dumps({"source": source, "auto_remove": "--rm" in options}))
    if "--detach" in options:
        print("0123456789abcdef")
    else:
        inside(name, rest[1:])
elif verb == "exec":
    if not box(rest[0]).exists():
        fail(1, f"Error response from daemon: No such container: {rest[0]}")
    inside(rest[0], rest[1:], options.get("--env", ()))
elif verb in {"stop", "rm"}:
    box(rest[0]).unlink(missing_ok=True)
elif verb == "restart":
    if not box(rest[0]).exists():
        fail(1, f"No such container: {rest[0]}")
elif verb == "commit":
    (state / "images" / rest[1]).touch()
else:
    fail(1, f"docker: {verb!r} is not a docker command")
'''


class DockerStandin:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "docker-state"
        for name in ("images", "containers"):
            (self.state / name).mkdir(parents=True)
        program = folder / "docker"
        program.write_text(f"#!{sys.executable} -IS\n{_PROGRAM}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    @property
    def path(self) -> str:
        """PATH with this ``docker`` first."""
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"

    def calls(self, verb: str) -> list[list[str]]:
        """The arguments of each call with *verb*, in order."""
        log = self.state / "log"
        lines: list[Any] = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [call for call in lines if call[0] == verb]

    def containers(self) -> list[str]:
        return [each.name for each in (self.state / "containers").iterdir()]

    def goes_down(self) -> None:
        (self.state / "down").touch()

    def breaks(self) -> None:
        (self.state / "broken").touch()
