"""AutoGen 0.2's ``autogen.coding.func_with_reqs``: names only."""

from modelport.agents.code_execution import (
    Alias,
    FunctionWithRequirements,
    FunctionWithRequirementsStr,
    ImportFromModule,
    to_stub,
    with_requirements,
)
from modelport.agents.code_execution.functions import Import
from modelport.autogen._absent import explain_absences

__all__ = (
    "Alias",
    "FunctionWithRequirements",
    "FunctionWithRequirementsStr",
    "Import",
    "ImportFromModule",
    "to_stub",
    "with_requirements",
)

explain_absences(__name__)
