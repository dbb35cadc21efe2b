"""What a client is told to call: a config list, a model, or what the settings say. Gives entries as dicts."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from modelport.config.config_list import read_config_list, with_fields
from modelport.config.settings import read_settings
from modelport.errors import ConfigError

__all__ = ("given_entries",)

_DEFAULTS = ("temperature", "max_tokens", "seed", "timeout", "max_retries")


def given_entries(config_list: Any, model: Any, fields: Mapping[str, Any]) -> Sequence[Any]:
    """The entries, each with those of *fields* that it does not have; from the settings where neither is given.

    Raises:
        ConfigError: both are given, or none and the settings name neither a config list nor a model.
    """
    if config_list is not None and model is not None:
        raise ConfigError("give either a config_list or a model, not both", param="config_list")
    if model is not None:
        return [{**fields, "model": model}]
    if config_list is None:
        config_list, fields = _from_settings(fields)
    listed: Sequence[Any] = read_config_list(config_list)
    return [with_fields(each, fields) if isinstance(each, Mapping) else each for each in listed]


def _from_settings(fields: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    settings = read_settings()
    known: dict[str, Any] = asdict(settings)
    fields = {**{name: known[name] for name in _DEFAULTS if known[name] is not None}, **fields}
    if settings.config_list is not None:
        return settings.config_list, fields
    spec = settings.spec
    if spec is None:
        raise ConfigError(
            "no model is named: give a config_list or a model, or set MODELPORT_CONFIG_LIST, MODELPORT_PROVIDER or "
            "MODELPORT_MODEL_SERVER (or the same in modelport.toml)",
            param="config_list",
        )
    key = {"api_key": settings.api_key} if settings.api_key is not None and spec.startswith("remote:") else {}
    return [{"spec": spec, **key}], fields
