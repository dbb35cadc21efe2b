"""Config lists out of API keys: key files, environment variables, ``.env``. The helpers of AutoGen 0.2 by their names.

They give plain dicts with plain keys, as programs written for ``autogen.oai`` expect. Each reads the environment only
when it is called. Two things are better here: ``.env`` is looked for from the working directory upward, not from the
library's own folder, and no argument of the caller's is changed.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from modelport.config.config_list import filter_config
from modelport.errors import ConfigError

__all__ = (
    "DEFAULT_AZURE_API_VERSION",
    "config_list_from_dotenv",
    "config_list_from_models",
    "config_list_gpt4_gpt35",
    "config_list_openai_aoai",
    "get_config",
    "get_config_list",
)

DEFAULT_AZURE_API_VERSION = "2024-02-01"
_DEFAULT_MODELS = ("gpt-4", "gpt-3.5-turbo")
_DEFAULT_VARIABLE = "OPENAI_API_KEY"


def get_config(
    api_key: str | None, base_url: str | None = None, api_type: str | None = None, api_version: str | None = None
) -> dict[str, Any]:
    """One entry. *base_url*, *api_type* and *api_version* may each be the name of a variable that holds it."""
    entry: dict[str, Any] = {"api_key": api_key}
    for field, value in (("base_url", base_url), ("api_type", api_type), ("api_version", api_version)):
        if value:
            entry[field] = os.environ.get(value, value)
    return entry


def get_config_list(
    api_keys: list[str],
    base_urls: list[str] | None = None,
    api_type: str | None = None,
    api_version: str | None = None,
) -> list[dict[str, Any]]:
    """An entry for each of *api_keys* that is not blank, with the base URL in the same place of *base_urls*.

    Raises:
        ConfigError: there are not as many base URLs as keys.
    """
    if base_urls is not None and len(api_keys) != len(base_urls):
        raise ConfigError(
            f"base_urls must have one address for each of the {len(api_keys)} api_keys, and has {len(base_urls)}",
            param="base_urls",
        )
    found = []
    for index, key in enumerate(api_keys):
        if key.strip():
            entry: dict[str, Any] = {"api_key": key}
            if base_urls:
                entry["base_url"] = base_urls[index]
            if api_type:
                entry["api_type"] = api_type
            if api_version:
                entry["api_version"] = api_version
            found.append(entry)
    return found


def config_list_openai_aoai(
    key_file_path: str | None = ".",
    openai_api_key_file: str | None = "key_openai.txt",
    aoai_api_key_file: str | None = "key_aoai.txt",
    openai_api_base_file: str | None = "base_openai.txt",
    aoai_api_base_file: str | None = "base_aoai.txt",
    exclude: str | None = None,
) -> list[dict[str, Any]]:
    """Entries for OpenAI's and then for Azure's keys, one a line in the key files or in the environment.

    A file that is there replaces its variable (``OPENAI_API_KEY``, ``OPENAI_API_BASE``, ``AZURE_OPENAI_API_KEY``,
    ``AZURE_OPENAI_API_BASE``) in this process's environment. *exclude* is ``"openai"`` or ``"aoai"``.

    Raises:
        ConfigError: a kind of key has not as many addresses as keys.
    """
    files = []
    if exclude != "openai":
        files += [("OPENAI_API_KEY", openai_api_key_file), ("OPENAI_API_BASE", openai_api_base_file)]
    if exclude != "aoai":
        files += [("AZURE_OPENAI_API_KEY", aoai_api_key_file), ("AZURE_OPENAI_API_BASE", aoai_api_base_file)]
    for variable, file in files:
        if key_file_path is not None and file is not None:
            _into_environment(variable, Path(key_file_path, file))
    found: list[dict[str, Any]] = []
    if exclude != "openai":
        addresses = _lines("OPENAI_API_BASE") if "OPENAI_API_BASE" in os.environ else None
        found += get_config_list(_lines("OPENAI_API_KEY"), addresses)
    if exclude != "aoai":
        keys, addresses = _lines("AZURE_OPENAI_API_KEY"), _lines("AZURE_OPENAI_API_BASE")
        found += get_config_list(keys, addresses, "azure", DEFAULT_AZURE_API_VERSION)
    return found


def config_list_from_models(
    key_file_path: str | None = ".",
    openai_api_key_file: str | None = "key_openai.txt",
    aoai_api_key_file: str | None = "key_aoai.txt",
    aoai_api_base_file: str | None = "base_aoai.txt",
    exclude: str | None = None,
    model_list: list[str] | None = None,
) -> list[dict[str, Any]]:
    """As :func:`config_list_openai_aoai`, each of its entries once for each model of *model_list*, model by model."""
    found = config_list_openai_aoai(
        key_file_path=key_file_path,
        openai_api_key_file=openai_api_key_file,
        aoai_api_key_file=aoai_api_key_file,
        aoai_api_base_file=aoai_api_base_file,
        exclude=exclude,
    )
    if not model_list:
        return found
    return [{**entry, "model": model} for model in model_list for entry in found]


def config_list_gpt4_gpt35(
    key_file_path: str | None = ".",
    openai_api_key_file: str | None = "key_openai.txt",
    aoai_api_key_file: str | None = "key_aoai.txt",
    aoai_api_base_file: str | None = "base_aoai.txt",
    exclude: str | None = None,
) -> list[dict[str, Any]]:
    """:func:`config_list_from_models` for ``gpt-4``, then ``gpt-3.5-turbo``."""
    return config_list_from_models(
        key_file_path, openai_api_key_file, aoai_api_key_file, aoai_api_base_file, exclude, list(_DEFAULT_MODELS)
    )


def config_list_from_dotenv(
    dotenv_file_path: str | os.PathLike[str] | None = None,
    model_api_key_map: Mapping[str, Any] | None = None,
    filter_dict: Mapping[str, Collection[Any]] | None = None,
) -> list[dict[str, Any]]:
    """An entry for each model of *model_api_key_map* whose key is in the environment or in the ``.env`` file.

    The map has, by model, the name of the variable with its key, or a dict with that as ``api_key_env_var`` and any of
    ``base_url``, ``api_type``, ``api_version``. ``gpt-4`` and ``gpt-3.5-turbo`` are added with ``OPENAI_API_KEY``. The
    file's variables are put into this process's environment; those already set are left as they are. A model without a
    key is left out with a warning.

    Raises:
        ConfigError: the map holds something else.
    """
    _load_dotenv(dotenv_file_path)
    found = []
    for model, value in {**(model_api_key_map or {}), **_missing_defaults(model_api_key_map)}.items():
        if isinstance(value, str):
            variable, rest = value, {}
        elif isinstance(value, Mapping):
            rest = dict(value)
            variable = rest.pop("api_key_env_var", _DEFAULT_VARIABLE)
        else:
            raise ConfigError(
                f"model_api_key_map[{model!r}] must be a variable's name or a dict, got {type(value).__name__}",
                param="model_api_key_map",
            )
        unknown = set(rest) - {"base_url", "api_type", "api_version"}
        if unknown:
            raise ConfigError(
                f"model_api_key_map[{model!r}] has {', '.join(sorted(unknown))}; it may have api_key_env_var, "
                "base_url, api_type and api_version",
                param="model_api_key_map",
            )
        key = os.environ.get(variable, "")
        if not key.strip():
            _warn("no key for model %s: set %s in the environment or in .env", model, variable)
            continue
        found.append({**get_config(key, **rest), "model": model})
    found = filter_config(found, filter_dict)
    if not found:
        _warn("no model of the config list has a key that the filter leaves")
    return found


def _missing_defaults(given: Mapping[str, Any] | None) -> dict[str, str]:
    return {model: _DEFAULT_VARIABLE for model in _DEFAULT_MODELS if model not in (given or {})}


def _load_dotenv(path: str | os.PathLike[str] | None) -> None:
    from dotenv import find_dotenv, load_dotenv

    if path is None or not os.fspath(path):
        path = find_dotenv(usecwd=True)
        if not path:
            _warn("there is no .env file here or above; keys are taken from the environment alone")
            return
    elif not Path(path).exists():
        _warn("there is no file %s; keys are taken from the environment alone", os.fspath(path))
        return
    load_dotenv(path)


def _into_environment(variable: str, file: Path) -> None:
    try:
        os.environ[variable] = file.read_text(encoding="utf-8-sig").strip()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read as text: {type(error).__name__}", param=variable) from None


def _lines(variable: str) -> list[str]:
    return os.environ.get(variable, "").split("\n")


def _warn(text: str, *values: str) -> None:
    import logging

    logging.getLogger(__name__).warning(text, *values)
