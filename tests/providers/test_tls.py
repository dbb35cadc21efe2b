"""RemoteModel over https: who is trusted, who is not, and that nothing is sent to those. Real handshakes."""

import contextlib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from modelport import Client
from modelport.errors import ConfigError, ConnectionFailed, ModelportError, ProtocolError
from modelport.model import generate
from modelport.providers._tls import Trust
from modelport.providers.remote import RemoteModel
from modelport.server import Options, create_app
from modelport.server.tls import given_certificate, self_signed_certificate
from modelport.sync import run
from modelport.testing import ScriptedModel, reply
from modelport.types import ChatRequest, Message
from tests.server.certificates import Authority, Pair
from tests.server.helpers import running

ASK = ChatRequest(messages=(Message("user", "hi"),))
KEY = "mp-canary"
OTHER = "sha256:" + "ab" * 32


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextlib.contextmanager
def served(pair: Pair | None = None, *, folder: Path | None = None) -> Iterator[tuple[int, str]]:
    """A server behind a certificate; its port, and the certificate's fingerprint."""
    tls = given_certificate(*pair) if pair is not None else self_signed_certificate(folder=folder)
    app = create_app([ScriptedModel(reply("well met"), name="m")], Options(keys={"ann": KEY}))
    with running(app, tls) as port:
        yield port, tls.fingerprint


class Overhearing:
    """Finishes handshakes and notes what it is told after them."""

    def __init__(self, pair: Pair) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*pair)
        self.handshakes = 0
        self.heard = b""

    @contextlib.contextmanager
    def listening(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=self._serve, args=(server,))
            thread.start()
            try:
                yield server.getsockname()[1]
            finally:
                server.shutdown(socket.SHUT_RDWR)
                thread.join(10)

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            sock.settimeout(10)
            with contextlib.suppress(OSError), self._context.wrap_socket(sock, server_side=True) as wrapped:
                self.handshakes += 1
                while piece := wrapped.recv(4096):
                    self.heard += piece
            sock.close()


def ask(url: str, **options: str) -> str:
    model = RemoteModel(url, api_key=KEY, retries=2, **options)  # type: ignore[arg-type]
    return run(generate(model, ASK), suspends=True).text


def refusal(url: str, **options: str) -> ModelportError:
    with pytest.raises(ModelportError) as caught:
        ask(url, **options)
    return caught.value


# --- a fingerprint ---


@pytest.mark.parametrize(
    "form", [str, str.upper, lambda text: text.removeprefix("sha256:"), lambda text: f"  {text[7:9]}:{text[9:]}"]
)
def test_the_certificate_that_was_pinned_is_trusted(form: object, tmp_path: Path) -> None:
    with served(folder=tmp_path) as (port, fingerprint):
        assert callable(form)
        text = ask(f"https://127.0.0.1:{port}", tls_fingerprint=form(fingerprint))

    assert text == "well met"


def test_with_a_pin_the_name_and_the_last_day_do_not_matter(authority: Authority) -> None:
    with served(authority.sign("elsewhere.example", lasts=-timedelta(days=1))) as (port, fingerprint):
        assert ask(f"https://127.0.0.1:{port}", tls_fingerprint=fingerprint) == "well met"


def test_to_another_certificate_nothing_is_said(authority: Authority) -> None:
    impostor = Overhearing(authority.sign("127.0.0.1"))
    with impostor.listening() as port:
        error = refusal(f"https://127.0.0.1:{port}", tls_fingerprint=OTHER)

    assert isinstance(error, ProtocolError)
    assert not error.retryable
    assert "has another certificate than was pinned: expected sha256:abab" in error.message
    assert KEY not in error.message
    assert (impostor.handshakes, impostor.heard) == (1, b"")


def test_with_a_pin_and_an_authority_both_are_asked_for(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    with served(authority.sign("127.0.0.1")) as (port, fingerprint):
        url = f"https://127.0.0.1:{port}"
        text = ask(url, tls_fingerprint=fingerprint, ca_file=str(authority.file))
        other_pin = refusal(url, tls_fingerprint=OTHER, ca_file=str(authority.file))
        other_authority = refusal(url, tls_fingerprint=fingerprint, ca_file=str(stranger.file))

    assert text == "well met"
    assert "another certificate than was pinned" in other_pin.message
    assert "is not trusted" in other_authority.message


@pytest.mark.parametrize(
    "text", ["", "abc", "sha256:", "sha1:" + "ab" * 32, "ab" * 31, "zz" * 32, "ab" * 33, "ab" * 32 + "\n1"]
)
def test_what_is_no_fingerprint_is_refused_at_once(text: str) -> None:
    with pytest.raises(ConfigError, match="tls_fingerprint must be the SHA-256"):
        RemoteModel("https://127.0.0.1:1", tls_fingerprint=text)


@pytest.mark.parametrize("option", ["tls_fingerprint", "ca_file"])
def test_over_plain_http_nobody_is_led_to_think_that_it_is_checked(option: str) -> None:
    with pytest.raises(ConfigError, match=f"{option} is for https addresses"):
        RemoteModel("http://127.0.0.1:1", **{option: OTHER})  # type: ignore[arg-type]


# --- an authority ---


def test_a_certificate_from_the_authority_in_ca_file_is_trusted(authority: Authority) -> None:
    with served(authority.sign("127.0.0.1")) as (port, _):
        assert ask(f"https://127.0.0.1:{port}", ca_file=str(authority.file)) == "well met"


@pytest.mark.timeout(60)
def test_one_from_the_authority_in_the_environment_is_trusted(authority: Authority) -> None:
    program = (
        "import sys\nfrom modelport import Client\n"
        "client = Client(config_list=[{'provider': 'remote', 'base_url': sys.argv[1], 'api_key': sys.argv[2]}])\n"
        "print(client.create(messages=[{'role': 'user', 'content': 'hi'}]).text)"
    )
    with served(authority.sign("127.0.0.1")) as (port, _):
        done = subprocess.run(
            [sys.executable, "-c", program, f"https://127.0.0.1:{port}", KEY],
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
            env={"SSL_CERT_FILE": str(authority.file), "PATH": ""},
        )

    assert (done.stdout, done.stderr) == ("well met\n", "")


@pytest.mark.parametrize(
    ("names", "lasts", "complaint"),
    [
        (("127.0.0.1",), timedelta(days=-1), "certificate has expired"),
        (("elsewhere.example",), timedelta(days=1), "IP address mismatch"),
        (("10.0.0.1",), timedelta(days=1), "IP address mismatch"),
    ],
)
def test_a_certificate_that_is_past_or_anothers_is_refused_before_anything_is_said(
    authority: Authority, names: tuple[str, ...], lasts: timedelta, complaint: str
) -> None:
    impostor = Overhearing(authority.sign(*names, lasts=lasts))
    with impostor.listening() as port:
        error = refusal(f"https://127.0.0.1:{port}", ca_file=str(authority.file))

    assert isinstance(error, ProtocolError)
    assert complaint in error.message
    assert "give tls_fingerprint" in error.message
    assert impostor.heard == b""


@pytest.mark.parametrize("ca", ["another", "this machine's"])
def test_an_authority_that_nobody_knows_is_refused_before_anything_is_said(
    authority: Authority, tmp_path: Path, ca: str
) -> None:
    impostor = Overhearing(Authority(tmp_path, "stranger").sign("127.0.0.1"))
    options = {"ca_file": str(authority.file)} if ca == "another" else {}
    with impostor.listening() as port:
        error = refusal(f"https://127.0.0.1:{port}", **options)

    assert "is not trusted: " in error.message
    assert impostor.heard == b""


def test_a_self_signed_certificate_is_not_trusted_unasked(tmp_path: Path) -> None:
    with served(folder=tmp_path) as (port, _):
        error = refusal(f"https://127.0.0.1:{port}")

    assert "self-signed certificate" in error.message
    assert "give tls_fingerprint (which `modelport serve` prints) or ca_file" in error.message


@pytest.mark.parametrize("name", ["nowhere.pem", "text", ""])
def test_an_authority_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("nothing", encoding="utf-8")

    error = refusal("https://127.0.0.1:1", ca_file=str(tmp_path / name))

    assert isinstance(error, ConfigError)
    assert error.message.startswith(f"ca_file {tmp_path / name} cannot be used: ")


def test_old_versions_of_tls_are_not_spoken() -> None:
    assert Trust().context().minimum_version is ssl.TLSVersion.TLSv1_2
    assert Trust(b"x" * 32).context().minimum_version is ssl.TLSVersion.TLSv1_2


# --- one side speaks TLS, the other does not ---


def test_plain_http_to_a_server_that_speaks_tls_is_told_so(tmp_path: Path) -> None:
    with served(folder=tmp_path) as (port, _):
        error = refusal(f"http://127.0.0.1:{port}")

    assert "https://" in error.message
    assert "TLS" in error.message


def test_https_to_a_server_that_speaks_plain_http_is_told_so() -> None:
    with running(create_app([ScriptedModel(reply("x"), name="m")])) as port:
        error = refusal(f"https://127.0.0.1:{port}", tls_fingerprint=OTHER)

    assert isinstance(error, ConnectionFailed)
    assert "does it speak plain http?" in error.message


# --- as users write it ---


def test_an_entry_of_a_config_list_pins_and_falls_back(authority: Authority, tmp_path: Path) -> None:
    with served(folder=tmp_path) as (port, fingerprint):
        entry = {"provider": "remote", "base_url": f"https://127.0.0.1:{port}", "model": "m", "api_key": KEY}
        impostor = entry | {"tls_fingerprint": OTHER}
        client = Client(config_list=[impostor, entry | {"tls_fingerprint": fingerprint}])
        text = client.create(messages=[{"role": "user", "content": "hi"}]).text

    assert text == "well met"


def test_streams_come_over_tls_too(tmp_path: Path) -> None:
    with served(folder=tmp_path) as (port, fingerprint):
        entry = {"provider": f"remote:https://127.0.0.1:{port}/m", "api_key": KEY, "tls_fingerprint": fingerprint}
        client = Client(config_list=[entry])
        pieces = [chunk.text for chunk in client.create(messages=[{"role": "user", "content": "hi"}], stream=True)]

    assert "".join(piece or "" for piece in pieces) == "well met"
