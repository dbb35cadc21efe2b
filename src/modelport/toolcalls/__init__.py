"""Tool calls that a model writes as text, turned into events. Knows nothing of any wire format."""
