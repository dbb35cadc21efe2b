"""Small helpers that programs import: colours, graphs, tags in text, usage of nobody."""

from autogen import ConversableAgent, gather_usage_summary
from autogen.agentchat.utils import parse_tags_from_content
from autogen.formatting_utils import colored
from autogen.function_utils import load_basemodels_if_needed
from autogen.graph_utils import check_graph_validity, has_self_loops, invert_disallowed_to_allowed
from pydantic import BaseModel
from support import attempt, report

a, b, c = (ConversableAgent(name, human_input_mode="NEVER") for name in "abc")


class Point(BaseModel):
    x: int


@load_basemodels_if_needed
def shift(point: Point, by: int = 1) -> int:
    return point.x + by


report(
    coloured=[colored("red", "red"), colored("plain"), colored("both", "blue", "on_white", ["bold"])],
    loops=[has_self_loops({a: [a]}), has_self_loops({a: [b], b: [a]})],
    inverted=invert_disallowed_to_allowed({a: [b], b: [a, b, c]}, [a, b, c]),
    valid=attempt(check_graph_validity, {a: [b], b: [a]}, [a, b]),
    invalid=attempt(check_graph_validity, {a: ["b"]}, [a, b]),
    models=[shift(point={"x": 3}), shift(point={"x": 3}, by=4)],
    tags=[
        {"tag": each["tag"], "attr": each["attr"], "text": each["match"].group(0)}
        for each in parse_tags_from_content(
            "img", "Look: <img http://example.com/a b.png> and <img src='c.png' width='3'>!"
        )
    ],
    tags_in_parts=[each["attr"] for each in parse_tags_from_content("img", [{"type": "text", "text": "<img x.png>"}])],
    tags_in_number=attempt(parse_tags_from_content, "img", 7),
    usage=gather_usage_summary([a]),
)
