"""AutoGen 0.2's ``autogen.coding.docker_commandline_code_executor``: names only."""

from modelport.agents.code_execution import DockerCommandLineCodeExecutor
from modelport.autogen._absent import explain_absences

__all__ = ("DockerCommandLineCodeExecutor",)

explain_absences(__name__)
