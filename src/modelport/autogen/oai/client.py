"""AutoGen 0.2's ``autogen.oai.client``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.client.openai_wrapper import OpenAIWrapper
from modelport.client.protocol import ModelClient

__all__ = (
    "ModelClient",
    "OpenAIWrapper",
)

explain_absences(__name__)
