"""Settings: what is given in code, else ``MODELPORT_*``, else ``modelport.toml``, else the default.

``modelport.toml`` is looked for in the working directory and upward; ``MODELPORT_CONFIG`` names another file. Each
value remembers where it came from. Nothing is read until :func:`read_settings` is called.
"""
# Paths are text here, as the user wrote them and reads them again.
# ruff: noqa: PTH100, PTH109, PTH111, PTH112, PTH113, PTH118, PTH120, PTH123

import os
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct, ValidationError, convert

from modelport.config.config_list import Origin, ReadEntry
from modelport.errors import ConfigError
from modelport.registry import did_you_mean
from modelport.secret import MASK, Secret
from modelport.types.complaints import translate_validation

__all__ = ("DEFAULT_MODELS_DIR", "Settings", "models_directory", "read_settings", "settings_file")

DEFAULT_MODELS_DIR = "models"
_PREFIX = "MODELPORT_"
_FILE = "modelport.toml"
# Read by others, or not settings: MODELPORT_CONFIG says where the file is.
_NOT_SETTINGS = frozenset({"allow_env", "api_keys", "command", "config"})  # read where they belong


class Settings(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """The settings, each None where it is not set and left to whoever uses it.

    ``sources`` says of each value that is set where it came from, in words; relative paths of the file are made
    absolute from the file's folder.
    """

    provider: str | None = None  # a spec, as load() takes it
    models_dir: str = DEFAULT_MODELS_DIR
    model_server: str | None = None  # http://host:port
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_retries: Annotated[int, Meta(ge=0, le=1000)] | None = None
    timeout: Annotated[float, Meta(gt=0)] | None = None  # seconds
    seed: int | None = None
    api_key: Secret | None = None
    config_list: str | list[dict[str, Any]] | None = None  # JSON, a path, or the entries themselves
    code_roots: tuple[str, ...] = ()  # folders whose code a config list from a file or a variable may name
    keys_file: str | None = None  # the API keys that ``modelport serve`` asks for
    tls_fingerprint: str | None = None  # of the certificate that ``model_server`` must have
    sources: dict[str, str] = {}

    def __repr__(self) -> str:
        return (
            f"Settings({', '.join(f'{name}={value!r}' for name, value in self.shown().items() if value is not None)})"
        )

    @property
    def spec(self) -> str | None:
        """The one model that the settings name: the model server, or the provider; None where they name none."""
        if self.model_server and self.provider in {None, "remote"}:
            return f"remote:{self.model_server.rstrip('/')}"
        return self.provider

    def shown(self) -> dict[str, Any]:
        """The values for people and for JSON: set ones and defaults, secrets masked."""
        values = {name: getattr(self, name) for name in NAMES}
        values["api_key"] = None if self.api_key is None else MASK
        if isinstance(self.config_list, list):
            values["config_list"] = f"{len(self.config_list)} entries"
        elif self.config_list is not None and self.config_list.lstrip().startswith(("[", "{")):
            values["config_list"] = "JSON text"
        return values


NAMES = tuple(name for name in Settings.__struct_fields__ if name != "sources")


class _Given(NamedTuple):
    value: Any
    source: str


def read_settings(*, environ: Mapping[str, str] | None = None, cwd: str | None = None, **explicit: Any) -> Settings:
    """The settings as they are now; *explicit* ones (None: not given) come before all others.

    Raises:
        ConfigError: an unknown name or a wrong value; names it, where it came from, and what is near.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, _Given] = {}
    path = settings_file(environ=environ, cwd=cwd)
    if path is not None:
        values |= _from_file(path)
    values |= _from_environment(environ)
    for name, value in explicit.items():
        if name not in NAMES:
            raise ConfigError(f"no setting is called {name!r}{did_you_mean(name, NAMES)}", param=name)
        if value is not None:
            values[name] = _Given(os.fspath(value) if isinstance(value, os.PathLike) else value, "given in code")
    return _settings(values)


def settings_file(*, environ: Mapping[str, str] | None = None, cwd: str | None = None) -> str | None:
    """The path of the settings file, or None where there is none.

    Raises:
        ConfigError: ``MODELPORT_CONFIG`` names a file that is not there.
    """
    environ = os.environ if environ is None else environ
    named = environ.get("MODELPORT_CONFIG")
    if named:
        path = os.path.abspath(os.path.join(cwd or "", os.path.expanduser(named)))
        if not os.path.isfile(path):
            raise ConfigError(f"MODELPORT_CONFIG names {named}, and there is no such file", param="MODELPORT_CONFIG")
        return path
    folder = os.path.abspath(cwd or os.getcwd())
    while True:
        path = os.path.join(folder, _FILE)
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def models_directory(given: str | os.PathLike[str] | None = None) -> str | None:
    """The models directory: *given*, else the setting; None where it is the default one and is not there.

    Raises:
        ConfigError: one was asked for by name that is no directory.
    """
    settings = None if given is not None else read_settings()
    directory = os.fspath(given) if given is not None else settings.models_dir if settings else DEFAULT_MODELS_DIR
    directory = os.path.expanduser(directory)
    if os.path.isdir(directory):
        return directory
    source = "given in code" if settings is None else settings.sources.get("models_dir")
    if source is None:
        return None
    raise ConfigError(f"models_dir is {directory!r} ({source}), and there is no such directory", param="models_dir")


def _from_file(path: str) -> dict[str, _Given]:
    import tomllib

    try:
        with open(path, "rb") as file:
            data = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not readable as TOML: {error}", param="modelport.toml") from None
    values = {}
    for key, value in data.items():
        name = key.replace("-", "_")
        if name not in NAMES:
            raise ConfigError(
                f"{path}: no setting is called {key!r}{did_you_mean(name, NAMES)} (there are: {', '.join(NAMES)})",
                param=key,
            )
        values[name] = _Given(_from_folder(name, value, path), path)
    return values


def _from_folder(name: str, value: Any, path: str) -> Any:
    """A *value* of the file at *path*, its relative paths made absolute, its entries marked as read."""
    folder = os.path.dirname(path)
    if name in {"models_dir", "keys_file"} and isinstance(value, str):
        return os.path.join(folder, os.path.expanduser(value))
    if name == "code_roots" and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return [os.path.join(folder, os.path.expanduser(each)) for each in value]
    if name == "config_list" and isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return [ReadEntry(each, Origin(path, path)) for each in value]
    return value


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    values = {}
    for variable, value in environ.items():
        if not variable.upper().startswith(_PREFIX):
            continue
        name = variable[len(_PREFIX) :].lower()
        if name in NAMES and value.strip():
            values[name] = _Given(value.split(os.pathsep) if name == "code_roots" else value, variable)
        elif name not in NAMES and name not in _NOT_SETTINGS:
            known = [_PREFIX + each.upper() for each in NAMES]
            raise ConfigError(
                f"{variable} is no setting{did_you_mean(variable, known)} (there are: {', '.join(known)})",
                param=variable,
            )
    return values


def _settings(values: Mapping[str, _Given]) -> Settings:
    plain: dict[str, Any] = {}
    for name, given in values.items():
        if name == "api_key":
            plain[name] = _secret(given)
            continue
        if name == "config_list" and isinstance(given.value, list) and all(isinstance(x, dict) for x in given.value):
            plain[name] = given.value  # by reference: entries may hold objects
            continue
        # Text from the environment is read as the number that it is for.
        lax = isinstance(given.value, str)
        try:
            plain[name] = convert(given.value, _TYPES[name], strict=not lax)
        except ValidationError as error:
            # Numbers and what should have been numbers are repeated; a list of entries may hold keys.
            came = repr(given.value) if isinstance(given.value, str | int | float) else type(given.value).__name__
            wanted = translate_validation(error, name).message.partition(", got ")[0].removeprefix(f"{name} ")
            raise ConfigError(f"{name} is {came} ({given.source}): {wanted}", param=name) from None
    return Settings(**plain, sources={name: given.source for name, given in values.items()})


def _secret(given: _Given) -> Secret:
    if not isinstance(given.value, str | Secret):
        raise ConfigError(f"api_key must be text, got {type(given.value).__name__} ({given.source})", param="api_key")
    return Secret(given.value)


_TYPES = {name: Settings.__annotations__[name] for name in NAMES}
