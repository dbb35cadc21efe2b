"""The server over TLS: real handshakes, certificates that were given and of its own making."""

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from modelport.errors import ConfigError
from modelport.server import Limits, Options, create_app
from modelport.server.tls import Tls, given_certificate, self_signed_certificate
from modelport.testing import ScriptedModel, reply
from tests.server.certificates import Authority, Pair
from tests.server.helpers import CHAT, chat, running
from tests.server.processes import serving


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def pair(authority: Authority) -> Pair:
    return authority.sign("localhost", "127.0.0.1")


@contextlib.contextmanager
def served(tls: Tls, **options: object) -> Iterator[int]:
    model = ScriptedModel(reply("over ", "TLS"), name="m")
    with running(create_app([model], Options(limits=Limits(**options))), tls) as port:  # type: ignore[arg-type]
        yield port


def connect(port: int, authority: Authority, **options: object) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(authority.file))
    for name, value in options.items():
        setattr(context, name, value)
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)


# --- speaking it ---


@pytest.mark.parametrize("stream", [False, True])
def test_answers_come_over_tls_whole_and_streamed(authority: Authority, pair: Pair, stream: bool) -> None:
    with served(given_certificate(*pair)) as port:
        connection = connect(port, authority)
        texts = []
        for _ in range(3):  # one connection, kept
            connection.request("POST", CHAT, chat(stream=stream))
            texts.append(connection.getresponse().read().decode())
        connection.close()

    if stream:
        assert all("over " in text and text.endswith("data: [DONE]\n\n") for text in texts)
    else:
        assert [json.loads(text)["choices"][0]["message"]["content"] for text in texts] == ["over TLS"] * 3


@pytest.mark.parametrize("stream", [False, True])
def test_large_answers_come_whole(authority: Authority, pair: Pair, stream: bool) -> None:
    model = ScriptedModel(reply("x" * 5_000_000), name="m")
    with running(create_app([model]), given_certificate(*pair)) as port:
        connection = connect(port, authority)
        connection.request("POST", CHAT, chat(stream=stream))
        body = connection.getresponse().read()
        connection.close()

    assert body.count(b"x") >= 5_000_000


def test_a_large_request_comes_whole(authority: Authority, pair: Pair) -> None:
    with served(given_certificate(*pair)) as port:
        connection = connect(port, authority)
        connection.request("POST", CHAT, chat(messages=[{"role": "user", "content": "x" * 5_000_000}]))
        status = connection.getresponse().status
        connection.close()

    assert status == 200


def test_pages_of_the_servers_own_address_are_https_ones(authority: Authority, pair: Pair) -> None:
    with served(given_certificate(*pair)) as port:
        statuses = []
        for scheme in ("https", "http"):
            connection = connect(port, authority)
            connection.request("GET", "/v1/models", headers={"Origin": f"{scheme}://127.0.0.1:{port}"})
            statuses.append(connection.getresponse().status)
            connection.close()

    assert statuses == [200, 403]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_that_are_safe_are_spoken(authority: Authority, pair: Pair, version: ssl.TLSVersion) -> None:
    with served(given_certificate(*pair)) as port:
        connection = connect(port, authority, minimum_version=version, maximum_version=version)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        connection.close()

    assert status == 200


def test_older_versions_are_not(pair: Pair) -> None:
    assert given_certificate(*pair).context.minimum_version is ssl.TLSVersion.TLSv1_2


# --- peers that do not speak it, or not to the end ---


@pytest.mark.parametrize("request_line", [b"GET /health", b"POST /v1/chat/completions", b"HEAD /", b"PUT /x"])
def test_plain_http_is_told_to_write_https_and_no_more(authority: Authority, pair: Pair, request_line: bytes) -> None:
    with served(given_certificate(*pair)) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
            sock.sendall(request_line + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            told = json.loads(answer.read())["error"]
            sock.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert sock.recv(100) == b""
        connection = connect(port, authority)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        connection.close()

    assert answer.status == 400
    assert told["message"] == "this server speaks TLS: write https:// in its address, not http://"
    assert str(answer.headers["x-request-id"]).startswith("req_")
    assert status == 200


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\xff\xff", b"\0" * 100, b"SSH-2.0-x\r\n", b"\x80" * 5000])
def test_what_is_not_tls_gets_nothing_and_harms_nobody(authority: Authority, pair: Pair, noise: bytes) -> None:
    with served(given_certificate(*pair)) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
            sock.sendall(noise)
            sock.shutdown(socket.SHUT_WR)
            got = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := sock.recv(4096):
                    got += piece
        connection = connect(port, authority)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        connection.close()

    assert b"HTTP" not in got
    assert status == 200


def test_a_handshake_that_never_ends_holds_up_nobody_else(authority: Authority, pair: Pair) -> None:
    with (
        served(given_certificate(*pair)) as port,
        contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=60)),
    ):
        connection = connect(port, authority)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        connection.close()

    assert status == 200


@pytest.mark.parametrize("beginning", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_a_handshake_has_a_few_seconds(authority: Authority, pair: Pair, beginning: bytes) -> None:
    begun = time.monotonic()
    with (
        served(given_certificate(*pair), handshake=0.3) as port,
        socket.create_connection(("127.0.0.1", port), timeout=10) as sock,
    ):
        sock.sendall(beginning)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""
        took = time.monotonic() - begun

    assert took < 5
    assert Limits().handshake <= 5


def test_handshakes_that_never_end_are_many_and_hold_up_nobody(authority: Authority, pair: Pair) -> None:
    with served(given_certificate(*pair), handshake=0.5) as port, contextlib.ExitStack() as stack:
        for number in range(200):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            sock.sendall(b"\x16\x03\x01\x02\x00"[: number % 6])
        connection = connect(port, authority)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        connection.close()

    assert status == 200


def test_an_idle_peer_that_never_says_farewell_does_not_hold_up_the_end(authority: Authority, pair: Pair) -> None:
    with served(given_certificate(*pair)) as port:
        connection = connect(port, authority)
        connection.request("GET", "/health")
        connection.getresponse().read()
        begun = time.monotonic()
    took = time.monotonic() - begun
    connection.close()

    assert took < 20


def test_a_connection_that_asks_nothing_is_closed(authority: Authority, pair: Pair) -> None:
    with served(given_certificate(*pair), idle=0.2, read=0.2) as port:
        connection = connect(port, authority)
        connection.connect()
        with contextlib.suppress(ssl.SSLError, ConnectionResetError):
            assert connection.sock.recv(100) == b""
        connection.close()


# --- certificates ---


def test_a_certificate_and_its_key_may_be_in_one_file(pair: Pair, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(Path(pair.certificate).read_bytes() + Path(pair.key).read_bytes())

    assert given_certificate(str(both)).fingerprint == given_certificate(*pair).fingerprint


def test_files_that_are_no_use_are_named(authority: Authority, pair: Pair, tmp_path: Path) -> None:
    other = authority.sign("localhost", file="other")
    text = tmp_path / "text"
    text.write_text("no certificate", encoding="utf-8")

    for certificate, key, complaint in (
        ("nowhere.pem", None, "nowhere.pem cannot be read: No such file"),
        (pair.certificate, "nowhere.pem", "nowhere.pem cannot be read"),
        (pair.certificate, None, "cannot be used"),
        (pair.certificate, other.key, "cannot be used"),
        (str(text), None, "cannot be used"),
        (str(tmp_path), None, "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=complaint):
            given_certificate(certificate, key)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(pair: Pair, tmp_path: Path) -> None:
    encrypted = tmp_path / "encrypted.pem"
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(Path(pair.key).read_bytes(), None)
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )

    with pytest.raises(ConfigError, match="the private key is encrypted"):
        given_certificate(pair.certificate, str(encrypted))


def test_our_own_certificate_is_the_same_the_next_time(tmp_path: Path) -> None:
    first = self_signed_certificate(["gpu-box"], folder=tmp_path)
    again = self_signed_certificate(["gpu-box"], folder=tmp_path)
    other = self_signed_certificate(["other-box"], folder=tmp_path)

    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert self_signed_certificate(["gpu-box"], folder=tmp_path).fingerprint == first.fingerprint


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
def test_its_key_is_its_owners_alone(tmp_path: Path) -> None:
    self_signed_certificate(folder=tmp_path / "tls")
    [path] = (tmp_path / "tls").iterdir()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read the private key"):
        self_signed_certificate(folder=tmp_path / "tls")


def test_it_is_good_for_this_machines_names_and_those_that_were_given(tmp_path: Path) -> None:
    tls = self_signed_certificate(["gpu-box", "10.1.2.3", "0.0.0.0", "[::1]"], folder=tmp_path)
    [path] = tmp_path.iterdir()
    with served(tls) as port:
        for name in ("localhost", "127.0.0.1", "::1", "gpu-box", "10.1.2.3"):
            context = ssl.create_default_context(cafile=str(path))
            with (
                socket.create_connection(("127.0.0.1", port), timeout=60) as sock,
                context.wrap_socket(sock, server_hostname=name) as wrapped,
            ):
                assert wrapped.version() == "TLSv1.3"


def test_one_that_is_about_to_end_or_damaged_is_made_anew(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tls"
    first = self_signed_certificate(folder=folder)
    [path] = folder.iterdir()
    old = authority.sign("localhost", lasts=timedelta(days=5), file="old")
    path.write_bytes(Path(old.certificate).read_bytes() + Path(old.key).read_bytes())

    second = self_signed_certificate(folder=folder)
    path.write_bytes(b"damaged")
    third = self_signed_certificate(folder=folder)

    assert len({first.fingerprint, second.fingerprint, third.fingerprint, given_certificate(*old).fingerprint}) == 4


@pytest.mark.parametrize("name", ["not a name\n" * 20, "x" * 300, "\0"])
def test_a_name_that_no_certificate_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no certificate can be made for the name"):
        self_signed_certificate([name], folder=tmp_path)


# --- the command ---


@pytest.mark.timeout(60)
def test_the_command_says_https_everywhere_and_tells_the_fingerprint(tmp_path: Path) -> None:
    with serving(tmp_path, ["echo"], "--tls-self-signed", XDG_DATA_HOME=str(tmp_path)) as server:
        told = json.loads((tmp_path / "ready.json").read_bytes())
        assert server.process.stdout is not None
        lines = [server.process.stdout.readline() for _ in range(2)]
        seen = ssl.get_server_certificate(("127.0.0.1", server.port), timeout=60)
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(timeout=60)
        took = time.monotonic() - begun

    assert server.url == f"https://127.0.0.1:{server.port}"
    assert lines[0] == f"modelport: the certificate's fingerprint is {told['tls_fingerprint']}\n"
    assert f'at {server.url} (OpenAI clients: base_url="{server.url}/v1"' in lines[1]
    [path] = (tmp_path / "modelport" / "tls").iterdir()
    assert given_certificate(str(path)).fingerprint == told["tls_fingerprint"]
    assert path.read_text(encoding="ascii").startswith(seen.strip())
    assert status in {0, -signal.SIGTERM}
    assert took < 10


def chatting(server: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "modelport", "chat", "--model-server", server, "-m", "hi"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, **env},
    )


@pytest.mark.timeout(60)
def test_the_chat_command_takes_its_key_and_its_pin_from_the_environment(tmp_path: Path) -> None:
    tls = self_signed_certificate(folder=tmp_path)
    app = create_app([ScriptedModel(reply("well met"), name="m")], Options(keys={"ann": "mp-canary"}))
    key, pin = {"MODELPORT_API_KEY": "mp-canary"}, {"MODELPORT_TLS_FINGERPRINT": tls.fingerprint}
    with running(app, tls) as port:
        url = f"https://127.0.0.1:{port}"
        good = chatting(url, **key, **pin)
        without = [chatting(url, **pin), chatting(url, **key), chatting(url, MODELPORT_API_KEY="wrong", **pin)]

    assert (good.stdout, good.returncode) == ("well met\n", 0)
    assert [done.returncode for done in without] == [1, 1, 1]
    assert "an API key is needed" in without[0].stderr
    assert "is not trusted" in without[1].stderr
    assert "not known here" in without[2].stderr


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--tls-key", "k.pem"], "--tls-key is the key of a certificate"),
        (["--tls-cert", "c.pem", "--tls-self-signed"], "choose one"),
        (["--tls-cert", "c.pem"], "c.pem cannot be read"),
        (["--tls-self-signed", "--host", "0.0.0.0"], "no API key is set"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelport", "serve", "eliza", "--port", "0", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=tmp_path,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("modelport: error: ")
    assert done.stderr.count("\n") == 1
    assert complaint in done.stderr
