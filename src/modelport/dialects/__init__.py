"""Wire formats. One file each, found by name; both directions, no I/O."""

from modelport.dialects.base import Asked, Dialect, StreamDecoder, StreamEncoder

__all__ = ("Asked", "Dialect", "StreamDecoder", "StreamEncoder")
