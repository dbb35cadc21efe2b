"""deploy/: what the unit, the image and the compose file say holds, as far as it can be told without running them."""

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from modelport.cli.serve import configure
from tests.server.processes import serving

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICE = COMPOSE["services"]["modelport"]
SECRET = re.compile(r"key|token|secret|password", re.IGNORECASE)


def unit() -> dict[str, list[str]]:
    """The directives of modelport.service, each with what it was set to, in order."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "modelport.service").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            name, equals, value = line.partition("=")
            assert equals, f"neither a comment nor a directive: {line}"
            found.setdefault(name, []).append(value)
    return found


def instructions() -> list[tuple[str, str]]:
    """Those of the Dockerfile, lines that go on joined."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line]


def only(name: str) -> str:
    [value] = [value for each, value in instructions() if each == name]
    return value


def parsed(words: list[str]) -> argparse.Namespace:
    """What ``modelport serve`` understands of *words*; an option that it does not know ends the test."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    configure(parser)
    try:
        return parser.parse_args(words)
    except SystemExit as stop:
        raise AssertionError(f"modelport serve does not take {words}") from stop


def seconds(text: str) -> int:
    number, factor = re.fullmatch(r"(\d+)(s|m)?", text).groups()  # type: ignore[union-attr]
    return int(number) * (60 if factor == "m" else 1)


# --- the unit ---


def test_the_units_command_is_one_that_modelport_takes() -> None:
    program, command, *words = shlex.split(unit()["ExecStart"][0])

    args = parsed(words)

    assert (Path(program).name, command) == ("modelport", "serve")
    assert args.host == "127.0.0.1"
    assert seconds(unit()["TimeoutStopSec"][0]) > args.drain + 10


def test_the_unit_tells_only_the_server_to_end_and_loads_again_by_the_signal_for_it() -> None:
    said = unit()

    assert said["KillMode"] == ["mixed"]  # otherwise workers are ended in the midst of their answers
    assert said["Type"] == ["notify"]
    assert said["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_the_unit_gives_its_process_next_to_nothing() -> None:
    said = unit()

    assert said["ProtectSystem"] == ["strict"]
    assert said["CapabilityBoundingSet"] == [""]
    for directive in ("DynamicUser", "ProtectHome", "NoNewPrivileges", "PrivateTmp", "PrivateDevices"):
        assert said[directive] == ["yes"], directive
    assert not any(SECRET.search(each) for each in said["Environment"])


def test_systemd_itself_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed here")
    program = tmp_path / "modelport"
    program.symlink_to(sys.executable)
    path = tmp_path / "modelport.service"
    text = (DEPLOY / "modelport.service").read_text(encoding="utf-8")
    path.write_text(text.replace("/opt/modelport/bin/modelport", str(program)), encoding="utf-8")

    done = subprocess.run([tool, "verify", "--man=no", path], capture_output=True, text=True, timeout=15, check=False)
    graded = subprocess.run(
        [tool, "security", "--offline=yes", "--no-pager", "--threshold=20", path],  # 2.0 of 10
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )

    assert [line for line in done.stderr.splitlines() if "modelport.service" in line] == []
    assert graded.returncode == 0, graded.stdout[-200:]


# --- the image ---


def test_a_linter_finds_nothing_wrong_with_the_dockerfile() -> None:
    tool = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if tool is None:
        pytest.skip("hadolint is not installed here")

    done = subprocess.run(
        [tool, "--no-color", DEPLOY / "Dockerfile"], capture_output=True, text=True, timeout=15, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_what_the_image_is_built_from_is_there_and_let_through() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [value.split()[:-1] for name, value in instructions() if name == "COPY" and "--from" not in value]

    for each in (one for sources in copied for one in sources):
        assert (ROOT / each).exists(), each
        assert f"!{each}" in ignored
    assert "*" in ignored
    assert ["src"] in copied


def test_the_images_extras_are_the_projects_and_torch_is_not_among_them() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    asked = re.findall(r"EXTRAS=([\w,]+)", DOCKERFILE)

    assert {each for one in asked for each in one.split(",")} <= set(extras)
    assert dict(instructions())["ARG"] == "EXTRAS=images"
    assert not any("torch" in each for each in extras["images"])


def test_the_image_runs_as_nobody_and_holds_no_secret() -> None:
    users = [value for name, value in instructions() if name == "USER"]

    assert users == ["10001:10001"]
    for variable in (
        "PIP_CONSTRAINT",
        "PIP_BUILD_CONSTRAINT",
    ):  # the newer pip has one of its own for the build's tools
        assert f"{variable}=/build/constraints.txt" in DOCKERFILE
    assert not [value for name, value in instructions() if name in {"ENV", "ARG"} and SECRET.search(value)]


def test_the_images_command_is_one_that_modelport_takes() -> None:
    words = json.loads(only("ENTRYPOINT")) + json.loads(only("CMD"))

    args = parsed(words[2:])

    assert words[:2] == ["modelport", "serve"]
    assert (args.host, f"{args.port}") == ("0.0.0.0", only("EXPOSE"))


def test_the_image_is_healthy_while_the_server_is_ready_and_only_then(tmp_path: Path) -> None:
    program, *words = json.loads(only("HEALTHCHECK").partition("CMD ")[2])
    assert program == "python"

    def healthy(port: int) -> bool:
        command = [sys.executable, *(word.replace(":8000/", f":{port}/") for word in words)]
        return subprocess.run(command, capture_output=True, timeout=15, check=False).returncode == 0

    with serving(tmp_path, ["echo"], "--host", "0.0.0.0", MODELPORT_API_KEYS="ann:sk-1") as served:
        while_it_runs = healthy(served.port)

    assert (while_it_runs, healthy(served.port)) == (True, False)


# --- compose ---


def test_the_composed_command_is_one_that_modelport_takes() -> None:
    entry = json.loads(only("ENTRYPOINT"))

    args = parsed(entry[2:] + SERVICE["command"])

    assert seconds(SERVICE["stop_grace_period"]) > args.drain + 10
    assert args.api_key_file == f"/run/secrets/{SERVICE['secrets'][0]}"


def test_the_composed_service_may_do_next_to_nothing() -> None:
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert SERVICE["init"] is True
    assert all(port.startswith("127.0.0.1:") for port in SERVICE["ports"])
    assert "environment" not in SERVICE  # keys come as a file


def test_what_the_compose_file_names_is_defined_and_there() -> None:
    build = SERVICE["build"]
    context = (DEPLOY / build["context"]).resolve()
    folder, inside, _ = SERVICE["volumes"][0].removeprefix("${MODELPORT_MODELS:-").replace("}", "").split(":")
    model = SERVICE["command"][0].partition(":")[0]

    assert context == ROOT
    assert (context / build["dockerfile"]).exists()
    assert (DEPLOY / folder / Path(model).relative_to(inside)).exists()
    assert set(SERVICE["secrets"]) <= set(COMPOSE["secrets"])
    assert SERVICE["volumes"][1].partition(":")[0] in COMPOSE["volumes"]
    assert SERVICE["healthcheck"]["test"][1:] == json.loads(only("HEALTHCHECK").partition("CMD ")[2])


# By the Compose Specification (https://github.com/compose-spec/compose-spec/blob/main/05-services.md), as far as used.
KINDS: dict[str, type | tuple[type, ...]] = {
    "build": dict,
    "cap_drop": list,
    "command": (list, str),
    "healthcheck": dict,
    "image": str,
    "init": bool,
    "pids_limit": int,
    "ports": list,
    "read_only": bool,
    "restart": str,
    "secrets": list,
    "security_opt": list,
    "stop_grace_period": str,
    "tmpfs": (list, str),
    "volumes": list,
}


@pytest.mark.parametrize("name", sorted(SERVICE))
def test_each_key_of_the_composed_service_is_one_of_the_specification(name: str) -> None:
    value: Any = SERVICE[name]

    assert isinstance(value, KINDS[name])
    if isinstance(value, list):
        assert all(isinstance(each, str) for each in value)


def test_the_compose_file_has_no_other_parts() -> None:
    assert set(COMPOSE) == {"name", "services", "secrets", "volumes"}
    assert set(SERVICE["healthcheck"]) <= {"test", "interval", "timeout", "start_period", "retries"}
