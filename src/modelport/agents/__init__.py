"""Agents: conversations between models, tools, code and people."""
