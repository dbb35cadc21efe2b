"""``/metrics``: what was counted, in the words of Prometheus. Knows where the numbers are, and counts nothing.

The numbers are copied on the event loop, so that they belong together; they are written down in a thread, as is the
import of ``prometheus_client``, which takes about as long as a thousand short answers.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modelport.server.counting import GONE, Histogram
from modelport.server.http import Exchange, header_text
from modelport.server.serving import Served
from modelport.sync import offload

if TYPE_CHECKING:
    from modelport.server.app import App

__all__ = ("PATH", "metrics")

PATH = "/metrics"


class _Values(Struct, frozen=True):
    """A histogram as it was. ``counts`` are cumulative, the last is that of all values."""

    bounds: Sequence[float]
    counts: Sequence[int]
    total: float


class _Answered(Struct, frozen=True):
    route: str
    model: str
    statuses: Mapping[int, int]
    seconds: _Values


class _Model(Struct, frozen=True):
    name: str
    ready: bool
    queue: int
    first: _Values
    between: _Values
    tokens: Mapping[tuple[str, str], int]
    batches: _Values | None
    workers: tuple[int, int, int] | None  # asked for, ready, replaced


class _State(Struct, frozen=True):
    version: str
    in_flight: int
    answered: list[_Answered]
    errors: Mapping[str, int]
    models: list[_Model]


async def metrics(app: "App", exchange: Exchange) -> None:
    """All that was counted, as far as it is of models that the caller may use."""
    accept = header_text(exchange.headers, b"accept") or ""
    body, kind = await offload(_written, _state(app), accept)
    await exchange.respond(200, body, kind.encode())


# --- on the event loop ------------------------------------------------------------------------------------------------


def _state(app: "App") -> _State:
    names = app.serving.names
    counters = app.counters
    return _State(
        sys.modules["modelport"].__version__,  # loaded by now, and above this file, which may not import it
        app.in_flight - 1,  # but for this one
        [
            _Answered(route, model, dict(each.statuses), _values(each.seconds))
            for (route, model), each in counters.answered.items()
            if not model or model in names
        ],
        dict(counters.errors),
        [_model(app.serving.find(name)) for name in names],
    )


def _values(histogram: Histogram) -> _Values:
    return _Values(histogram.bounds, list(accumulate(histogram.counts)), histogram.total)


def _model(served: Served) -> _Model:
    numbers, sizes = served.numbers, served.batch_sizes
    return _Model(
        served.name,
        served.ready,
        served.queued,
        _values(numbers.first),
        _values(numbers.between),
        numbers.tokens,
        None if sizes is None else _sizes(sizes),
        served.workers,
    )


def _sizes(sizes: Mapping[int, int]) -> _Values:
    bounds = [1.0]
    while bounds[-1] < max(sizes, default=1):
        bounds.append(2 * bounds[-1])
    counts = [sum(count for size, count in sizes.items() if size <= bound) for bound in bounds]
    return _Values(bounds, [*counts, sum(sizes.values())], sum(size * count for size, count in sizes.items()))


# --- in a thread ------------------------------------------------------------------------------------------------------


def _written(state: _State, accept: str) -> tuple[bytes, str]:
    from prometheus_client.exposition import choose_encoder

    encode, kind = choose_encoder(accept)
    body: bytes = encode(_Families(state))
    return body, kind


class _Families:
    """What ``prometheus_client`` writes down."""

    def __init__(self, state: _State) -> None:
        self._state = state

    def collect(self) -> Iterator[Any]:
        """Everything, one name after the other."""
        from prometheus_client import ProcessCollector

        yield from self._requests()
        yield from self._answers()
        yield from self._models()
        yield from ProcessCollector(registry=None).collect()

    def _requests(self) -> Iterator[Any]:
        state = self._state
        yield _counter(
            "modelport_requests",
            f"Requests that have ended; status {GONE} is that of callers who left before they had one.",
            ("route", "model", "status"),
            (
                ((each.route, each.model, str(status)), count)
                for each in state.answered
                for status, count in each.statuses.items()
            ),
        )
        yield _histogram(
            "modelport_request_duration_seconds",
            "From the end of a request's headers to the end of its answer.",
            ("route", "model"),
            (((each.route, each.model), each.seconds) for each in state.answered),
        )
        yield _gauge("modelport_requests_in_flight", "Requests that are being answered.", (), [((), state.in_flight)])
        errors = (((code,), count) for code, count in state.errors.items())
        yield _counter("modelport_errors", "Requests that failed, by the error's code.", ("code",), errors)
        yield _gauge("modelport_build_info", "Which modelport this is.", ("version",), [((state.version,), 1)])

    def _answers(self) -> Iterator[Any]:
        models = self._state.models
        yield _histogram(
            "modelport_time_to_first_token_seconds",
            "Of streamed answers: from the end of the request's headers to the first token.",
            ("model",),
            (((each.name,), each.first) for each in models),
        )
        yield _histogram(
            "modelport_inter_token_seconds",
            "Of streamed answers: from one token to the next; those that leave together count as evenly spaced.",
            ("model",),
            (((each.name,), each.between) for each in models),
        )
        yield _counter(
            "modelport_tokens",
            "Tokens of prompts and completions, as the model counted them or as they were estimated.",
            ("model", "kind", "source"),
            (((each.name, *key), count) for each in models for key, count in each.tokens.items()),
        )

    def _models(self) -> Iterator[Any]:
        models = self._state.models
        ready = (((each.name,), int(each.ready)) for each in models)
        yield _gauge("modelport_model_ready", "Whether the model can be asked now.", ("model",), ready)
        queues = (((each.name,), each.queue) for each in models)
        yield _gauge("modelport_queue_length", "Calls that wait for the model.", ("model",), queues)
        batches = (((each.name,), each.batches) for each in models if each.batches is not None)
        yield _histogram("modelport_batch_size", "Requests that were answered together.", ("model",), batches)
        for at, (name, help_, kind) in enumerate(_WORKERS):
            yield kind(name, help_, ("model",), (((each.name,), each.workers[at]) for each in models if each.workers))


# --- families ---------------------------------------------------------------------------------------------------------

_Samples = Iterable[tuple[tuple[str, ...], int]]


def _counter(name: str, about: str, labels: Sequence[str], samples: _Samples) -> Any:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(name, about, labels=labels)
    for values, count in samples:
        family.add_metric(values, count)
    return family


def _gauge(name: str, about: str, labels: Sequence[str], samples: _Samples) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, about, labels=labels)
    for values, count in samples:
        family.add_metric(values, count)
    return family


def _histogram(name: str, about: str, labels: Sequence[str], samples: Iterable[tuple[tuple[str, ...], _Values]]) -> Any:
    from prometheus_client.core import HistogramMetricFamily
    from prometheus_client.utils import floatToGoString

    family = HistogramMetricFamily(name, about, labels=labels)
    for values, histogram in samples:
        bounds = [*map(floatToGoString, histogram.bounds), "+Inf"]
        family.add_metric(values, list(zip(bounds, histogram.counts, strict=True)), histogram.total)
    return family


_WORKERS: tuple[tuple[str, str, Any], ...] = (
    ("modelport_workers", "Worker processes that the model was given.", _gauge),
    ("modelport_workers_ready", "Those that have it loaded.", _gauge),
    ("modelport_worker_restarts", "Those that ended before they were told to, and are replaced.", _counter),
)
