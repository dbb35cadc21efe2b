"""Models that run elsewhere, behind someone's HTTP API. One file each, found by name."""

__all__ = ()
