"""The options of ``modelport serve`` about TLS."""

import argparse
from collections.abc import Sequence

from modelport.errors import ConfigError
from modelport.server.tls import Tls, given_certificate, self_signed_certificate

__all__ = ("add_tls_options", "tls_of")


def add_tls_options(parser: argparse.ArgumentParser) -> None:
    """Adds them."""
    add = parser.add_argument
    add(
        "--tls-cert", metavar="FILE", help="speak https, with this certificate (PEM, what leads to its authority below)"
    )
    add("--tls-key", metavar="FILE", help="its private key, where that is not in the same file")
    add(
        "--tls-self-signed", action="store_true", help="speak https, with a certificate of its own, told by fingerprint"
    )


def tls_of(args: argparse.Namespace, names: Sequence[str]) -> Tls | None:
    """What the options ask for; *names* are what a certificate of our own is to be good for.

    Raises:
        ConfigError: they contradict one another, or a file is no good.
    """
    if args.tls_cert and args.tls_self_signed:
        raise ConfigError("--tls-cert and --tls-self-signed are two ways to a certificate: choose one")
    if args.tls_key and not args.tls_cert:
        raise ConfigError("--tls-key is the key of a certificate: give that, too, with --tls-cert")
    if args.tls_cert:
        return given_certificate(args.tls_cert, args.tls_key)
    return self_signed_certificate(names) if args.tls_self_signed else None
