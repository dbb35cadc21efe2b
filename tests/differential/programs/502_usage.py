"""Usage and cost: per agent, per chat, gathered, printed, cleared, with answers from the cache."""

from autogen import AssistantAgent, ConversableAgent, gather_usage_summary
from support import ScriptedClient, attempt, llm, report

user = ConversableAgent("user", human_input_mode="NEVER", default_auto_reply="next", max_consecutive_auto_reply=1)


def bot(name, *replies, model="scripted-1", **settings):
    config = llm(**settings)
    config["config_list"][0]["model"] = model
    agent = AssistantAgent(name, system_message="Be brief.", llm_config=config)
    agent.register_model_client(ScriptedClient, replies=replies)
    return agent


one, two = bot("one", "a b c", "d e", cache_seed=7), bot("two", "f", "g h", model="scripted-2")
print("== before")
one.print_usage_summary()
user.print_usage_summary()
report(before=[one.get_actual_usage(), one.get_total_usage(), user.get_actual_usage(), user.get_total_usage()])
costs = [user.initiate_chat(each, message="Count.", silent=True).cost for each in (one, two)]
again = bot("one", cache_seed=7)
costs.append(user.initiate_chat(again, message="Count.", silent=True).cost)
print("== after")
one.print_usage_summary()
two.print_usage_summary(mode="actual")
two.print_usage_summary(["total"])
again.print_usage_summary()
again.print_usage_summary("total")
report(
    costs=costs,
    actual=[each.get_actual_usage() for each in (one, two, again)],
    total=[each.get_total_usage() for each in (one, two, again)],
    gathered=gather_usage_summary([one, two, again, user]),
    nobody=gather_usage_summary([]),
    bad_modes=[attempt(one.print_usage_summary, mode) for mode in ("both", [], ["a", "b", "c"])],
)
one.client.clear_usage_summary()
two.reset()
print("== cleared")
one.print_usage_summary()
report(cleared=[one.get_actual_usage(), two.get_total_usage()])
