"""runtime_logging to a file: a line per event, and a logger of one's own."""

import json
from pathlib import Path

from autogen import ConversableAgent, runtime_logging
from support import ScriptedClient, llm, report

session = runtime_logging.start(logger_type="file", config={"filename": "mine.log"})
bot = ConversableAgent("bot", llm_config=llm(), human_input_mode="NEVER")
bot.register_model_client(ScriptedClient, replies=["logged"])
user = ConversableAgent("user", human_input_mode="NEVER", max_consecutive_auto_reply=0)
user.initiate_chat(bot, message="Hi.", silent=True)
runtime_logging.stop()

lines = Path("autogen_logs/mine.log").read_text().splitlines()
parsed = [json.loads(line) if line.startswith("{") else line.split(":")[0] for line in lines]
report(
    started=session in lines[0],
    first=parsed[0],
    agents=[[each["agent_name"], each["agent_type"], sorted(each)] for each in parsed if "agent_name" in each],
    received=[[each["source_name"], sorted(each)] for each in parsed if "event_name" in each],
    completions=[
        [each["source_name"], each["cost"], each["is_cached"], sorted(each)] for each in parsed if "is_cached" in each
    ],
    wrappers=sum("json_state" in each and "wrapper_id" in each and "client_id" not in each for each in parsed),
    failures=[each for each in parsed if isinstance(each, str) and each.startswith("[file_logger]")],
    events=[each["event_name"] for each in parsed if "event_name" in each and isinstance(each, dict)],
    enabled=runtime_logging.logging_enabled(),
)
