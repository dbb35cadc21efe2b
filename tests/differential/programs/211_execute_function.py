"""execute_function by hand: arguments in JSON that is not quite JSON, verbose, unknown names, and the async twin."""

import asyncio

from autogen import ConversableAgent
from support import attempt, report


def join(a="", b=""):
    return f"{a}|{b}"


async def join_later(a="", b=""):
    await asyncio.sleep(0)
    return f"{a}|{b}"


user = ConversableAgent("user", function_map={"join": join, "later": join_later})


def run(arguments, name="join", **settings):
    return attempt(user.execute_function, {"name": name, "arguments": arguments}, **settings)


async def a_run(arguments, name):
    return await user.a_execute_function({"name": name, "arguments": arguments})


report(
    plain=run('{"a": "1", "b": "2"}'),
    newline_in_text=run('{"a": "one\ntwo", "b": "tab\there"}'),
    newline_between=run('{\n"a":\n "1"}'),
    quotes=run('{"a": "say \\"hi\\""}'),
    no_arguments=user.execute_function({"name": "join"}),
    empty=run(""),
    broken=run('{"a": '),
    a_list=run("[1, 2]"),
    null=run("null"),
    number=run("3"),
    too_many=run('{"c": 1}'),
    unknown=run("{}", "split"),
    no_name=user.execute_function({"arguments": "{}"}),
    verbose=run('{"a": "1"}', verbose=True),
    twin=asyncio.run(a_run('{"a": "1"}', "later")),
    twin_of_sync=asyncio.run(a_run('{"a": "1"}', "join")),
    twin_unknown=asyncio.run(a_run("{}", "split")),
    twin_broken=asyncio.run(a_run("{", "later")),
)
