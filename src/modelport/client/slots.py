"""The entries of one client and the models in them: filled when the client is made, or when a class is registered."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from modelport.config.assembly import Limits, assemble, registered_model
from modelport.config.entry import Entry
from modelport.config.opening import open_entry
from modelport.errors import ConfigError
from modelport.model import Model
from modelport.storage.cache import Cache, open_cache
from modelport.wrappers.metering import Record

__all__ = ("Slot",)

_OF_A_CALL = ("stream", "context", "agent")


class Slot:
    """One entry, and its model once there is one. ``waiting_for`` is the name of a class still to be registered."""

    def __init__(self, entry: Entry, cache: Cache | None, record: Record) -> None:
        for name in _OF_A_CALL:
            if entry.call.get(name) is not None:
                raise ConfigError(f"{entry.label}: {name} is an argument of create(), not of an entry", param=name)
        self.entry = entry
        self.label: str = entry.label
        self.filter_func: Any | None = entry.call.get("filter_func")
        self.allow_format_str_template: Any | None = entry.call.get("allow_format_str_template")
        self.bare: Model | None = None
        self.model: Model | None = None
        self.waiting_for: str | None = entry.model_client_cls if entry.source == "registered" else None
        self._cache = open_cache(entry.call["cache"]) if entry.call.get("cache") is not None else cache
        self._record = record
        self.limits: Limits = Limits(entry)
        self._lately: tuple[Cache | None, float | None, Model] | None = None
        if self.waiting_for is None:
            self._fill(open_entry(entry))

    def register(self, cls: type, arguments: Mapping[str, Any]) -> None:
        """Make the entry's model: an object of *cls*."""
        self._fill(registered_model(self.entry, cls, arguments))
        self.waiting_for = None

    def _fill(self, bare: Model) -> None:
        self.bare = bare
        self._lately = None
        self.model = self._assembled(self.entry, self._cache)

    def model_for(self, cache: Cache | None, timeout: float | None) -> Model:
        """The entry's model with what one call has in place of the entry's own *cache* and *timeout*, where given."""
        assert self.model is not None
        if cache is None and timeout is None:
            return self.model
        lately = self._lately
        if lately is None or lately[0] is not cache or lately[1] != timeout:
            entry = self.entry if timeout is None else replace(self.entry, timeout=timeout)
            lately = (cache, timeout, self._assembled(entry, self._cache if cache is None else cache))
            self._lately = lately
        return lately[2]

    def _assembled(self, entry: Entry, cache: Cache | None) -> Model:
        assert self.bare is not None
        return assemble(entry, self.bare, cache=cache, record=self._record, limits=self.limits)
