"""An entry's model: found, checked against its options, and made. Knows neither wrappers nor registered classes."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from modelport.config.construct import construct_for, misfit, opened, takes
from modelport.config.entry import Entry
from modelport.config.roots import roots_for
from modelport.config.settings import read_settings
from modelport.config.spec import PROVIDERS, Target, locate
from modelport.errors import ConfigError, LoadError, ModelportError, NotRegistered
from modelport.model import Model
from modelport.secret import Secret, redact, sounds_secret

__all__ = ("MissingProvider", "locate_entry", "missing_key", "open_entry")


class MissingProvider(ConfigError):
    """An entry names an API that no provider here speaks."""


def open_entry(entry: Entry, *, models_dir: str | PathLike[str] | None = None) -> Model:
    """The model that *entry* names, bare of wrappers. A class in AutoGen's contract gets the whole entry.

    Raises:
        NotRegistered: it names a class that has to be registered.
        ConfigError: its key is missing, or it names no provider that there is.
        LoadError, ModelNotFound, NotAModel: as :func:`modelport.load`; the entry is named.
    """
    try:
        target = locate_entry(entry, models_dir=models_dir)
        missing = missing_key(entry)
        if missing is not None:
            raise ConfigError(missing, param=f"config_list[{entry.index}].api_key")
        if target.opens:
            argument, options = _arguments(entry, target)
            return opened(target.thing, argument, options, where=target.where)
        problem = misfit(target.thing, entry.options, where=target.where, besides=entry.given)
        if problem is not None:
            raise LoadError(problem)
        return construct_for(target.thing, dict(entry.given), where=target.where, file=target.file)
    except ModelportError as error:
        if error.message.startswith("config_list["):
            raise
        told = f"{entry.label}: {error.message}"
        message = redact(told, _secrets(entry))
        cause = error if message == told else None  # a traceback would tell what was just taken out
        raise type(error)(message, param=error.param) from cause


def _secrets(entry: Entry) -> list[Secret | str | None]:
    """What a constructor that was given it may repeat in its complaint."""
    named = [value for name, value in entry.given.items() if sounds_secret(name) and isinstance(value, Secret | str)]
    return [entry.api_key, *named]


def locate_entry(entry: Entry, *, models_dir: str | PathLike[str] | None = None) -> Target:
    """What *entry* names, found and not made; raises as :func:`open_entry` does."""
    if entry.source == "registered":
        raise NotRegistered(
            f"{entry.label}: the class {entry.model_client_cls} must be registered before it is used: "
            f"client.register_model_client({entry.model_client_cls})"
        )
    if entry.source != "api":
        roots = None
        if entry.origin is not None:
            settings = read_settings(models_dir=models_dir)
            roots = roots_for(entry.origin.path, settings.models_dir, *settings.code_roots)
        return locate(entry.thing, models_dir=models_dir, roots=roots)
    name = (entry.api_type or "openai").partition("_")[0]
    if name not in PROVIDERS:
        raise MissingProvider(
            f"{entry.label}: its API needs the provider {name!r}, and there are: "
            f"{', '.join(PROVIDERS.names()) or 'none'}; for a model behind modelport serve, add provider='remote'",
            param=f"config_list[{entry.index}].api_type",
        )
    return Target(PROVIDERS.load(name), name, opens=True)


def missing_key(entry: Entry) -> str | None:
    """What to do about a key that *entry* asks for by its variable and does not have; None where nothing is amiss."""
    if entry.api_key_env is not None and entry.api_key is None:
        return f"{entry.label}: its key is missing: set the environment variable {entry.api_key_env}"
    return None


def _arguments(entry: Entry, target: Target) -> tuple[str | None, Mapping[str, Any]]:
    """What a runtime's or provider's ``load(argument, **options)`` is called with.

    An address reaches one that names no ``base_url`` as the argument; the model's name is then an option.
    """
    options = dict(entry.options)
    argument = target.argument if target.argument is not None else (entry.model if entry.source != "spec" else None)
    reach = {"api_key": entry.api_key, "api_version": entry.api_version}
    options |= {name: value for name, value in reach.items() if value is not None}
    if entry.base_url is not None:
        if takes(target.thing, "base_url"):
            options["base_url"] = entry.base_url
        else:
            options |= {"model": argument} if argument is not None else {}
            argument = entry.base_url
    return argument, options
