"""AutoGen 0.2's ``autogen.cache.cache_factory``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.client.object_caches import CacheFactory

__all__ = ("CacheFactory",)

explain_absences(__name__)
