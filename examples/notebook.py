"""Blocking calls inside a running event loop, as in a notebook's cell: they simply work, and so does await.

python examples/notebook.py
"""

import asyncio
from typing import Any

from modelport import Client


async def patient(messages: list[dict[str, Any]], **params: Any) -> str:
    """A model that waits on the event loop, as one behind an async API would."""
    await asyncio.sleep(0.01)
    return str(messages[-1]["content"])[::-1]


async def cell() -> None:
    """What a notebook's cell is: code inside a loop that is already running."""
    client = Client(model=patient)

    blocking = client.create(messages="stressed")
    print("create():", blocking.text)

    awaited, other = await asyncio.gather(client.acreate(messages="drawer"), client.acreate(messages="tops"))
    print("acreate(), two at once:", awaited.text, other.text)

    stream = client.create(messages="live", stream=True)
    print("streamed:", "".join(chunk.text for chunk in stream))


if __name__ == "__main__":
    asyncio.run(cell())
