"""Who asks, where somebody knows: whoever lets callers in says so, and what shares a model among them looks."""

from contextvars import ContextVar

__all__ = ("caller",)

caller: ContextVar[str | None] = ContextVar("modelport-caller", default=None)
"""The name of the caller's key, or None where there are no keys. Never the key itself."""
