"""Calling the models of a config list: AutoGen's ``OpenAIWrapper``, grown up."""

from modelport.client.client import Client
from modelport.client.responses import Answer, AsyncStream, Chunk, Stream

__all__ = ("Answer", "AsyncStream", "Chunk", "Client", "Stream")
