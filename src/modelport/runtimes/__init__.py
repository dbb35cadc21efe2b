"""Models that run on this machine. One file each: ``load(argument, **options)`` gives a model. Knows no server."""

__all__: tuple[str, ...] = ()
