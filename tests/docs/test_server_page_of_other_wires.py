"""docs/server.md: the fates of the fields of the wires beside chat completions are those of the code."""

import pytest

from modelport.dialects.agentstudio import FATES as AGENTSTUDIO
from modelport.dialects.anthropic_messages import FATES as MESSAGES
from modelport.dialects.openai_completions import FATES as COMPLETIONS
from modelport.dialects.openai_embeddings import FATES as EMBEDDINGS
from modelport.dialects.openai_responses import FATES as RESPONSES
from tests.docs.tables import code_in, table

PAGES = [
    ("## Fields of a Response", RESPONSES),
    ("## Fields of a completion", COMPLETIONS),
    ("## Fields of a Message", MESSAGES),
    ("## Embeddings", EMBEDDINGS),
    ("## AgentStudio's wire", AGENTSTUDIO),
]


@pytest.mark.parametrize(("heading", "fates"), PAGES, ids=[heading for heading, _ in PAGES])
def test_every_field_is_listed_with_its_fate(heading: str, fates: dict[str, str]) -> None:
    listed = [(code_in(row[0])[0], row[1]) for row in table("server.md", heading)]

    assert listed == [(name, fate.partition(":")[0]) for name, fate in fates.items()]
