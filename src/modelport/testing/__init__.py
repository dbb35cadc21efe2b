"""For tests of models and of what uses them. Nothing else in modelport imports this."""

from modelport.testing.scripted import ScriptedModel, reply

__all__ = ("ScriptedModel", "reply")
