"""An examination asks a model for real and says, promise by promise, what became of it."""

import itertools
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from modelport import as_model
from modelport.conformance import Finding, Report, examine
from modelport.testing import ScriptedModel, reply
from modelport.types import Finish, TextDelta, Usage


class Client:
    """A ModelClient that keeps every promise."""

    def create(self, params: Any) -> Any:
        choice = SimpleNamespace(message=SimpleNamespace(content="The sky is blue today."))
        return SimpleNamespace(choices=[choice] * params.get("n", 1), model="sky-1")

    def message_retrieval(self, response: Any) -> Any:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Any) -> float:
        return 0.5

    def get_usage(self, response: Any) -> dict[str, Any]:
        return {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": 0.5, "model": "sky-1"}


class Studio:
    """An AgentStudio model that keeps every promise."""

    name = "studio"

    def compose_messages(self, intermedia_msg: Any) -> Any:
        return [message["content"] for message in intermedia_msg]

    def generate_response(self, messages: Any, **kwargs: Any) -> tuple[str, dict[str, int]]:
        return "The sky is blue today.", {"total_tokens": 12}


class Native:
    """A stream that keeps every promise."""

    name = "native"

    def stream(self, request: Any) -> Any:
        yield "The sky "
        yield "is blue today."
        yield Usage(prompt_tokens=3, completion_tokens=4)


class Batches:
    """A batch of answers that keeps every promise."""

    name = "batches"

    def generate_batch(self, requests: Any) -> Any:
        return ["The sky is blue today."] * len(requests)


def function(messages: Any) -> str:
    return "The sky is blue today."


def finding(report: Report, promise: str) -> Finding:
    [found] = [each for each in report.findings if each.promise == promise]
    return found


@pytest.mark.parametrize("thing", [Client, Studio, Native, Batches, function], ids=lambda thing: thing.__name__)
def test_a_model_of_any_contract_that_keeps_it_breaks_no_promise(thing: Any) -> None:
    report = examine(thing, timeout=10)

    assert report.broken == ()
    assert report.held


@pytest.mark.parametrize(
    ("thing", "contract"),
    [(Client, "modelclient"), (Studio, "agentstudio"), (Native, "native"), (Batches, "native"), (function, "function")],
)
def test_a_report_says_by_which_contract_the_model_was_recognised(thing: Any, contract: str) -> None:
    assert examine(thing).contract == contract


def test_what_is_counted_and_what_it_costs_is_said() -> None:
    report = examine(Client)

    assert finding(report, "counts tokens").what == "15 tokens"
    assert finding(report, "tells its cost").what == "0.5 US dollars"
    assert finding(report, "tells which model answered").what == "answers come from 'sky-1'"


def test_a_model_that_counts_nothing_breaks_no_promise_and_is_told_how_to_count() -> None:
    found = finding(examine(function), "counts tokens")

    assert found.held is None
    assert found.what == "it does not count them: they will be estimated"
    assert found.mend == "return (text, {'prompt_tokens': …, 'completion_tokens': …})"


def test_promises_that_the_port_keeps_in_the_models_stead_say_so() -> None:
    report = examine(Studio)

    assert finding(report, "gives n choices") == Finding("gives n choices", True, "2 choices, by asking it twice")
    assert finding(report, "stops where it is told to").what == "by cutting its text"


def test_what_is_no_model_is_a_finding_and_not_an_error() -> None:
    class Nothing:
        pass

    report = examine(Nothing)

    assert (report.held, report.contract, report.model) == (False, None, "Nothing")
    assert report.findings[0].what.startswith("Nothing is not a model: expected a function reply(messages, **params)")


def test_a_spec_is_loaded_first_and_one_that_names_nothing_is_a_finding() -> None:
    report = examine("no_such_model_anywhere")

    assert report.held is False
    assert report.model == "no_such_model_anywhere"
    assert "no_such_model_anywhere" in report.findings[0].what


def test_a_broken_contract_is_found_with_its_mend_and_the_rest_is_not_tried() -> None:
    class Halved(Studio):
        def generate_response(self, messages: Any, **kwargs: Any) -> Any:
            return "text alone"

    report = examine(Halved)

    found = finding(report, "answers a simple message")
    assert found.held is False
    assert found.mend == "return text, {} instead of the text alone"
    assert {each.what for each in report.findings[3:]} == {"not tried: a simple message was not answered"}


def test_a_model_that_hangs_is_given_up_at_its_deadline() -> None:
    never = threading.Event()

    def hang(messages: Any) -> str:
        never.wait(30)
        return "too late"

    report = examine(hang, timeout=0.1)
    never.set()

    found = finding(report, "answers a simple message")
    assert found.held is False
    assert "hang did not answer within 0.1 s" in found.what
    assert report.seconds < 5


def test_a_model_that_changes_the_callers_messages_is_caught() -> None:
    def careless(messages: Any) -> str:
        messages[-1]["content"] = "changed"
        return "The sky is blue."

    found = finding(examine(careless), "takes a conversation and leaves it as it was")

    assert (found.held, found.mend) == (False, "copy a message to change it")
    assert found.what == "it changed the caller's messages (number 3)"


def test_a_model_that_ignores_stop_though_it_names_it_is_caught() -> None:
    def deaf(messages: Any, stop: Any = None) -> str:
        return "The sky is blue."

    found = finding(examine(deaf), "stops where it is told to")

    assert found.held is False
    assert found.what == "the answer has 'blue', which should have stopped it"


def test_a_model_that_cannot_answer_two_callers_at_once_is_caught() -> None:
    inside = threading.Lock()
    another_came = threading.Event()

    def unshared(messages: Any) -> str:
        if not inside.acquire(blocking=False):
            another_came.set()
            raise RuntimeError("Already borrowed")
        another_came.wait(0.02)  # gives the others time to come, which they only do where several call at once
        inside.release()
        return "The sky is blue."

    found = finding(examine(unshared, timeout=10), "answers several callers at once")

    assert found.held is False
    assert "unshared() raised RuntimeError: Already borrowed" in found.what
    assert found.mend == "put a lock around what is shared"


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ([TextDelta("a"), Finish(), TextDelta("b")], "choice 0 goes on after its end"),
        ([TextDelta("a", 1), Finish(choice=1)], "the choices are numbered 1, and not from 0 up"),
        ([TextDelta("a")], "the answer stops before its end"),
    ],
)
def test_events_out_of_order_are_caught(events: Any, what: str) -> None:
    found = finding(examine(ScriptedModel(events)), "streams its answer in order")

    assert (found.held, found.what) == (False, what)


def test_answers_that_differ_are_not_held_against_a_model() -> None:
    count = itertools.count()

    found = finding(examine(lambda messages: f"blue {next(count)}"), "streams what it answers as a whole")

    assert found.held is None


def test_a_model_that_was_made_here_is_closed_here_and_any_other_is_left_open() -> None:
    closed = []

    class Holding(Native):
        async def aclose(self) -> None:
            closed.append(self)

    made, kept = examine(Holding), examine(Holding())

    assert len(closed) == 1
    assert finding(made, "frees what it holds").held is True
    assert "frees what it holds" not in {each.promise for each in kept.findings}


def test_an_object_that_cannot_even_be_looked_at_is_a_finding() -> None:
    class Thorny:
        @property
        def stream(self) -> Any:
            raise RuntimeError("not yet")

    report = examine(Thorny())

    assert (report.held, report.findings[0].what) == (False, "RuntimeError: not yet")


def test_a_model_already_made_is_examined_as_it_is() -> None:
    report = examine(as_model(function, name="sky"))

    assert (report.model, report.contract, report.held) == ("sky", "function", True)


def test_a_model_of_modelports_own_is_examined_too() -> None:
    report = examine(ScriptedModel(reply("The sky ", "is blue."), name="scripted", accepts=()))

    assert (report.model, report.contract, report.held) == ("scripted", "model", True)


def test_a_report_is_data_that_json_takes() -> None:
    data = json.loads(json.dumps(examine(function).to_data()))

    assert {"model", "contract", "held", "seconds", "findings"} == data.keys()
    assert data["findings"][0] == {
        "promise": "is a model",
        "held": True,
        "what": "recognised as a function",
        "mend": "",
    }


def test_a_class_that_answers_one_request_of_a_batch_only_is_found_out() -> None:
    class First:
        name = "first"

        def generate_batch(self, requests: Any) -> Any:
            yield 0, "The sky is blue today."

    found = finding(examine(First), "answers several requests as a batch")

    assert (found.held, found.what) == (False, "of 3 requests, number 1 got nothing")


class Vectors:
    """Embeds, and answers nothing."""

    name = "vectors"

    def embed(self, texts: list[str]) -> Any:
        return [[float(len(text)), 1.0] for text in texts]


def test_a_class_of_vectors_is_held_to_what_it_promises() -> None:
    report = examine(Vectors)

    assert report.broken == ()
    assert finding(report, "gives vectors of texts").what == "of 2 numbers each, the same for the same text"
    assert finding(report, "answers a simple message").what == "not tried: it gives vectors, and answers no messages"
    assert finding(report, "has a name that stays").held is True


def test_vectors_that_are_none_or_left_to_chance_are_found_out() -> None:
    class Short(Vectors):
        def embed(self, texts: list[str]) -> Any:
            return [[1.0]]

    class Chance(Vectors):
        def embed(self, texts: list[str]) -> Any:
            return [[float(number)] for number, _ in enumerate(texts)]

    found = finding(examine(Short), "gives vectors of texts")
    assert (found.held, "1 vectors for 3 texts" in found.what) == (False, True)
    assert finding(examine(Chance), "gives vectors of texts").held is None
