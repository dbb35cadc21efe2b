"""A group of agents in this process, their models in another: tools, streams and token counts cross the wire.

The models are those of crew.py; a served checkpoint, or anything else that `modelport serve` takes, goes the same way.
The planner says what there is to find out, the worker asks for tools, the agent "tools" runs them here, and who speaks
next is up to a served model as well.

python examples/group_chat_served.py
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from modelport import (
    ChatResult,
    ConversableAgent,
    GroupChat,
    GroupChatManager,
    UserProxyAgent,
    gather_usage_summary,
    register_function,
)

CREW = Path(__file__).with_name("crew.py")
QUESTION = "Is it warmer in Oslo, in Lima or in Quito?"
WEATHER = {"Oslo": -3, "Lima": 24, "Quito": 15}


def forecast(city: Annotated[str, "the name of a city"]) -> dict[str, Any]:
    """The weather of one city; it runs in this process, whoever asks for it."""
    return {"city": city, "celsius": WEATHER[city]}


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The three models in a process of their own, on a free port; gives its address."""
    specs = [f"{CREW}:{name}" for name in ("planner", "worker", "chooser")]
    process = subprocess.Popen(
        [sys.executable, "-m", "modelport", "serve", *specs, "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        print(line.partition(" (")[0], f"[process {process.pid}]")
        yield next(word for word in line.split() if word.startswith("http://"))
    finally:
        process.terminate()
        process.communicate(timeout=10)
        print(f"the server has ended, with status {process.returncode}")


def served(url: str, model: str) -> dict[str, Any]:
    """A config in AutoGen's form for a model of that server."""
    return {"config_list": [{"provider": "remote", "base_url": url, "model": model}], "cache_seed": None}


def talk(url: str) -> ChatResult:
    """The group answers the question."""
    planner = ConversableAgent(
        "planner",
        system_message="You say what is to be found out, and draw the conclusion.",
        llm_config=served(url, "planner"),
        human_input_mode="NEVER",
    )
    pieces: list[str] = []
    worker = ConversableAgent(
        "worker",
        system_message="You find things out with your tools.",
        model=f"remote:{url}/worker",  # the short form
        stream=lambda chunk: pieces.append(chunk.text),  # as they come; True shows them on the terminal
        human_input_mode="NEVER",
    )
    tools = UserProxyAgent("tools", human_input_mode="NEVER", description="Runs the tools that others ask for.")
    register_function(forecast, caller=worker, executor=tools, description="The weather in a city, in °C.")

    group = GroupChat([tools, planner, worker], messages=[], max_round=10, speaker_selection_method="auto")
    manager = GroupChatManager(
        group,
        llm_config=served(url, "chooser"),
        is_termination_msg=lambda message: "TERMINATE" in str(message.get("content")),
    )
    chat = tools.initiate_chat(manager, message=QUESTION)

    print(f"\nthe worker's words came over the wire in {sum(map(bool, pieces))} pieces")
    print("tokens that each model took:")
    usage = gather_usage_summary([planner, worker, manager])["usage_including_cached_inference"]
    for model, counts in usage.items():
        if model != "total_cost":
            print(f"  {model:8} {counts['prompt_tokens']:5} prompt {counts['completion_tokens']:5} completion")
    return chat


def main() -> None:
    """The server, the talk, the end of both."""
    with server() as url:
        chat = talk(url)
    print("speakers:", " > ".join(message["name"] for message in chat.chat_history))
    print("conclusion:", chat.summary)


if __name__ == "__main__":
    main()
