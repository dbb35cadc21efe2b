"""Config lists as AutoGen 0.2 has them: where they are read from, and how they are filtered. Checks no entry.

The helpers keep the names, the parameters and the results that programs written for ``autogen.oai`` expect. Where those
fail obscurely, these say what was expected. Entries are handed on by reference.
"""
# Paths are text here, as the user wrote them and reads them again.
# ruff: noqa: PTH100, PTH110, PTH118, PTH123

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from modelport.errors import ConfigError

__all__ = (
    "Origin",
    "ReadEntry",
    "config_list_from_json",
    "filter_config",
    "listed_entries",
    "matches",
    "read_config_list",
    "with_fields",
)


class Origin(NamedTuple):
    """Where an entry was read: in words, and the file's path where it is one."""

    words: str
    path: str | None


class ReadEntry(dict[str, Any]):
    """An entry that was read and not written in code, which may therefore not name just any code. Otherwise a dict."""

    __slots__ = ("origin",)

    def __init__(self, entry: Mapping[str, Any], origin: Origin) -> None:
        super().__init__(entry)
        self.origin: Origin = origin

    def copy(self) -> "ReadEntry":
        """Another of the same origin."""
        return ReadEntry(self, self.origin)


def with_fields(entry: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """*entry* with those of *fields* that it does not have itself; where it was read is not forgotten."""
    whole = {**fields, **entry}
    return ReadEntry(whole, entry.origin) if isinstance(entry, ReadEntry) else whole


def filter_config(
    config_list: Iterable[dict[str, Any]],
    filter_dict: Mapping[str, Collection[Any]] | None,
    exclude: bool = False,
) -> list[dict[str, Any]]:
    """The entries that *filter_dict* accepts, by reference and in their order.

    It has a collection of accepted values for each field. A field that is a list (tags) is accepted where one of its
    items is; one that is missing or None never is, though None be listed. With *exclude*, the entries are left out of
    which any field is accepted. As AutoGen 0.2.40 does; but one text in place of the values is that one value.

    Raises:
        ConfigError: the filter is no dict of values.
    """
    if not filter_dict:
        return list(config_list)
    if not isinstance(filter_dict, Mapping):
        raise ConfigError(
            f"filter_dict must be a dict of field to accepted values, got {type(filter_dict).__name__}",
            param="filter_dict",
        )
    wanted = {field: _accepted(field, values) for field, values in filter_dict.items()}
    return [
        entry
        for entry in listed_entries(config_list)
        if all(matches(entry.get(field), values) != exclude for field, values in wanted.items())
    ]


def listed_entries(config_list: Any) -> list[Any]:
    """The entries of a list that should be one of dicts.

    Raises:
        ConfigError: it is none; says which entry is at fault.
    """
    if isinstance(config_list, str | bytes | Mapping) or not isinstance(config_list, Iterable):
        what = type(config_list).__name__
        raise ConfigError(f"config_list must be a list of dicts, got {what}", param="config_list")
    listed = list(config_list)
    for index, entry in enumerate(listed):
        if not isinstance(entry, Mapping):
            what = type(entry).__name__
            raise ConfigError(f"config_list[{index}] must be a dict, got {what}", param=f"config_list[{index}]")
    return listed


def matches(value: Any, accepted: Sequence[Any]) -> bool:
    """Whether a field's *value* is among the *accepted* ones, or one of its items is."""
    if value is None:
        return False
    if isinstance(value, list):
        return any(each in accepted for each in value)
    return value in accepted


def config_list_from_json(
    env_or_file: str | os.PathLike[str],
    file_location: str | None = "",
    filter_dict: Mapping[str, Collection[Any]] | None = None,
) -> list[dict[str, Any]]:
    """The config list in the environment variable *env_or_file* (JSON, or the path of a file with it), or in the file
    of that name in *file_location*, filtered.

    Raises:
        FileNotFoundError: there is neither such a variable nor such a file.
        ConfigError: it is not JSON, or not a list; says where.
    """
    given: Any = env_or_file
    if not isinstance(given, str | os.PathLike):
        what = type(given).__name__
        raise ConfigError(f"env_or_file must be a variable's name or a path, got {what}", param="env_or_file")
    env_or_file = os.fspath(env_or_file)
    value = os.environ.get(env_or_file)
    if value:
        source = Origin(f"the environment variable {env_or_file}", None)
        if _is_file(value):
            value, source = _text_of(value), Origin(f"{value} (named by {env_or_file})", value)
    else:
        path = env_or_file if file_location is None else os.path.join(file_location, env_or_file)
        if not os.path.exists(path):
            raise FileNotFoundError(
                2,
                f"no environment variable {env_or_file} is set, and there is no file of that name "
                f"in {os.path.abspath(file_location or '.')}: set one, or make the other",
                path,
            )
        value, source = _text_of(path), Origin(path, path)
    return filter_config(_parse(value, source), filter_dict)


def read_config_list(source: Any, *, filter_dict: Mapping[str, Collection[Any]] | None = None) -> list[dict[str, Any]]:
    """A config list from what people have: the list itself, one entry, JSON text, a path, a variable's name.

    Raises:
        ConfigError: it is none of those, or not a list.
        FileNotFoundError: there is neither a variable nor a file of that name.
    """
    if isinstance(source, os.PathLike):
        source = os.fspath(source)
    if isinstance(source, str):
        if source.lstrip().startswith(("[", "{")):
            return filter_config(_parse(source, Origin("config_list", None)), filter_dict)
        return config_list_from_json(source, filter_dict=filter_dict)
    if isinstance(source, Mapping):
        source = [source]
    if not isinstance(source, list | tuple):
        raise ConfigError(
            f"config_list must be a list of dicts, JSON, a path or a variable's name, got {type(source).__name__}",
            param="config_list",
        )
    return filter_config(source, filter_dict)


def _accepted(field: str, values: Any) -> Sequence[Any]:
    if isinstance(values, str):
        return (values,)
    if isinstance(values, Iterable):
        return list(values)
    raise ConfigError(
        f"filter_dict[{field!r}] must be a list of accepted values, got {type(values).__name__}: put it in a list",
        param=field,
    )


def _is_file(text: str) -> bool:
    try:
        return os.path.exists(text)
    except ValueError:  # a NUL byte
        return False


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path} is a directory: name the JSON file in it") from None


def _parse(text: str, origin: Origin) -> list[dict[str, Any]]:
    from json import JSONDecodeError, loads

    source = origin.words
    try:
        parsed = loads(text)
    except JSONDecodeError as error:
        # The text itself is not repeated: it is likely to hold keys.
        raise ConfigError(
            f"{source} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}", param="config_list"
        ) from None
    except RecursionError:
        raise ConfigError(f"{source} is not a config list: nested too deeply", param="config_list") from None
    if isinstance(parsed, dict):
        parsed = [parsed]
    if not isinstance(parsed, list):
        raise ConfigError(f"{source} must hold a list of entries, and holds {_json_kind(parsed)}", param="config_list")
    for index, entry in enumerate(parsed):
        if not isinstance(entry, dict):
            raise ConfigError(
                f"{source}: entry {index} must be an object, and is {_json_kind(entry)}", param=f"config_list[{index}]"
            )
    return [ReadEntry(entry, origin) for entry in parsed]


def _json_kind(value: Any) -> str:
    return {str: "text", list: "a list", bool: "true or false", type(None): "null"}.get(type(value), "a number")
