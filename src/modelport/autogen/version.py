"""AutoGen 0.2's ``autogen.version``: the version whose names and behaviour are mirrored. Ours is ``modelport``'s."""

from modelport.autogen._absent import explain_absences

__all__ = ("__version__",)

__version__ = "0.2.40"

explain_absences(__name__)
