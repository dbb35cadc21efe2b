"""``modelport chat``: one turn from a script, a conversation on a terminal."""

import json
import os
import select
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelport.cli._conversation import Conversation, Manner, usage_line
from modelport.cli._prompt import Lines, history_path
from modelport.cli._terminal import Screen
from modelport.errors import InvalidRequest, ModelError
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatResponse, Event, ImagePart, ReasoningDelta, TextPart, ToolCallDelta, Usage
from tests.cli.conftest import Run

# --- one turn ---


def test_one_turn_prints_the_answer_and_nothing_else(modelport: Run) -> None:
    done = modelport("chat", "-m", "I am sad")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "I am sorry to hear that you are sad. How long has it been so?\n"


@pytest.mark.parametrize("arguments", [(), ("-m", "-")])
def test_one_turn_can_come_through_a_pipe(arguments: tuple[str, ...], modelport: Run) -> None:
    done = modelport("chat", *arguments, stdin="My cat ignores me.\n")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Your cat ignores you. Go on.\n"


def test_a_model_of_ones_own_is_asked_with_what_was_set(modelport: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "def mine(messages, **params):\n"
        "    params.pop('model', None)\n"
        "    return repr(([(each['role'], each['content']) for each in messages], sorted(params.items())))\n",
        encoding="utf-8",
    )

    done = modelport(
        *("chat", "mine.py:mine", "-m", "hi", "--system", "Be brief.", "--no-stream"),
        *("--temperature", "0.5", "--max-tokens", "9", "--seed", "7"),
    )

    assert done.stderr == ""
    assert eval(done.stdout) == (
        [("system", "Be brief."), ("user", "hi")],
        [("max_tokens", 9), ("seed", 7), ("temperature", 0.5)],
    )


def test_json_is_the_whole_answer_on_one_line(modelport: Run) -> None:
    done = modelport("chat", "-m", "I am sad", "--json")

    answer = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert answer["model"] == "eliza"
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "I am sorry to hear that you are sad. How long has it been so?",
            },
            "finish_reason": "stop",
        }
    ]
    assert answer["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 17,
        "total_tokens": 20,
        "cost": 0.0,
        "estimated": False,
    }


def test_usage_is_told_on_stderr(modelport: Run) -> None:
    done = modelport("chat", "-m", "I am sad", "--usage")

    assert done.stderr.startswith("eliza: 3 + 17 tokens, free, ")
    assert "tokens" not in done.stdout


def test_a_picture_goes_with_the_message(modelport: Run, tmp_path: Path) -> None:
    (tmp_path / "dot.gif").write_bytes(b"GIF89a\x40\x01\xf0\x00")

    done = modelport("chat", "-m", "What is this?", "--image", "dot.gif")

    assert "320×240 pixels" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "stdin", "complaint"),
    [
        (("-m", "x", "--image", "none.png"), "", "--image: there is no file none.png"),
        (("no_such_model", "-m", "x"), "", "no model named 'no_such_model'"),
        (("elisa", "-m", "x"), "", "did you mean 'eliza'"),
        (("missing.py:M", "-m", "x"), "", "missing.py"),
        ((), "  \n", "stdin is empty"),
        (("-m", "x", "--temperature", "99"), "", "temperature"),
        (("-m", "x", "--max-tokens", "0"), "", "max_tokens"),
        (("-m", "x", "--timeout", "-1"), "", "timeout"),
        (("scripted", "-m", "x"), "", "scripted:FILE"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_it(
    arguments: tuple[str, ...], stdin: str, complaint: str, modelport: Run
) -> None:
    done = modelport("chat", *arguments, stdin=stdin)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("modelport: error: ")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "answer"),
    [
        ({"MODELPORT_PROVIDER": "scripted:mine.txt"}, "mine"),
        ({"MODELPORT_PROVIDER": "scripted:mine.txt", "MODELPORT_SEED": "3", "MODELPORT_TEMPERATURE": "0.1"}, "mine"),
    ],
)
def test_without_a_spec_the_settings_say_which_model(
    environment: dict[str, str], answer: str, modelport: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.txt").write_text("mine\n", encoding="utf-8")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert modelport("chat", "-m", "x").stdout == f"{answer}\n"


def test_what_is_piped_in_must_be_utf_8(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelport", "chat"],
        input=b"\xff\xfe",
        capture_output=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(b"modelport: error: stdin must be UTF-8 text")


def test_a_model_that_fails_is_one_line(modelport: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "def bad(messages, **params):\n    raise OSError('out of paper')\n", encoding="utf-8"
    )

    done = modelport("chat", "bad.py:bad", "-m", "x")

    assert (done.returncode, done.stdout) == (1, "")
    assert "out of paper" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_model_that_hangs_is_given_up_on(modelport: Run, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import threading\ndef slow(messages, **params):\n    threading.Event().wait()\n", encoding="utf-8"
    )

    done = modelport("chat", "slow.py:slow", "-m", "x", "--timeout", "0.05")

    assert done.returncode == 1
    assert "slow" in done.stderr
    assert "0.05" in done.stderr


def test_escape_sequences_of_the_model_do_not_reach_the_output(modelport: Run, tmp_path: Path) -> None:
    script = "a\x1b[2Jb\x1b]0;title\x07c\x1b]52;c;aGk=\x1b\\d\x9b31me\rf\x08"
    (tmp_path / "evil.json").write_text(json.dumps([script]), encoding="utf-8")

    done = modelport("chat", "scripted:evil.json", "-m", "x")

    assert done.stdout == "abcdef\n"


# --- a served model ---


@pytest.fixture
def server() -> Iterator[str]:
    """``modelport serve eliza`` in a process of its own; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "modelport", "serve", "eliza", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield next(word for word in process.stdout.readline().split() if word.startswith("http://"))
    finally:
        process.kill()
        process.communicate()


def test_a_served_model_is_talked_to_by_address_name_or_setting(
    server: str, modelport: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dot.gif").write_bytes(b"GIF89a\x40\x01\xf0\x00")

    by_address = modelport("chat", "-m", "I am sad", "--model-server", server, "--usage")
    by_name = modelport("chat", "eliza", "-m", "I am sad", "--model-server", f"{server}/")
    picture = modelport("chat", "-m", "Look!", "--model-server", server, "--image", "dot.gif")
    monkeypatch.setenv("MODELPORT_MODEL_SERVER", server)
    by_setting = modelport("chat", "-m", "I am sad")

    for done in (by_address, by_name, by_setting):
        assert done.stdout == "I am sorry to hear that you are sad. How long has it been so?\n", done.stderr
    assert "3 + 17 tokens, free" in by_address.stderr
    assert "320×240 pixels" in picture.stdout


def test_a_server_that_is_not_there_is_one_line(modelport: Run) -> None:
    done = modelport("chat", "-m", "x", "--model-server", "http://127.0.0.1:9")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("modelport: error: ")
    assert "127.0.0.1:9" in done.stderr
    assert done.stderr.count("\n") == 1


# --- a conversation, inside ---


class Terminal:
    """Takes what is written, and says that it is a terminal."""

    def __init__(self) -> None:
        self.written = ""

    def write(self, text: str) -> int:
        self.written += text
        return len(text)

    def flush(self) -> None:
        return None

    def isatty(self) -> bool:
        return True


def conversation(model: ScriptedModel, *, colours: bool = False, **settings: object) -> tuple[Conversation, Terminal]:
    terminal = Terminal()
    screen = Screen(terminal)  # type: ignore[arg-type]
    screen._colours = colours
    return Conversation(model, Manner(**{"params": {}, **settings}), screen), terminal  # type: ignore[arg-type]


def test_each_turn_is_asked_with_all_before_it() -> None:
    model = ScriptedModel(reply("one"), reply("two"))
    chat, terminal = conversation(model, system="Be brief.")

    chat.ask("first")
    chat.ask("second")

    assert [(each.role, each.text) for each in model.requests[1].messages] == [
        ("system", "Be brief."),
        ("user", "first"),
        ("assistant", "one"),
        ("user", "second"),
    ]
    assert terminal.written == "one\ntwo\n"


def test_a_question_whose_answer_failed_is_forgotten() -> None:
    chat, _ = conversation(ScriptedModel([ModelError("no")], reply("yes")))

    with pytest.raises(ModelError):
        chat.ask("first")
    chat.ask("second")

    assert [each.text for each in chat.messages] == ["second", "yes"]


def test_an_answer_that_was_stopped_is_remembered_as_far_as_it_came() -> None:
    chat, _ = conversation(ScriptedModel(reply("so far", "and further")))
    events = chat._events

    def interrupted() -> Iterator[Event]:
        yield next(events())
        raise KeyboardInterrupt

    chat._events = interrupted  # type: ignore[method-assign]

    with pytest.raises(KeyboardInterrupt):
        chat.ask("go")

    assert [each.text for each in chat.messages] == ["go", "so far"]


def test_pictures_go_with_the_first_message_only(tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    picture.write_bytes(b"x")
    model = ScriptedModel(reply("seen"))
    chat, _ = conversation(model)

    chat.show([str(picture)])
    chat.ask("look")
    chat.ask("again")

    assert model.requests[0].messages[0].content == (TextPart("look"), ImagePart(picture))
    assert model.requests[1].messages[-1].content == "again"


def test_thoughts_are_dim_and_apart_from_what_is_said() -> None:
    chat, terminal = conversation(ScriptedModel([ReasoningDelta("hm"), *reply("yes")]), colours=True)

    chat.ask("?")

    assert terminal.written == "\x1b[2mhm\x1b[0m\nyes\n"


def test_a_tool_call_is_told() -> None:
    chat, terminal = conversation(ScriptedModel([ToolCallDelta(name="find", arguments='{"q": 1}')]))

    chat.ask("?")

    assert terminal.written == '[calls find({"q": 1})]\n'


def test_a_conversation_is_saved_as_json_and_never_over_another_file(tmp_path: Path) -> None:
    chat, _ = conversation(ScriptedModel(reply("hello")))
    chat.ask("hi")

    chat.save(tmp_path / "talk.json")

    assert json.loads((tmp_path / "talk.json").read_text(encoding="utf-8")) == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
    ]
    with pytest.raises(FileExistsError):
        chat.save(tmp_path / "talk.json")


@pytest.mark.parametrize(
    ("usage", "line"),
    [
        (None, "m: ? + ? tokens, cost unknown, 1.50 s"),
        (Usage(3, 4, cost=0.0), "m: 3 + 4 tokens, free, 1.50 s"),
        (Usage(3, 4, cost=0.00125, estimated=True), "m: 3 + 4 tokens (estimated), $0.001250, 1.50 s"),
    ],
)
def test_the_usage_line_never_takes_unknown_for_free(usage: Usage | None, line: str) -> None:
    assert usage_line(ChatResponse(id="1", model="m", created=0, choices=(), usage=usage), 1.5) == line


def test_the_usage_line_shows_no_escape_of_a_servers() -> None:
    response = ChatResponse(id="1", model="\x1b]0;owned\x07m", created=0, choices=(), usage=None)

    assert usage_line(response, 1.0).startswith("m: ")


def test_a_picture_that_is_not_there_is_named() -> None:
    chat, _ = conversation(ScriptedModel())

    with pytest.raises(InvalidRequest, match=r"--image: there is no file nothing\.png"):
        chat.show(["nothing.png"])


# --- the history ---


def test_the_history_file_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("readline")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    Lines().close()

    path = Path(history_path())
    assert path == tmp_path / "state" / "modelport" / "chat_history"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_no_history_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    Lines(history=False).close()

    assert list(tmp_path.iterdir()) == []


# --- a conversation, on a terminal ---

pty = pytest.importorskip("pty")


class Typist:
    """``modelport chat`` on a terminal of its own, and someone who types."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "modelport", "chat", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**os.environ, "XDG_STATE_HOME": str(folder / "state"), "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""

    def type(self, line: str) -> None:
        os.write(self.master, line.encode() + b"\n")

    def interrupt(self, until: str) -> None:
        """Presses Ctrl-C, as a person would: again, where nothing came of it (a line editor may be just starting)."""
        for _ in range(20):
            self.process.send_signal(signal.SIGINT)
            if select.select([self.master], [], [], 0.5)[0]:
                break
        self.read_until(until)

    def read_until(self, text: str) -> str:
        """Everything printed up to *text*, since the last time."""
        while text not in self.seen:
            readable, _, _ = select.select([self.master], [], [], 10)
            assert readable, f"waited for {text!r}, saw {self.seen!r}"
            try:
                piece = os.read(self.master, 4096)
            except OSError:
                piece = b""
            assert piece, f"it ended before {text!r}: {self.seen!r}"
            self.seen += piece.decode()
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def leave(self) -> int:
        status = self.process.wait(timeout=60)
        os.close(self.master)
        return status


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[type[Typist]]:
    made: list[Typist] = []

    class Kept(Typist):
        def __init__(self, *arguments: str) -> None:
            super().__init__(tmp_path, *arguments)
            made.append(self)

    yield Kept
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def test_a_conversation_goes_back_and_forth_and_knows_its_commands(typist: type[Typist], tmp_path: Path) -> None:
    person = typist("eliza")  # type: ignore[arg-type]
    person.read_until("> ")

    person.type("My garden is dying")
    person.read_until("Your garden is dying. Go on.")
    person.type("/save talk.json")
    person.read_until("(2 messages in talk.json)")
    person.type("/save talk.json")
    person.read_until("is there already")
    person.type("/nonsense")
    person.read_until("no command /nonsense")
    person.type("/reset")
    person.read_until("(forgotten)")
    person.type("My garden is dying")
    person.read_until("Your garden is dying. Go on.")
    person.type("/quit")

    assert person.leave() == 0
    assert len(json.loads((tmp_path / "talk.json").read_text(encoding="utf-8"))) == 2
    assert "My garden is dying" in (tmp_path / "state" / "modelport" / "chat_history").read_text(encoding="utf-8")


def test_ctrl_c_stops_an_answer_and_twice_leaves(typist: type[Typist], tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import threading\n"
        "def slow(messages, **params):\n"
        "    if messages[-1]['content'] == 'hang':\n"
        "        yield 'begun...'\n"
        "        threading.Event().wait()\n"
        "    yield f'{len(messages)} messages'\n",
        encoding="utf-8",
    )
    person = typist("slow.py:slow")  # type: ignore[arg-type]
    person.read_until("> ")

    person.type("hang")
    person.read_until("begun...")
    person.interrupt(until="(stopped; Ctrl-C again leaves)")
    person.read_until("> ")
    person.type("count")
    person.read_until("3 messages")
    person.read_until("> ")
    person.interrupt(until="(Ctrl-C again leaves)")
    person.read_until("> ")
    person.interrupt(until="\n")

    assert person.leave() == 130


def test_an_error_in_a_conversation_is_told_and_the_conversation_goes_on(typist: type[Typist], tmp_path: Path) -> None:
    (tmp_path / "replies.jsonl").write_text(
        '{"error": "rate_limited", "message": "slow down"}\n"fine"\n', encoding="utf-8"
    )
    person = typist("scripted:replies.jsonl", "--no-history")  # type: ignore[arg-type]
    person.read_until("> ")

    person.type("hello")
    person.read_until("error: slow down")
    person.read_until("> ")
    person.type("hello")
    person.read_until("fine")
    person.read_until("> ")
    os.write(person.master, b"\x04")  # Ctrl-D

    assert person.leave() == 0
    assert not (tmp_path / "state").exists()
