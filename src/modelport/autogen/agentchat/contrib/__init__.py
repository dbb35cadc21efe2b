"""AutoGen 0.2's ``autogen.agentchat.contrib``: agents for special purposes, all of which are left out and say so."""

from modelport.autogen._absent import explain_absences

__all__: tuple[str, ...] = ()

explain_absences(__name__)
