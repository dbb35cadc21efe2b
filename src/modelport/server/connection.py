"""uvicorn's HTTP connection, guarded against peers that are slow on purpose. Knows no request's meaning."""

from typing import Any

from modelport.server.limits import Limits

__all__ = ("guarded_protocol",)

_MOST_HEAD = 64 * 1024  # bytes of a request's line and headers together


def guarded_protocol(limits: Limits) -> type[Any]:
    """A protocol class for uvicorn that gives up connections which

    - send no complete request head within ``limits.read`` seconds, or one of more than 64 KiB,
    - go on sending a body for so long after they have been answered, or
    - read nothing of their answer for ``limits.stall`` seconds.

    It also tells every request of a connection that is lost, not only the newest (there are several when a client
    sends ahead of the answers).
    """
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Guarded(HttpToolsProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._head_since: float | None = self.loop.time()
            self._head_size = 0
            self._answering: Any = None
            self._answered: Any = None  # what had been answered at the last look, its body still on the way
            self._stall: Any = None
            self._look = self.loop.call_later(limits.read, self._look_again)

        def connection_lost(self, exc: Exception | None) -> None:
            self._look.cancel()
            if self._stall is not None:
                self._stall.cancel()
            super().connection_lost(exc)
            for cycle in (self._answering, *(cycle for cycle, _ in self.pipeline)):
                if cycle is not None and not cycle.response_complete:
                    cycle.disconnected = True
                    cycle.message_event.set()
            self.pipeline.clear()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._head_since is not None:
                self._head_size += len(data)
                if self._head_size > _MOST_HEAD:
                    self.transport.abort()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._head_since = self.loop.time()
            self._head_size = 0

        def on_headers_complete(self) -> None:
            self._head_since = None
            super().on_headers_complete()

        def _start_asgi_task(self, cycle: Any, app: Any) -> None:
            self._answering = cycle
            super()._start_asgi_task(cycle, app)

        def _look_again(self) -> None:
            since = self._head_since
            if since is not None and self.loop.time() - since >= limits.read:
                self.transport.abort()
                return
            cycle: Any = self.cycle
            unread = cycle if cycle is not None and cycle.response_complete and cycle.more_body else None
            if unread is not None and unread is self._answered:
                self.transport.abort()
                return
            self._answered = unread
            self._look = self.loop.call_later(limits.read, self._look_again)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._stall = self.loop.call_later(limits.stall, self.transport.abort)

        def resume_writing(self) -> None:
            if self._stall is not None:
                self._stall.cancel()
                self._stall = None
            super().resume_writing()

    return Guarded
