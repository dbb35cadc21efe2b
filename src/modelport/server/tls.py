"""TLS for the server: with a certificate that was given, or with one of its own making. Knows no HTTP.

A certificate of our own is made with ``cryptography`` (the extra ``tls``) rather than by calling ``openssl``: it is the
same on every system, the private key passes through no other program, and what goes wrong is an error and not a text.
It is kept in the user's data folder, so that its fingerprint, which clients pin, is the same the next time.
"""

import hashlib
import ipaddress
import os
import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from modelport.errors import ConfigError
from modelport.server.refusals import PLAIN_HTTP, identify, refusal_bytes
from modelport.storage.api_keys import data_folder

__all__ = ("Tls", "given_certificate", "self_signed_certificate")

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANY = ("0.0.0.0", "::", "")  # noqa: S104  (compared, not listened on)
_DAYS = 825
_RENEWED = timedelta(days=30)  # before a certificate ends, the next one is made


class Tls(Struct, frozen=True):
    """How the server speaks TLS. ``fingerprint`` is the certificate's, as ``sha256:`` and 64 hex digits."""

    context: Any  # an ssl.SSLContext
    fingerprint: str


def given_certificate(certificate: str, key: str | None = None) -> Tls:
    """TLS with the certificate (and what leads to its authority) in the PEM file *certificate*.

    *key* is the file of its private key, where that is not in the same one.

    Raises:
        ConfigError: a file cannot be read, is not PEM, is encrypted, or the two do not belong together.
    """
    context = _Context(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    for path in (certificate, key or certificate):
        _check_readable(path)
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except ssl.SSLError as error:
        where = f"the certificate {certificate}" + (f" and the key {key}" if key else "")
        raise ConfigError(
            f"{where} cannot be used: {error.reason or error}: give PEM files that belong together, with --tls-cert "
            "and --tls-key"
        ) from None
    return Tls(context, _fingerprint(certificate))


class _Handshake(ssl.SSLObject):
    """A handshake that tells whoever speaks plain HTTP what to do, once; then it waits for the peer to leave."""

    outgoing: ssl.MemoryBIO | None = None
    told: bool = False

    def do_handshake(self) -> None:
        if self.told:
            raise ssl.SSLError("the peer goes on speaking plain HTTP")
        try:
            super().do_handshake()
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError as error:
            if error.reason != "HTTP_REQUEST" or self.outgoing is None:
                raise
            self.outgoing.write(refusal_bytes(PLAIN_HTTP, identify()))
            self.told = True
            raise ssl.SSLWantReadError from None


class _Context(ssl.SSLContext):
    """Begins such handshakes."""

    sslobject_class = _Handshake

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **options: Any) -> ssl.SSLObject:
        handshake = super().wrap_bio(incoming, outgoing, *args, **options)
        if isinstance(handshake, _Handshake):
            handshake.outgoing = outgoing
        return handshake


def _check_readable(path: str) -> None:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from None


def _refuse_password() -> str:
    raise ConfigError("the private key is encrypted: decrypt it for the server (openssl pkey -in KEY -out PLAIN)")


def _fingerprint(path: str) -> str:
    """Of the first certificate in the file, which is the server's own."""
    text = Path(path).read_text(encoding="latin-1")
    start = text.find("-----BEGIN CERTIFICATE-----")
    end = text.find("-----END CERTIFICATE-----", start)
    der = ssl.PEM_cert_to_DER_cert(text[start : end + len("-----END CERTIFICATE-----")])
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


# --- of our own making ---


def self_signed_certificate(names: Sequence[str] = (), *, folder: Path | None = None) -> Tls:
    """TLS with a certificate for this machine's loopback names and *names*, kept in *folder* and used again.

    Raises:
        ConfigError: ``cryptography`` is not installed, or the folder cannot be written to.
    """
    wanted = tuple(dict.fromkeys([*_LOOPBACK, *(name.strip("[]") for name in names if name not in _ANY)]))
    mark = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]
    path = (folder or data_folder() / "tls") / f"self-signed-{mark}.pem"
    if not _is_good(path):
        _write(path, _make(wanted))
    return given_certificate(str(path))


def _cryptography() -> Any:
    try:
        from cryptography import x509
    except ImportError:
        raise ConfigError(
            "--tls-self-signed needs the package cryptography: pip install 'modelport[tls]', or give a certificate "
            "with --tls-cert and --tls-key"
        ) from None
    return x509


def _is_good(path: Path) -> bool:
    """Whether the file has a certificate that lasts, and is its owner's alone."""
    x509 = _cryptography()
    try:
        mode = path.stat().st_mode
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return False
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(f"others may read the private key in {path}: remove the file, and another one is made")
    lasts: bool = certificate.not_valid_after_utc - datetime.now(UTC) > _RENEWED
    return lasts


def _make(names: Sequence[str]) -> bytes:
    """A new private key and its certificate, as PEM."""
    x509 = _cryptography()
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "modelport")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # for clocks that are not quite right
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([_alternative(x509, name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    written: bytes = certificate.public_bytes(serialization.Encoding.PEM) + plain
    return written


def _alternative(x509: Any, name: str) -> Any:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        plain = name.encode("idna").decode()
    except UnicodeError:
        plain = ""
    if re.fullmatch(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", plain) is None:
        raise ConfigError(f"no certificate can be made for the name {name[:100]!r}")
    return x509.DNSName(plain)


def _write(path: Path, content: bytes) -> None:
    """The file appears complete or not at all; of two processes that make it, the later one's stays."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileNotFoundError):
            partial.unlink()
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
        partial.replace(path)
    except OSError as error:
        raise ConfigError(f"the certificate cannot be kept in {path.parent}: {error.strerror or error}") from None
