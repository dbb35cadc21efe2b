"""Pickles where data is expected, in every place that reads bytes of others': none is ever opened."""

import asyncio
import pickle
import shutil
import socket
import sqlite3
import threading
from pathlib import Path

import pytest
from msgspec.msgpack import Ext, encode

from modelport import Client, ConversableAgent, load_chat, resume
from modelport.dialects.port import DIALECT as PORT
from modelport.errors import ModelportError
from modelport.server import create_app
from modelport.storage.journal import JournalError
from modelport.storage.journal.file import checksum
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import CHAT, ask

TURN = [{"role": "user", "content": "hi"}]


class Bomb:
    """Copies a file to *path* when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return shutil.copyfile, (__file__, self._path)


@pytest.fixture
def crater(tmp_path: Path) -> Path:
    return tmp_path / "crater"


@pytest.fixture(params=range(pickle.HIGHEST_PROTOCOL + 1))
def bomb(request: pytest.FixtureRequest, crater: Path) -> bytes:
    return pickle.dumps(Bomb(crater), protocol=request.param)


def test_the_bomb_goes_off_where_it_is_opened(bomb: bytes, crater: Path) -> None:
    pickle.loads(bomb)

    assert crater.exists()


class Poisoned:
    """A cache in which somebody has put something else."""

    blocking = False

    def __init__(self, value: bytes) -> None:
        self._value = value
        self.asked = 0

    def get(self, key: bytes) -> bytes:
        self.asked += 1
        return self._value

    def set(self, key: bytes, value: bytes) -> None:
        pass


def test_a_poisoned_cache_is_not_believed(bomb: bytes, crater: Path) -> None:
    cache = Poisoned(bomb)

    answer = Client(model=lambda messages: "anew", cache=cache).create(messages=TURN)

    assert (answer.text, cache.asked) == ("anew", 1)
    assert not crater.exists()


@pytest.mark.parametrize("path", [CHAT, PORT.path])
def test_a_request_is_not_opened(bomb: bytes, crater: Path, path: str) -> None:
    app = create_app([ScriptedModel(reply("in"))])

    answer = asyncio.run(ask(app, path=path, body=bomb))

    assert answer.status == 400
    assert not crater.exists()


@pytest.mark.parametrize("status", [b"200 OK", b"500 Oh"])
@pytest.mark.parametrize("kind", [PORT.response_type, PORT.stream_type, "application/json"])
def test_a_reply_is_not_opened(bomb: bytes, crater: Path, status: bytes, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        head = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        reply = head % (status, kind.encode(), len(bomb)) + bomb
        thread = threading.Thread(target=_replies, args=(listener, reply), daemon=True)
        thread.start()
        client = Client(
            config_list=[
                {"provider": "remote", "base_url": f"http://127.0.0.1:{listener.getsockname()[1]}", "timeout": 5}
            ]
        )

        with pytest.raises(ModelportError):
            client.create(messages=TURN)

    assert not crater.exists()


def _replies(listener: socket.socket, data: bytes) -> None:
    """*data* to whoever comes, until nobody can any more."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            connection.sendall(data)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The journal of a chat."""
    path = tmp_path / "chat.db"
    one, other = (ConversableAgent(name, human_input_mode="NEVER") for name in ("one", "other"))
    one.initiate_chat(other, message="hello", max_turns=1, silent=True, save=path)
    return path


def _forge(path: Path, kind: str, body: bytes) -> None:
    """Put *body* at the journal's end, with the right checksum."""
    connection = sqlite3.connect(path)
    with connection:
        [[chat]] = connection.execute("SELECT chat FROM entries WHERE kind = 'begin'").fetchall()
        connection.execute(
            "INSERT INTO entries (chat, kind, time, body, sum) VALUES (?, ?, 0, ?, ?)",
            (chat, kind, body, checksum(chat, kind, body)),
        )
    connection.close()


def _one_and_other() -> list[ConversableAgent]:
    return [ConversableAgent(name, human_input_mode="NEVER") for name in ("one", "other")]


@pytest.mark.parametrize("kind", ["begin", "turn", "state", "end"])
def test_a_journal_is_not_opened_as_code(kind: str, bomb: bytes, crater: Path, saved: Path) -> None:
    _forge(saved, kind, bomb)

    with pytest.raises(JournalError):
        load_chat(saved)
    with pytest.raises(JournalError):
        resume(saved, _one_and_other(), max_turns=2)

    assert not crater.exists()


@pytest.mark.parametrize("extension", range(-1, 12))
def test_no_value_of_a_journal_is_opened_as_code(extension: int, bomb: bytes, crater: Path, saved: Path) -> None:
    head = encode(("|O", [1]))
    array = len(head).to_bytes(4, "big") + head + bomb[:8].ljust(8, b"\0")
    for data in (bomb, array):
        turn = {"sender": "one", "recipient": "other", "message": {"content": Ext(extension, data)}, "time": 0.0}
        _forge(saved, "turn", encode(turn))

    try:
        chat = resume(saved, _one_and_other(), max_turns=2)
    except JournalError:
        chat = None

    assert chat is None or all(isinstance(turn.message.get("content"), str | Path | int) for turn in chat.turns)
    assert not crater.exists()


def test_a_pickle_is_no_journal(bomb: bytes, crater: Path, tmp_path: Path) -> None:
    path = tmp_path / "bomb.db"
    path.write_bytes(bomb)

    with pytest.raises(JournalError, match="is not a journal"):
        load_chat(path)

    assert not crater.exists()
