"""AutoGen 0.2's ``autogen.cache.cache``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.client.seed_cache import Cache

__all__ = ("Cache",)

explain_absences(__name__)
