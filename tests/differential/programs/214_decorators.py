"""The decorators: stacked in both orders, named, shared between agents, in the older style."""

from typing import Annotated

from autogen import ConversableAgent
from support import llm, report

one, two = ConversableAgent("one", llm_config=llm()), ConversableAgent("two", llm_config=llm())
user, other = ConversableAgent("user"), ConversableAgent("other")


@user.register_for_execution()
@one.register_for_llm(name="sum_up", description="Sums two numbers")
def add(a: Annotated[int, "first"], b: int = 0) -> int:
    return a + b


@two.register_for_llm(description="Multiplies", api_style="function")
@other.register_for_execution(name="times")
def multiply(a: int, b: int) -> int:
    return a * b


again = two.register_for_llm(description="Sums, for two")(add)
other.register_for_execution(name="plus")(add)
report(
    same=[again is add, add(1, 2), multiply(2, 3)],
    maps=[sorted(user.function_map), sorted(other.function_map)],
    results=[
        user.function_map["sum_up"](a=1, b=2),
        other.function_map["plus"](a=3),
        other.function_map["times"](a=2, b=3),
    ],
    configs=[{name: agent.llm_config.get(name) for name in ("tools", "functions")} for agent in (one, two)],
    names=[add._name, add._description, multiply._name],
)
