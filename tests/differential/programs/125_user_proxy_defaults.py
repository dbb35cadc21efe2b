"""What UserProxyAgent and AssistantAgent are by default: replies, descriptions, modes, limits."""

from autogen import AssistantAgent, ConversableAgent, UserProxyAgent
from support import attempt, report

ask = [{"role": "user", "content": "hello"}]


def proxy(**settings):
    return UserProxyAgent("user", code_execution_config=False, **{"human_input_mode": "NEVER", **settings})


report(
    default_reply=proxy().generate_reply(ask),
    text=proxy(default_auto_reply="later").generate_reply(ask),
    a_dict=proxy(default_auto_reply={"content": "later", "name": "me"}).generate_reply(ask),
    none=proxy(default_auto_reply=None).generate_reply(ask),
    descriptions=[proxy(human_input_mode=mode).description for mode in ("ALWAYS", "TERMINATE", "NEVER")],
    own_description=proxy(description="mine").description,
    unknown_mode=attempt(proxy, human_input_mode="SOMETIMES"),
    system_message=proxy().system_message,
    assistant=[
        AssistantAgent("a").description,
        AssistantAgent("a", system_message="Be brief.").description,
        AssistantAgent("a", description="brief").description,
        AssistantAgent("a").system_message == AssistantAgent.DEFAULT_SYSTEM_MESSAGE,
    ],
    conversable=[
        ConversableAgent("c").description,
        ConversableAgent("c").system_message,
        ConversableAgent("c").human_input_mode,
        ConversableAgent("c").llm_config,
        ConversableAgent("c").use_docker,
        ConversableAgent("c").code_executor,
        ConversableAgent("c").function_map,
        ConversableAgent("c").client,
        ConversableAgent("c").silent,
    ],
    user=[
        UserProxyAgent("u", code_execution_config={"use_docker": False}).use_docker,
        UserProxyAgent("u", code_execution_config=False).human_input_mode,
        UserProxyAgent("u", code_execution_config=False).llm_config,
    ],
    code_execution_of_wrong_type=attempt(ConversableAgent, "c", code_execution_config="yes"),
)
agent = ConversableAgent("c")
agent.description = "changed"
agent.update_system_message("changed too")
report(changed=[agent.description, agent.system_message], read_only=attempt(setattr, agent, "name", "d"))
