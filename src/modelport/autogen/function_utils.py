"""AutoGen 0.2's ``autogen.function_utils``: names only."""

from modelport.agents.tools.schemas import (
    Function,
    Parameters,
    ToolFunction,
    get_function_schema,
    get_parameter_json_schema,
    get_parameters,
)
from modelport.agents.tools.signatures import (
    get_default_values,
    get_missing_annotations,
    get_param_annotations,
    get_required_params,
    get_typed_annotation,
    get_typed_return_annotation,
    get_typed_signature,
)
from modelport.agents.tools.values import load_basemodels_if_needed, serialize_to_str
from modelport.autogen._absent import explain_absences

__all__ = (
    "Function",
    "Parameters",
    "ToolFunction",
    "get_default_values",
    "get_function_schema",
    "get_missing_annotations",
    "get_param_annotations",
    "get_parameter_json_schema",
    "get_parameters",
    "get_required_params",
    "get_typed_annotation",
    "get_typed_return_annotation",
    "get_typed_signature",
    "load_basemodels_if_needed",
    "serialize_to_str",
)

explain_absences(__name__)
