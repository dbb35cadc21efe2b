"""A model out of what a spec found: are its options right, and did its constructor work? Finds nothing itself."""

import inspect
from collections.abc import Mapping
from typing import Any

from modelport.adapters import as_model
from modelport.config.files import trouble
from modelport.errors import LoadError, ModelportError, NotAModel
from modelport.model import Model
from modelport.registry import did_you_mean

__all__ = ("construct", "construct_for", "misfit", "opened", "takes")


def construct(thing: Any, options: Mapping[str, Any], *, where: str, file: str | None = None) -> Model:
    """The model that *thing* (a class, an instance, a function) is, made with *options*.

    A class in AutoGen's contract gets all of them as its one argument, a dict; other classes get those as keywords.

    Raises:
        LoadError: the constructor failed, or does not take one of the options; names it.
        NotAModel: *thing* has no known shape.
    """
    problem = misfit(thing, options, where=where)
    if problem is not None:
        raise LoadError(problem)
    if isinstance(thing, type) and not _is_model_client(thing):
        return _made(thing, where, file, arguments=options)
    return _made(thing, where, file, config=options or None)


def construct_for(thing: Any, entry: Mapping[str, Any], *, where: str, file: str | None = None) -> Model:
    """The model that *thing* is, with what it takes of a config list's *entry*; raises as :func:`construct` does.

    A class in AutoGen's contract gets the whole entry; other classes those of its fields that they name.
    """
    return _made(thing, where, file, config=entry)


def _made(thing: Any, where: str, file: str | None, **given: Any) -> Model:
    try:
        return as_model(thing, **given)
    except LoadError as error:
        cause = error.__cause__
        if cause is None or file is None:
            raise
        raise LoadError(f"{where} could not be made: {trouble(cause, file)}") from cause


def misfit(
    thing: Any, options: Mapping[str, Any], *, where: str, besides: Mapping[str, Any] | None = None
) -> str | None:
    """Why *thing* cannot be made with *options*, or None where nothing is known against it. Makes nothing.

    *besides* are fields that it may take and need not.
    """
    if not isinstance(thing, type):
        if options:
            what = "a function" if inspect.isroutine(thing) else "made already"
            return f"{where} is {what} and takes no options, got {', '.join(options)}: leave them out"
        return None
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return None  # written in C: its own error will tell
    if _is_model_client(thing):
        return _config_misfit(signature, where)
    parameters = signature.parameters.values()
    names = [each.name for each in parameters if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}]
    takes_all = any(each.kind is each.VAR_KEYWORD for each in parameters)
    for option in options:
        if option not in names and not takes_all:
            takes = f"it takes {', '.join(names)}" if names else "it takes none"
            return f"{where} takes no option {option!r}{did_you_mean(option, names)} ({takes})"
    missing = [
        each.name
        for each in parameters
        if each.default is each.empty
        and each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}
        and each.name not in options
        and (besides is None or each.name not in besides)
    ]
    if missing:
        return f"{where} needs {', '.join(missing)}: give {'them' if len(missing) > 1 else 'it'} as options"
    return None


def opened(load: Any, argument: str | None, options: Mapping[str, Any], *, where: str) -> Model:
    """What a runtime's or a provider's ``load(argument, **options)`` gives.

    Raises:
        LoadError: it failed, or it takes no such option.
    """
    try:
        inspect.signature(load).bind(argument, **options)
    except TypeError as error:
        raise LoadError(f"{where}: {error}") from error
    except ValueError:
        pass  # written in C: its own error will tell
    try:
        return as_model(load(argument, **options))
    except NotAModel as error:
        raise LoadError(f"{where}: load() must return a model: {error.message}") from error
    except ModelportError:
        raise
    except Exception as error:
        file = getattr(getattr(load, "__code__", None), "co_filename", None)
        raise LoadError(f"{where} could not be loaded: {trouble(error, *([file] if file else []))}") from error


def takes(function: Any, name: str) -> bool:
    """Whether *function* names the parameter *name*."""
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _is_model_client(thing: type) -> bool:
    if callable(getattr(thing, "stream", None)) or callable(getattr(thing, "generate_response", None)):
        return False
    return callable(getattr(thing, "create", None)) and callable(getattr(thing, "message_retrieval", None))


def _config_misfit(signature: inspect.Signature, where: str) -> str | None:
    try:
        signature.bind({})
    except TypeError as error:
        return (
            f"{where}'s constructor must take the config entry, as in __init__(self, config, **kwargs): {error}; "
            "give the other parameters defaults"
        )
    return None
