"""AutoGen 0.2's ``autogen.cache.in_memory_cache``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.client.object_caches import InMemoryCache

__all__ = ("InMemoryCache",)

explain_absences(__name__)
