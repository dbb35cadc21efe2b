"""runtime_logging to SQLite: what its tables hold after a chat."""

import json

import autogen
from autogen import runtime_logging
from support import ScriptedClient, call, llm, report

session = runtime_logging.start(logger_type="sqlite", config={"dbname": "logs.db"})
enabled = runtime_logging.logging_enabled()

bot = autogen.AssistantAgent("bot", llm_config=llm(cache_seed=4))
user = autogen.UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False)


@user.register_for_execution()
@bot.register_for_llm(description="Doubles")
def double(n: int) -> int:
    return 2 * n


def run():
    bot.register_model_client(ScriptedClient, replies=[{"tool_calls": [call("double", {"n": 4})]}, "TERMINATE"])
    user.initiate_chat(bot, message="Double four.", silent=True)


run()
connection = runtime_logging.get_connection()


def rows(query):
    return [list(row) for row in connection.execute(query).fetchall()]


report(
    session=isinstance(session, str) and len(session),
    enabled=enabled,
    tables=sorted(name for [name] in rows("SELECT name FROM sqlite_master WHERE type = 'table'")),
    columns={
        table: [row[1] for row in rows(f"PRAGMA table_info({table})")]
        for table in (
            "chat_completions",
            "agents",
            "oai_wrappers",
            "oai_clients",
            "events",
            "function_calls",
            "version",
        )
    },
    version=rows("SELECT version_number FROM version"),
    completions=rows("SELECT source_name, is_cached, cost FROM chat_completions ORDER BY id"),
    requests=[sorted(json.loads(row[0])) for row in rows("SELECT request FROM chat_completions ORDER BY id")],
    same_session=rows("SELECT COUNT(DISTINCT session_id) FROM chat_completions"),
    agents=rows("SELECT name, class FROM agents ORDER BY id"),
    of_agents=[sorted(json.loads(row[0])) for row in rows("SELECT init_args FROM agents ORDER BY id")],
    events=rows("SELECT event_name, source_name, agent_class_name FROM events ORDER BY id"),
    states=[sorted(json.loads(row[0])) for row in rows("SELECT json_state FROM events ORDER BY id")],
    functions=rows("SELECT source_name, function_name, args, returns FROM function_calls"),
)
runtime_logging.stop()
report(stopped=runtime_logging.logging_enabled())
