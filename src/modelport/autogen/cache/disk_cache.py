"""AutoGen 0.2's ``autogen.cache.disk_cache``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.client.object_caches import DiskCache

__all__ = ("DiskCache",)

explain_absences(__name__)
