"""A peer: the chat completions endpoint that one writes by hand with FastAPI, typed both ways, around a no-op model."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import FastAPI  # type: ignore[import-not-found]  # of the peers' venv
from fastapi.responses import StreamingResponse  # type: ignore[import-not-found]
from pydantic import BaseModel

from bench.programs.listening import listen

DELTAS = 100
app = FastAPI()


class Message(BaseModel):
    role: str
    content: str


class Request(BaseModel):
    model: str
    messages: list[Message]
    stream: bool = False
    temperature: float | None = None


class Choice(BaseModel):
    index: int = 0
    message: Message
    finish_reason: str = "stop"


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Response(BaseModel):
    id: str
    object: str = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class Delta(BaseModel):
    content: str


class ChunkChoice(BaseModel):
    index: int = 0
    delta: Delta
    finish_reason: str | None = None


class Chunk(BaseModel):
    id: str
    object: str = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]


@app.post("/v1/chat/completions", response_model=Response)  # type: ignore[untyped-decorator]
async def complete(request: Request) -> Any:
    """One answer, or a stream of chunks."""
    number, now = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
    if request.stream:
        chunks = _blocking_chunks if request.model == "blocking_ready" else _chunks
        return StreamingResponse(chunks(request.model, number, now), media_type="text/event-stream")
    return Response(
        id=number,
        created=now,
        model=request.model,
        choices=[Choice(message=Message(role="assistant", content="ok"))],
        usage=Usage(prompt_tokens=12, completion_tokens=1, total_tokens=13),
    )


async def _chunks(model: str, number: str, now: int) -> AsyncIterator[str]:
    for _ in range(DELTAS):
        if model == "turns":
            await asyncio.sleep(0)
        yield _chunk(model, number, now)
        if model == "quiet":
            await asyncio.Event().wait()
    yield "data: [DONE]\n\n"


def _blocking_chunks(model: str, number: str, now: int) -> Iterator[str]:
    for _ in range(DELTAS):
        yield _chunk(model, number, now)
    yield "data: [DONE]\n\n"


def _chunk(model: str, number: str, now: int) -> str:
    chunk = Chunk(id=number, created=now, model=model, choices=[ChunkChoice(delta=Delta(content="word "))])
    return f"data: {chunk.model_dump_json()}\n\n"


if __name__ == "__main__":
    listen(app)
