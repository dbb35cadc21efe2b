"""AutoGen 0.2's ``autogen.cache``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.autogen.cache.abstract_cache_base import AbstractCache
from modelport.autogen.cache.cache import Cache

__all__ = (
    "AbstractCache",
    "Cache",
)

explain_absences(__name__)
