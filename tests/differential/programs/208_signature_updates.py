"""update_tool_signature and update_function_signature: added, overridden, removed, refused."""

from autogen import ConversableAgent
from support import attempt, llm, report

bot = ConversableAgent("bot", llm_config=llm())
mute = ConversableAgent("mute", llm_config=False)


def tool(name, description="x"):
    return {"type": "function", "function": {"name": name, "description": description, "parameters": {}}}


def function(name, description="x"):
    return {"name": name, "description": description, "parameters": {}}


def names(kind):
    listed = bot.llm_config.get(kind)
    return listed and [
        [each.get("function", each)["name"], each.get("function", each)["description"]] for each in listed
    ]


report(
    remove_first=attempt(bot.update_tool_signature, "a", is_remove=True),
    remove_function_first=attempt(bot.update_function_signature, "a", is_remove=True),
)
bot.update_tool_signature(tool("a"), is_remove=False)
bot.update_tool_signature(tool("b"), is_remove=False)
bot.update_tool_signature(tool("a", "newer"), is_remove=False)
report(tools=names("tools"))
bot.update_tool_signature("a", is_remove=True)
report(without_a=names("tools"))
bot.update_tool_signature("b", is_remove=True)
report(without_b=names("tools"))
bot.update_function_signature(function("f"), is_remove=False)
bot.update_function_signature(function("f", "newer"), is_remove=False)
report(functions=names("functions"))
bot.update_function_signature("f", is_remove=True)
report(
    no_functions=names("functions"),
    without_llm=attempt(mute.update_tool_signature, tool("a"), is_remove=False),
    function_without_llm=attempt(mute.update_function_signature, function("a"), is_remove=False),
    wrong_type=attempt(bot.update_tool_signature, "a", is_remove=False),
    function_of_wrong_type=attempt(bot.update_function_signature, ["a"], is_remove=False),
    bad_name=attempt(bot.update_tool_signature, tool("no good"), is_remove=False),
)
user = ConversableAgent("user", function_map={"a": print})
user.register_function({"b": len})
user.register_function({"b": max})
user.register_function({"a": None})
report(
    left=user.function_map,
    can=[user.can_execute_function(each) for each in ("b", "a", ["b"], ["a", "b"], [])],
    map_of_mute=mute.function_map,
)
