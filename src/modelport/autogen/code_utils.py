"""AutoGen 0.2's ``autogen.code_utils``: names only."""

from modelport.agents.code_execution import (
    CODE_BLOCK_PATTERN,
    DEFAULT_MODEL,
    DEFAULT_TIMEOUT,
    FAST_MODEL,
    PYTHON_VARIANTS,
    TIMEOUT_MSG,
    UNKNOWN,
    WORKING_DIR,
    check_can_use_docker_or_throw,
    content_str,
    create_virtual_env,
    decide_use_docker,
    execute_code,
    extract_code,
    in_docker_container,
    infer_lang,
    is_docker_running,
)
from modelport.autogen._absent import explain_absences

__all__ = (
    "CODE_BLOCK_PATTERN",
    "DEFAULT_MODEL",
    "DEFAULT_TIMEOUT",
    "FAST_MODEL",
    "PYTHON_VARIANTS",
    "TIMEOUT_MSG",
    "UNKNOWN",
    "WORKING_DIR",
    "check_can_use_docker_or_throw",
    "content_str",
    "create_virtual_env",
    "decide_use_docker",
    "execute_code",
    "extract_code",
    "in_docker_container",
    "infer_lang",
    "is_docker_running",
)

explain_absences(__name__)
