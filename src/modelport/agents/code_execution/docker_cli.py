"""Docker by its command line, ``docker``.

The CLI and not the Python SDK: it needs no further package, it honours contexts, rootless and remote daemons and
``podman``'s ``docker`` as the user set them up, and its commands run in the one machinery that has time limits, can be
cancelled and bounds its output. The price is that the program ``docker`` must be installed, and some 20 ms a call.

The CLI is trusted with this process's environment (``DOCKER_HOST``, its ssh agent); a container gets none of it.
"""

from pathlib import Path

from modelport.agents.code_execution.processes import OUTPUT_LIMIT, Command, Finished, run

__all__ = ("docker", "ensure_image", "in_docker_container", "is_docker_running", "must")

_IN_CONTAINER = Path("/.dockerenv")  # Docker puts it into every container
_PING_SECONDS = 10.0
_QUICK_SECONDS = 60.0
_PULL_SECONDS = 1800.0


def docker(
    *arguments: str,
    timeout: float = _QUICK_SECONDS,
    output_limit: int = OUTPUT_LIMIT,
    merged: bool = False,
    cleanup: bool = False,
) -> Finished:
    """Run ``docker`` with *arguments*; *cleanup* as in :func:`processes.run`.

    Raises:
        RuntimeError: there is no such program here, or it cannot be started.
    """
    import shutil

    program = shutil.which("docker")
    if program is None:
        raise RuntimeError(
            "Docker is not installed here: no program docker in PATH. Install it, or run code without it: "
            "use_docker=False, or LocalCommandLineCodeExecutor (which is not a sandbox)."
        )
    command = Command(argv=(program, *arguments), timeout=timeout, output_limit=output_limit, merged=merged)
    try:
        return run(command, cleanup=cleanup)
    except OSError as error:
        raise RuntimeError(f"{program} could not be started: {error}") from error


def must(*arguments: str, timeout: float = _QUICK_SECONDS) -> str:
    """What ``docker`` with *arguments* prints.

    Raises:
        RuntimeError: it fails, or takes longer than *timeout* seconds; with what it said.
    """
    done = docker(*arguments, timeout=timeout)
    if done.timed_out:
        raise RuntimeError(f"docker {arguments[0]} took longer than {timeout} seconds")
    if done.exit_code:
        raise RuntimeError(f"docker {arguments[0]} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()


def ensure_image(image: str) -> None:
    """Pull *image* unless it is here.

    Raises:
        RuntimeError: it cannot be pulled.
    """
    if docker("image", "inspect", "--format", "{{.Id}}", image).exit_code:
        must("pull", "--quiet", image, timeout=_PULL_SECONDS)


def is_docker_running() -> bool:
    """Whether the ``docker`` program is here and its daemon answers."""
    try:
        done = docker("version", "--format", "{{.Server.Version}}", timeout=_PING_SECONDS)
    except RuntimeError:
        return False
    return done.exit_code == 0 and not done.timed_out


def in_docker_container() -> bool:
    """Whether this program runs inside a Docker container."""
    return _IN_CONTAINER.exists()
