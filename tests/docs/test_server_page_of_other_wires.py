"""docs/server.md: the fates of the fields of the wires beside chat completions are those of the code."""

import pytest

from modelport.dialects.agentstudio import FATES as AGENTSTUDIO
from modelport.dialects.anthropic_messages import FATES as MESSAGES
from modelport.dialects.ollama import FATES as OLLAMA, OPTIONS as OLLAMA_OPTIONS
from modelport.dialects.ollama_embed import FATES as OLLAMA_EMBED
from modelport.dialects.ollama_generate import FATES as OLLAMA_GENERATE
from modelport.dialects.openai_completions import FATES as COMPLETIONS
from modelport.dialects.openai_embeddings import FATES as EMBEDDINGS
from modelport.dialects.openai_responses import FATES as RESPONSES
from modelport.storage.responses import StoreLimits
from tests.docs.tables import code_in, page, table

PAGES = [
    ("## Fields of a Response", RESPONSES),
    ("## Fields of a completion", COMPLETIONS),
    ("## Fields of a Message", MESSAGES),
    ("## Embeddings", EMBEDDINGS),
    ("## Ollama: chat", OLLAMA),
    ("### Options", OLLAMA_OPTIONS),
    ("## Ollama: generate", OLLAMA_GENERATE),
    ("## Ollama: embed", OLLAMA_EMBED),
    ("## AgentStudio's wire", AGENTSTUDIO),
]


@pytest.mark.parametrize(("heading", "fates"), PAGES, ids=[heading for heading, _ in PAGES])
def test_every_field_is_listed_with_its_fate(heading: str, fates: dict[str, str]) -> None:
    listed = [(code_in(row[0])[0], row[1]) for row in table("server.md", heading)]

    assert listed == [(name, fate.partition(":")[0]) for name, fate in fates.items()]


def test_how_much_is_kept_of_answers_is_told() -> None:
    limits = StoreLimits()

    said = " ".join(page("server.md").split())

    assert f"For each key {limits.entries:,} answers of {limits.size // 1024**2} MiB together are kept" in said
    assert f"for {limits.age // 86400:.0f} days after they were used last" in said
