"""Pictures to a server of AgentStudio's kind, its way: requests, a new connection a call. Argument: the address."""

import sys

import requests

from bench.programs.agentstudio_wire import Message, packed, unpacked
from bench.programs.picturing import Turn, serve_client


def main(url: str) -> None:
    """Serves the commands."""

    def exchange(history: list[Turn]) -> str:
        messages = [Message(role, content) for role, content in history]
        reply = requests.post(f"{url}/generate", json={"model": "look", "messages": packed(messages)}, timeout=60)
        reply.raise_for_status()
        answered = reply.json()
        unpacked(answered["info"])
        text: str = unpacked(answered["message"])
        return text

    serve_client(exchange)


if __name__ == "__main__":
    main(sys.argv[1])
