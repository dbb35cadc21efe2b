"""AutoGen's custom model notebook, with its import changed: a local Transformers model writes code, and it is run.

The notebook loads a model of 7 billion parameters; this one is made on the spot (tiny_transformer.py) and knows the
answers to one task by heart. All else is as it would be with another folder, or a name on the Hugging Face hub.
Needs modelport[transformers].

Code of a model is run on this machine here, in the folder "coding", without a sandbox. With --ask you are asked first,
at every step, as the notebook asks: Enter lets it go on.

python examples/notebook_transformers.py [--ask]
"""

import contextlib
import sys
import tempfile
import time
from types import SimpleNamespace
from typing import Any

from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

import modelport.autogen as autogen  # noqa: PLR0402 - was: import autogen
from tiny_transformer import make, one_thread  # in place of a download

TASK = "Write Python code that prints the first ten Fibonacci numbers, and tell me the last of them."


# --- the classes ---


class CustomModelClient:
    """A Transformers model in AutoGen's contract."""

    def __init__(self, config: dict[str, Any], **kwargs: Any) -> None:
        print(f"CustomModelClient config: {config}")
        self.device = config.get("device", "cpu")
        self.model = AutoModelForCausalLM.from_pretrained(config["model"]).to(self.device)
        self.model_name = config["model"]
        self.tokenizer = AutoTokenizer.from_pretrained(config["model"])
        # "params" is nobody's but this class's: whatever it likes to have there
        self.max_length = config.get("params", {}).get("max_length", 256)
        print(f"Loaded model {config['model']} to {self.device}")

    def create(self, params: dict[str, Any]) -> SimpleNamespace:
        """Choices in OpenAI's shape, and the token counts for get_usage()."""
        inputs = self.tokenizer.apply_chat_template(
            params["messages"], add_generation_prompt=True, return_dict=True, return_tensors="pt"
        ).to(self.device)
        given = inputs["input_ids"].shape[-1]
        generation = GenerationConfig(
            max_new_tokens=self.max_length,
            do_sample=False,
            eos_token_id=self.tokenizer.eos_token_id,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        response = SimpleNamespace(choices=[], model=self.model_name, prompt_tokens=given, completion_tokens=0)
        for _ in range(params.get("n", 1)):
            said = self.model.generate(**inputs, generation_config=generation)[0, given:]  # without the prompt
            text = self.tokenizer.decode(said, skip_special_tokens=True)
            response.choices.append(SimpleNamespace(message=SimpleNamespace(content=text, function_call=None)))
            response.completion_tokens += len(said)
        return response

    def message_retrieval(self, response: SimpleNamespace) -> list[str]:
        """The texts."""
        return [choice.message.content for choice in response.choices]

    def cost(self, response: SimpleNamespace) -> float:
        """Nothing: it is our own machine."""
        response.cost = 0
        return 0

    @staticmethod
    def get_usage(response: SimpleNamespace) -> dict[str, Any]:
        """What print_usage_summary() adds up."""
        return {
            "prompt_tokens": response.prompt_tokens,
            "completion_tokens": response.completion_tokens,
            "total_tokens": response.prompt_tokens + response.completion_tokens,
            "cost": response.cost,
            "model": response.model,
        }


class CustomModelClientWithArguments(CustomModelClient):
    """The same for a model that is loaded already, and handed over when the class is registered."""

    def __init__(self, config: dict[str, Any], loaded_model: Any, tokenizer: Any, **kwargs: Any) -> None:
        print(f"CustomModelClientWithArguments config: {config}")
        self.device = config.get("device", "cpu")
        self.model = loaded_model  # the very object: nothing is copied on the way
        self.model_name = config["model"]
        self.tokenizer = tokenizer
        self.max_length = config.get("params", {}).get("max_length", 256)


# --- the conversations ---


def first(folder: str, asked: dict[str, Any]) -> autogen.ChatResult:
    """The class loads the model itself, from the folder that its entry names."""
    config_list_custom = [
        {
            "model": folder,
            "model_client_cls": "CustomModelClient",
            "device": "cpu",
            "n": 1,
            "params": {"max_length": 200},
        }
    ]
    assistant = autogen.AssistantAgent("assistant", llm_config={"config_list": config_list_custom})
    user_proxy = autogen.UserProxyAgent(
        "user_proxy", code_execution_config={"work_dir": "coding", "use_docker": False}, **asked
    )
    assistant.register_model_client(model_client_cls=CustomModelClient)

    chat = user_proxy.initiate_chat(assistant, message=TASK)
    assistant.print_usage_summary()
    return chat


def second(folder: str, asked: dict[str, Any]) -> autogen.ChatResult:
    """The model is loaded here, and handed over."""
    config = {"model": "tiny", "model_client_cls": "CustomModelClientWithArguments", "params": {"max_length": 200}}
    loaded_model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)

    assistant = autogen.AssistantAgent("assistant", llm_config={"config_list": [config]})
    user_proxy = autogen.UserProxyAgent(
        "user_proxy", code_execution_config={"work_dir": "coding", "use_docker": False}, **asked
    )
    assistant.register_model_client(
        model_client_cls=CustomModelClientWithArguments, loaded_model=loaded_model, tokenizer=tokenizer
    )

    return user_proxy.initiate_chat(assistant, message=TASK)


# --- what stands in for the download ---

CODE = """\
previous, current = 0, 1
for _ in range(10):
    print(previous, end=" ")
    previous, current = current, previous + current
"""


def make_model(folder: str) -> None:
    """A model that knows what to say to TASK, and what to say when the code has been run."""
    make(
        folder,
        [
            [
                {"role": "system", "content": autogen.AssistantAgent.DEFAULT_SYSTEM_MESSAGE},
                {"role": "user", "content": TASK},
                {"role": "assistant", "content": f"Each is the sum of the two before it.\n\n```python\n{CODE}```"},
                {
                    "role": "user",
                    "content": "exitcode: 0 (execution succeeded)\nCode output: \n0 1 1 2 3 5 8 13 21 34 ",
                },
                {"role": "assistant", "content": "The tenth Fibonacci number is 34.\n\nTERMINATE"},
            ]
        ],
    )


def main() -> None:
    """Both conversations, in a folder that is gone afterwards."""
    unasked = {
        "human_input_mode": "NEVER",
        "is_termination_msg": lambda message: message["content"].rstrip().endswith("TERMINATE"),
    }
    asked = {} if "--ask" in sys.argv[1:] else unasked
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), one_thread():
        began = time.monotonic()
        make_model("tiny-model")
        print(f"made a model in {time.monotonic() - began:.1f} s\n")

        for hold in (first, second):
            chat = hold("tiny-model", asked)
            printed = chat.chat_history[2]["content"].partition("Code output: ")[2].strip()
            print(f"\nThe code was run, and printed: {printed}\n")


if __name__ == "__main__":
    main()
