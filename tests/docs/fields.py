"""docs/fields.md, made of the dialects' own tables: ``python -m tests.docs.fields`` writes it (``make fates``)."""

from collections.abc import Mapping
from importlib import import_module

from modelport.registry import Registry
from tests.docs.tables import DOCS

__all__ = ("PAGE", "TITLES", "made")

PAGE = DOCS / "fields.md"

TITLES = {
    "openai_chat": ("Fields of a chat completion", "OpenAI's chat completions"),
    "openai_responses": ("Fields of a Response", "OpenAI's Responses"),
    "openai_completions": ("Fields of a completion", "OpenAI's legacy completions"),
    "openai_embeddings": ("Fields of embeddings", "OpenAI's embeddings"),
    "anthropic_messages": (
        "Fields of a Message",
        "Anthropic's Messages; `count_tokens` takes those that a model reads",
    ),
    "ollama": ("Ollama: chat", "Ollama's chat"),
    "ollama_generate": ("Ollama: generate", "Ollama's older wire, of one prompt"),
    "ollama_embed": ("Ollama: embed", "Ollama's vectors of texts"),
    "ollama_embeddings": ("Ollama: embeddings", "Ollama's older wire for the vector of one text"),
    "port": ("modelport's own wire", "modelport's own wire"),
    "agentstudio": ("AgentStudio's wire", "AgentStudio's own wire"),
}
"""The heading of each dialect, in this order, and what it is; a dialect that is not here comes last, by its name."""

_HEAD = """\
# Which fields are taken, and what becomes of them

<!-- Made by `make fates` of the dialects' tables; not edited by hand. -->

No field of a request is taken and then ignored. Each has one of three fates, in every wire:

- **honoured**: it reaches the model, or the server keeps it. Where the model does not keep it, it is *emulated*, if
  its row says how, or refused in the model's name; see
  [which fields reach a model](models.md#which-fields-reach-a-model). *Advice* changes no answer, here or at whose wire
  it is, so that leaving it aside keeps it; its value is checked.
- **emulated**: the port keeps it in the model's stead. The answer says so: `emulated` under `modelport`, and the
  header `x-modelport-emulated`.
- **rejected**: a 400 that names it and says why. `null` passes.

A field that is not in the table is a 400 that names it. In the second table of a wire, `[]` is each item of a list,
`[text]` a value or an item whose `type` is `text`, and `[*]` any other type. What providers publish comes from the
packages `openai` and `anthropic`, and from Ollama's documentation; a test walks their types, and asks for each field.
"""


def made() -> str:
    """The page."""
    registry = Registry("dialect", "modelport.dialects", "DIALECT")
    names = [*TITLES, *sorted(set(registry.names()) - set(TITLES))]
    return "\n".join([_HEAD, *[_section(name) for name in names if name in registry.names()]])


def _section(name: str) -> str:
    module = import_module(f"modelport.dialects.{name}")
    title, what = TITLES.get(name, (name, name))
    lines = [f"## {title}", "", f"`POST {module.DIALECT.path}`: {what}.", "", *_table("field", module.FATES), ""]
    within = getattr(module, "WITHIN", None)
    return "\n".join([*lines, *_table("within them", within), ""] if within else lines)


def _table(head: str, fates: Mapping[str, str]) -> list[str]:
    rows = [f"| {head} | fate | note |", "|---|---|---|"]
    for name, said in fates.items():
        fate, _, note = said.partition(": ")
        rows.append(f"| `{name}` | {fate} | {note} |" if note else f"| `{name}` | {fate} | |")
    return rows


if __name__ == "__main__":
    PAGE.write_text(made(), encoding="utf-8")
    print(f"wrote {PAGE}")
