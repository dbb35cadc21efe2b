"""AutoGen 0.2's ``autogen.cache.abstract_cache_base``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.client.object_caches import AbstractCache

__all__ = ("AbstractCache",)

explain_absences(__name__)
