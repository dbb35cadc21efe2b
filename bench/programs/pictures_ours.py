"""Pictures to a modelport server, through RemoteModel. Argument: the server's address."""

import sys

from bench.programs.picturing import Turn, serve_client
from modelport import Client
from modelport.providers.remote import RemoteModel


def main(url: str) -> None:
    """Serves the commands; one client, and so one pool of connections, for all of them."""
    create = Client(model=RemoteModel(url, model="look")).create

    def exchange(history: list[Turn]) -> str:
        messages = [
            {"role": role, "content": content if isinstance(content, str) else [content]} for role, content in history
        ]
        return str(create(messages=messages).choices[0].message.content)

    serve_client(exchange)


if __name__ == "__main__":
    main(sys.argv[1])
