"""A language model small enough to be made on the spot: a Transformers folder, like any other, in a few seconds.

It knows a few dialogues by heart and nothing else, which is what an example needs. Needs modelport[transformers].

python examples/tiny_transformer.py FOLDER
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

ROLES = ("system", "user", "assistant", "tool")
END = "<|end|>"
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}" + END + "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
MOST_STEPS = 600
ENOUGH = 0.5  # nats of loss over one whole answer; below ln 2 each token is likelier than all others together

Dialogue = list[dict[str, Any]]


def make(folder: str | Path, dialogues: list[Dialogue], *, seed: int = 0) -> None:
    """Train a model until it knows every assistant message of *dialogues* by heart, and save it to *folder*.

    Raises:
        RuntimeError: it did not learn them.
    """
    logging.disable_progress_bar()
    tokenizer = tokenizer_for(dialogues)
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=64,
                intermediate_size=128,
                num_hidden_layers=2,
                num_attention_heads=4,
                max_position_embeddings=4096,
                bos_token_id=None,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.eos_token_id,
            )
        )
        learn(model, [lesson(tokenizer, *each) for each in answers(dialogues)])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """For so small a model threads cost more than they bring, most of all where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def tokenizer_for(dialogues: list[Dialogue]) -> PreTrainedTokenizerFast:
    """Bytes, and whatever goes together in *dialogues*; with a chat template."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1500,
        special_tokens=[END, *(f"<|{role}|>" for role in ROLES)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator((message["content"] for dialogue in dialogues for message in dialogue), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token=END, pad_token=END, chat_template=TEMPLATE)


def answers(dialogues: list[Dialogue]) -> list[tuple[Dialogue, str]]:
    """Each assistant message, with what was said before it."""
    return [
        (dialogue[:place], message["content"])
        for dialogue in dialogues
        for place, message in enumerate(dialogue)
        if message["role"] == "assistant"
    ]


def lesson(tokenizer: PreTrainedTokenizerFast, before: Dialogue, answer: str) -> dict[str, torch.Tensor]:
    """One answer to learn: the tokens of all of it, and as labels those of the answer only."""
    prompt = tokenizer.apply_chat_template(before, add_generation_prompt=True, tokenize=False)
    given = tokenizer(prompt, add_special_tokens=False).input_ids
    said = tokenizer(answer + END, add_special_tokens=False).input_ids
    return {
        "input_ids": torch.tensor([given + said]),
        "labels": torch.tensor([[-100] * len(given) + said]),  # -100: not to be learnt
    }


def learn(model: LlamaForCausalLM, lessons: list[dict[str, torch.Tensor]]) -> None:
    """Go over *lessons* until all of them are known."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    model.train()
    for _ in range(MOST_STEPS):
        optimizer.zero_grad()
        worst = 0.0
        for each in lessons:
            loss = model(**each).loss  # the mean over the answer's tokens
            loss.backward()
            worst = max(worst, loss.item() * int((each["labels"] >= 0).sum()))
        if worst < ENOUGH:
            model.eval()
            return
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    raise RuntimeError(f"the model did not learn its {len(lessons)} answers in {MOST_STEPS} steps: loss {worst:.3f}")


def main() -> None:
    """A model that can greet."""
    if len(sys.argv) != 2:
        sys.exit("expected the folder to save the model to: python examples/tiny_transformer.py FOLDER")
    make(
        sys.argv[1],
        [[{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello! I know two answers."}]],
    )
    print(f"saved to {sys.argv[1]}: {', '.join(sorted(path.name for path in Path(sys.argv[1]).iterdir()))}")


if __name__ == "__main__":
    main()
