"""One examination: the thing is made a model, asked a simple question, and then held to each promise in turn."""

import time
from typing import Any

from modelport.adapters import as_model, contract_of
from modelport.adapters.contract import type_name
from modelport.config import load
from modelport.conformance.checks import CHECKS, WITHOUT_MESSAGES, answers_batches, gives_vectors
from modelport.conformance.report import Finding, Report
from modelport.conformance.subject import Subject
from modelport.errors import ModelportError
from modelport.model import Model, embeds

__all__ = ("examine",)


def examine(thing: Any, *, timeout: float = 30.0, name: str | None = None) -> Report:
    """What became of each promise of the contract that *thing* is written to.

    *thing* is a model, whatever :func:`modelport.as_model` takes, or the spec of one as text. It is really asked, about
    twenty times, with a few words each; *timeout* is in seconds, for each answer. Nothing is raised for a broken model:
    that is what the findings are for.

    In a test::

        def test_my_model_keeps_its_contract() -> None:
            assert examine(MyModel).broken == ()
    """
    began = time.monotonic()
    contract: str | None = None
    try:
        model, contract = _model_of(thing, name)
    except Exception as error:
        message = str(error) if isinstance(error, ModelportError) else f"{type(error).__name__}: {error}"
        finding = Finding("is a model", False, message, _mend_in(message))
        return _report(_label(thing, name), contract, [finding], began)
    subject = Subject(model, contract, timeout)
    findings = [Finding("is a model", True, f"recognised as {_CONTRACTS.get(contract, contract)}")]
    silent = embeds(model) and not getattr(model, "streams", True) and getattr(model, "batches", None) is None
    for promise, check in CHECKS:
        if silent and promise not in WITHOUT_MESSAGES:
            findings.append(Finding(promise, None, "not tried: it gives vectors, and answers no messages"))
            continue
        if subject.answers is False:
            findings.append(Finding(promise, None, "not tried: a simple message was not answered"))
            continue
        findings.append(_tried(promise, check, subject))
    if getattr(model, "batches", None) is not None and subject.answers:
        findings.append(_tried("answers several requests as a batch", answers_batches, subject))
    if embeds(model):
        findings.append(_tried("gives vectors of texts", gives_vectors, subject))
    if isinstance(thing, str | type) and hasattr(model, "aclose"):  # it was made here
        findings.append(_tried("frees what it holds", _frees, subject))
    return _report(model.name, contract, findings, began)


_CONTRACTS = {
    "native": "a class with stream(), generate_batch() or embed()",
    "modelclient": "AutoGen's ModelClient",
    "agentstudio": "AgentStudio's BaseModel",
    "function": "a function",
    "model": "a model of modelport's own",
}


def _model_of(thing: Any, name: str | None) -> tuple[Model, str]:
    model = load(thing) if isinstance(thing, str) else as_model(thing, name=name)
    target = getattr(model, "target", None)
    return model, "model" if target is None else contract_of(target)


def _tried(promise: str, check: Any, subject: Subject) -> Finding:
    try:
        held, what, mend = check(subject)
    except Exception as error:
        message = str(error) or type(error).__name__
        return Finding(promise, False, message, _mend_in(message))
    return Finding(promise, held, what, mend)


def _frees(subject: Subject) -> tuple[bool, str, str]:
    subject.close()
    return True, "when it is closed", ""


def _mend_in(message: str) -> str:
    """The part of one of our sentences that says what to do."""
    _, colon, mend = message.rpartition(": ")
    if " raised " in message:
        return "mend what raised it"
    return mend if colon and mend.count("(") == mend.count(")") else ""


def _label(thing: Any, name: str | None) -> str:
    return name or (thing if isinstance(thing, str) else type_name(thing))


def _report(model: str, contract: str | None, findings: list[Finding], began: float) -> Report:
    return Report(model=model, contract=contract, findings=tuple(findings), seconds=time.monotonic() - began)
