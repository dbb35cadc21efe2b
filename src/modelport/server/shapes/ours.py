"""modelport's own routes and its own wire, and AgentStudio's."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from modelport.dialects.agentstudio import DIALECT as AGENTSTUDIO, FATES
from modelport.dialects.port import DIALECT as PORT, HELLO_PATH
from modelport.server.shapes.base import Shape, Shapes
from modelport.server.shapes.openai import Error

__all__ = ("SHAPES", "AgentStudioRequest", "Description", "Health", "Hello", "Ready")


class Hello(Struct):
    """That this is modelport."""

    service: Literal["modelport"]
    versions: list[int]
    models: list[str]


class Health(Struct):
    """That the process lives."""

    status: Literal["ok"]


class Ready(Struct):
    """That requests are taken. Where keys are asked for, it does not tell the models."""

    status: Literal["ready"]
    models: list[str] | UnsetType = UNSET


class Description(Struct):
    """An OpenAPI document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]


class AgentStudioRequest(Struct):
    """What AgentStudio's ``RemoteProvider`` asks: a model's name, and its messages as a pickle in base64."""

    model: str
    messages: str


SHAPES: Shapes = Shapes(
    routes={
        f"POST {PORT.path}": Shape(
            summary="Answer a conversation, in modelport's own wire",
            binary="msgpack in frames of modelport's own, which modelport's client speaks; see docs/architecture.md",
            kinds=(PORT.response_type, PORT.stream_type),
            timed=True,
            statuses=(409,),
        ),
        f"GET {HELLO_PATH}": Shape(summary="That this is modelport, and what it serves", gives=Hello),
        f"POST {AGENTSTUDIO.path}": Shape(
            summary="Answer AgentStudio's RemoteProvider; a 404 unless --allow-agentstudio-pickle opened it",
            binary="pickles in base64 within JSON, read as data and never unpickled",
            fates=FATES,
            timed=True,
        ),
        "GET /health": Shape(summary="200 as long as the process lives", gives=Health),
        "GET /ready": Shape(
            summary="200 while requests are taken; 503 while a model loads again, and on the way down", gives=Ready
        ),
        "GET /metrics": Shape(
            summary="What was counted, for Prometheus",
            binary="Prometheus' text format, or OpenMetrics for who accepts it",
            kinds=("text/plain", "application/openmetrics-text"),
        ),
        "GET /openapi.json": Shape(summary="This description", gives=Description),
    },
    errors={"agentstudio": Error},
)
