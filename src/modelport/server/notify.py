"""What systemd is told of a service of ``Type=notify``: that it is ready, loads again, goes down.

Source: sd_notify(3), "Notes" on the wire: one datagram of lines to the socket that ``NOTIFY_SOCKET`` names.
"""

import os
import socket

__all__ = ("READY", "RELOADING", "STOPPING", "notify")

READY = "READY=1"
RELOADING = "RELOADING=1"
STOPPING = "STOPPING=1"


def notify(*lines: str) -> bool:
    """Tell the service manager *lines*, if there is one that listens; whether it was told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return False
    if address.startswith("@"):  # a name that is in no file system
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(1.0)
            sock.sendto("\n".join(lines).encode(), address)
    except OSError:
        return False
    return True
