"""docs/server.md: the fates of the fields of the OpenAI wires beside chat completions are those of the code."""

from modelport.dialects.openai_responses import FATES as RESPONSES
from modelport.dialects.openai_responses.wire import WireRequest as Response
from tests.docs.tables import code_in, table


def test_every_field_of_a_response_is_listed_with_its_fate() -> None:
    rows = table("server.md", "## Fields of a Response")

    assert [code_in(row[0])[0] for row in rows] == list(Response.__struct_fields__)
    assert {code_in(row[0])[0]: row[1] for row in rows} == {
        name: fate.partition(":")[0] for name, fate in RESPONSES.items()
    }
