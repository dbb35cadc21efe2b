"""Reply functions: every kind of trigger, their order, replacing one, and throwing out the rest."""

from autogen import Agent, AssistantAgent, ConversableAgent
from support import attempt, report

calls = []


def says(text, final=True):
    def reply(recipient, messages=None, sender=None, config=None):
        calls.append([text, recipient.name, sender and sender.name, config, len(messages)])
        return final, text

    return reply


friend, stranger = AssistantAgent("friend"), ConversableAgent("stranger")
ask = [{"role": "user", "content": "hello"}]


def answers(trigger, *senders):
    agent = ConversableAgent("agent", human_input_mode="NEVER", default_auto_reply="nothing matched")
    agent.register_reply(trigger, says("matched"), config={"a": 1})
    return [attempt(agent.generate_reply, ask, sender) for sender in senders]


report(
    by_class=answers(AssistantAgent, friend, stranger, None),
    by_name=answers("friend", friend, stranger),
    by_name_without_sender=answers("friend", None),
    by_agent=answers(friend, friend, stranger),
    by_function=answers(lambda sender: sender is friend, friend, stranger),
    by_function_of_wrong_type=[
        {"error": each["error"]}
        for each in answers(lambda sender: "yes", friend)  # the text has an address
    ],
    by_list=answers(["friend", stranger, None], friend, stranger, None),
    by_none_in_list=answers([None], None, friend),
    by_number=attempt(ConversableAgent("x").register_reply, 7, says("never")),
    by_none=attempt(ConversableAgent("x").register_reply, None, says("never")),
)

agent = ConversableAgent("agent", human_input_mode="NEVER")
first, second, third = says("first", final=False), says("second"), says("third")
agent.register_reply(Agent, second)
agent.register_reply(Agent, first, position=0)
agent.register_reply([Agent, None], says("last"), position=-1)
report(in_order=agent.generate_reply(ask, friend), excluded=agent.generate_reply(ask, friend, exclude=[second]))
agent.replace_reply_func(second, third)
report(replaced=agent.generate_reply(ask, friend))
agent.register_reply(Agent, says("only"), remove_other_reply_funcs=True)
report(
    only=agent.generate_reply(ask, friend),
    nobody=agent.generate_reply(ask, None),
    left=len(agent._reply_func_list),
    keys=sorted(agent._reply_func_list[0]),
    calls=calls,
    defaults=[
        each["reply_func"].__name__
        for each in ConversableAgent("plain", code_execution_config={"use_docker": False})._reply_func_list
    ],
    neither=attempt(agent.generate_reply),
)
