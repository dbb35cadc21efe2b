"""A peer: a model server of AgentStudio's kind. FastAPI on uvicorn, the model called where the request is."""

from typing import Any

from fastapi import FastAPI  # type: ignore[import-not-found]  # of the peers' venv
from fastapi.responses import JSONResponse  # type: ignore[import-not-found]
from pydantic import BaseModel

from bench.programs.agentstudio_wire import packed, unpacked
from bench.programs.listening import listen
from bench.programs.looking import answer

app = FastAPI()


class Asked(BaseModel):
    model: str
    messages: str


@app.post("/generate")  # type: ignore[untyped-decorator]
async def generate(asked: Asked) -> Any:
    """The model's text and info."""
    text = answer([message.content for message in unpacked(asked.messages)])
    return JSONResponse({"message": packed(text), "info": packed({"total_tokens": 1})})


if __name__ == "__main__":
    listen(app)
