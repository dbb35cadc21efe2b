"""What users wrote, as models: functions, AutoGen's and AgentStudio's classes, and classes that stream themselves."""

from modelport.adapters.agentstudio import AgentStudioModel
from modelport.adapters.autogen import ModelClientModel
from modelport.adapters.door import Contract, as_model, construct, contract_of
from modelport.adapters.function import FunctionModel
from modelport.adapters.native import NativeModel

__all__ = (
    "AgentStudioModel",
    "Contract",
    "FunctionModel",
    "ModelClientModel",
    "NativeModel",
    "as_model",
    "construct",
    "contract_of",
)
