"""The command line with wrong words: one line on stderr, exit status 1 or 2, and never a traceback."""

from pathlib import Path

import pytest

from modelport.cli import main

FILES: dict[str, bytes] = {
    "bytes.py": b"\xff\xfe\x00\x01",
    "latin.py": b'x = "\xff"\n',
    "syntax.py": b"def f(:\n",
    "exits.py": b"import sys\nsys.exit(4)\n",
    "raises.py": b"raise RuntimeError('\\x1b]0;owned\\x07 two\\nlines')\n",
    "empty.py": b"",
    "numbers.py": b"x = 1\nclass A: pass\n",
    "nul.py": b"\0\0",
    "rude.py": b"def f(messages): raise RuntimeError('\\x1b]0;owned\\x07 two\\nlines \\x9b31m')\n",
    "exiting.py": b"def f(messages): raise SystemExit(7)\n",
    "list.json": b'[{"model": "eliza", "timeout": -1}]',
    "bytes.json": b"\xff\xfe\x00\x01",
}
SPECS = [
    "nowhere.py",
    "nowhere.py:f",
    "folder",
    "folder/",
    "bytes.py:f",
    "latin.py:f",
    "syntax.py:f",
    "exits.py:f",
    "raises.py:f",
    "empty.py",
    "numbers.py:A",
    "numbers.py:x",
    "numbers.py:nothing",
    "nul.py:f",
    "list.json",
    "/etc/passwd",
    "../../etc/passwd",
    ".",
    "..",
    "~",
    "*",
    ":f",
    ":",
    "http://x",
    "remote:",
    "remote:http://",
    "remote:ftp://x",
    "eliza:x",
    "scripted",
    "scripted:nowhere",
    "scripted:folder",
    "scripted:bytes.json",
    "nomodule:X",
    "os:system",
    "rude.py:f",
    "exiting.py:f",
]
OPTIONS = {
    "chat": [
        "--temperature -5", "--temperature nan", "--temperature 1e400", "--temperature x", "--max-tokens 0",
        "--max-tokens -1", "--max-tokens x", "--seed x", "--timeout 0", "--timeout -1", "--timeout nan",
        "--timeout inf", "--image nowhere.png", "--image folder", "--model-server nowhere", "--model-server http://127.0.0.1:99999",
        "--model-server http://[::1", "--model-server file:///etc/passwd", "--wat", "eliza eliza",
    ],
    "check": ["", "nowhere", "eliza --timeout 0", "eliza --timeout nan", "eliza --timeout x", "eliza --wat",
              "exiting.py:f"],
    "models": ["--models-dir nowhere", "--models-dir list.json", "--wat", "x"],
    "config": [
        "", "wat", "check nowhere.json", "check folder", "check bytes.json", "check list.json", "check [", "check []",
        "check [1]", "check 3", "check " + "[" * 5000, "check list.json --filter x", "show x y", "check --wat",
    ],
    "serve": ["nowhere.py", "--port -1", "--port 65536", "--threads -1", "--queue 0", "--timeout nan", "--timeout inf",
              "--drain 0", "--max-body 0", "--max-body -5", "--max-body x", "--alias =", "--api-key-file folder"],
    "wat": [""],
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    status = main(arguments)
    out, err = capsys.readouterr()

    assert status in {1, 2}
    assert "Traceback" not in out + err
    assert not {"\x1b", "\x07", "\x9b", "\0"} & set(out + err)
    return out + err


@pytest.mark.parametrize("spec", SPECS)
def test_a_spec_that_leads_nowhere_is_one_line(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["chat", spec, "-m", "hi"], capsys)

    assert said.startswith("modelport: error: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "options"), [(command, each) for command, several in OPTIONS.items() for each in several]
)
def test_a_wrong_option_is_told(command: str, options: str, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["-m", "hi"] if command == "chat" else []

    said = refused([command, *options.split(), *more], capsys)

    assert said.strip()


@pytest.mark.parametrize("arguments", [["chat", "a\0b", "-m", "hi"], ["serve", "a\0b"], ["config", "check", "a\0b"]])
def test_a_nul_in_an_argument_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(arguments, capsys).count("\n") == 1


@pytest.mark.parametrize(
    "text", ["timeout = -1", "timeout = 'x'", "[[", "\xff", "wat = 1", "seed = 1e400", "provider = 3",
             "config_list = 3",
             "models_dir = ['x']", "code_roots = 'x'", "config_list = [3]", "api_key = 3"]
)  # fmt: skip
def test_a_broken_settings_file_is_told_with_its_place(
    text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "modelport.toml").write_bytes(text.encode("latin-1"))

    said = refused(["config", "show"], capsys)

    assert "modelport.toml" in said
    assert said.count("\n") == 1
