"""API keys for tests of the server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio

from modelport.model import Model
from modelport.server import App, Options, create_app
from modelport.server.auth import Keys
from modelport.storage.api_keys import KeyFile, KeyLimits

__all__ = ("Ring",)


class Ring:
    """A key file, used in threads: tests of the server run on its loop, which must not wait for a disk."""

    def __init__(self, path: Path) -> None:
        self.file = KeyFile(path)
        self.path = path

    async def add(self, name: str, limits: KeyLimits | None = None) -> str:
        return (await anyio.to_thread.run_sync(self.file.add, name, limits)).reveal()

    async def revoke(self, name: str) -> None:
        await anyio.to_thread.run_sync(self.file.revoke, name)

    async def app(self, *models: Model, **options: Any) -> App:
        return await anyio.to_thread.run_sync(create_app, models, Options(key_file=str(self.path), **options))

    async def known(self, clock: Callable[[], float]) -> Keys:
        return await anyio.to_thread.run_sync(lambda: Keys({}, self.file, clock=clock))
