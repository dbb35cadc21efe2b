"""Whom a client trusts behind an https address: an authority, or the one certificate whose fingerprint it was given."""

import hmac
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modelport.errors import ConfigError, ProtocolError

if TYPE_CHECKING:
    import ssl

__all__ = ("Trust", "Untrusted")


class Untrusted(ProtocolError):
    """Whoever answers has not shown to be the one that was meant. Nothing was sent to it."""


class Trust(Struct, frozen=True):
    """``fingerprint`` is the SHA-256 of the far side's certificate. Without it the certificate must come from an
    authority: one in ``ca_file``, or else one that this machine knows, or that ``SSL_CERT_FILE`` names."""

    fingerprint: bytes | None = None
    ca_file: str | None = None

    @classmethod
    def parse(cls, fingerprint: str | None, ca_file: str | None, scheme: str) -> "Trust":
        """What was given as ``tls_fingerprint`` and ``ca_file``.

        Raises:
            ConfigError: the fingerprint is none, or there is nothing to trust over plain http.
        """
        for name, value in (("tls_fingerprint", fingerprint), ("ca_file", ca_file)):
            if value is not None and scheme != "https":
                raise ConfigError(f"{name} is for https addresses, and this one begins with {scheme}://", param=name)
        if fingerprint is None:
            return cls(None, ca_file)
        digits = fingerprint.strip().lower().removeprefix("sha256:").replace(":", "")
        if not re.fullmatch("[0-9a-f]{64}", digits):
            raise ConfigError(
                "tls_fingerprint must be the SHA-256 that `modelport serve` prints: sha256: and 64 hex digits, "
                f"got {fingerprint[:100]!r}",
                param="tls_fingerprint",
            )
        return cls(bytes.fromhex(digits), ca_file)

    def context(self) -> "ssl.SSLContext":
        """What checks a handshake. With a fingerprint alone it checks nothing: :meth:`check` does, afterwards.

        Raises:
            ConfigError: ``ca_file`` cannot be read.
        """
        import ssl

        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            why = getattr(error, "reason", None) or error.strerror or error
            raise ConfigError(f"ca_file {self.ca_file} cannot be used: {why}", param="ca_file") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.fingerprint is not None and self.ca_file is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def check(self, transport: Any, url: str) -> None:
        """Compare the certificate of a finished handshake. To be called before anything is sent.

        Raises:
            Untrusted: it is another one.
        """
        if self.fingerprint is None:
            return
        certificate = transport.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
        found = sha256(certificate).digest()
        if not hmac.compare_digest(found, self.fingerprint):
            raise Untrusted(
                f"{url} has another certificate than was pinned: expected sha256:{self.fingerprint.hex()}, got "
                f"sha256:{found.hex()}. Someone may be in between; if the certificate was renewed, pin the new one"
            )
