"""Config lists: from files, from the environment, filtered by models, tags and clients."""

import json
import os
from pathlib import Path

import autogen
from support import attempt, report

ENTRIES = [
    {"model": "gpt-4", "api_key": "k1", "tags": ["good", "slow"]},
    {"model": "gpt-3.5-turbo", "api_key": "k2", "base_url": "https://example.com/v1", "tags": ["fast"]},
    {"model": "own", "model_client_cls": "Mine", "device": "cuda", "api_type": None},
    {"model": None, "api_key": "k3"},
]
Path("LIST").write_text(json.dumps(ENTRIES))
Path("broken").write_text("[{")
os.environ["LIST_IN_ENV"] = json.dumps(ENTRIES[:2])
os.environ["LIST_BY_PATH"] = str(Path("LIST").absolute())

filters = {
    "model": {"model": ["gpt-4", "own"]},
    "tags": {"tags": ["fast", "other"]},
    "client": {"model_client_cls": ["Mine"]},
    "none": {"model": [None]},
    "missing_field": {"api_type": [None]},
    "unknown_field": {"colour": ["red"]},
    "two": {"model": ["gpt-4", "gpt-3.5-turbo"], "tags": ["slow"]},
    "nothing": {"model": ["nothing"]},
    "empty": {},
}
report(
    filtered={name: autogen.filter_config(ENTRIES, each) for name, each in filters.items()},
    excluded={name: autogen.filter_config(ENTRIES, each, exclude=True) for name, each in filters.items()},
    no_filter=autogen.filter_config(ENTRIES, None) == ENTRIES,
    from_file=autogen.config_list_from_json("LIST"),
    from_file_filtered=autogen.config_list_from_json("LIST", filter_dict=filters["client"]),
    in_a_folder=autogen.config_list_from_json("LIST", file_location="."),
    from_env=autogen.config_list_from_json(env_or_file="LIST_IN_ENV"),
    by_path=autogen.config_list_from_json("LIST_BY_PATH")[0]["model"],
    missing={"error": attempt(autogen.config_list_from_json, "no such file")["error"]},
    broken=attempt(autogen.config_list_from_json, "broken"),
    of_keys=autogen.get_config_list(["k1", "k2"], base_urls=["https://a.example", "https://b.example"]),
    of_keys_with_types=autogen.get_config_list(["k1", ""], api_type="azure", api_version="2024-02-01"),
)
Path("keys.env").write_text("MY_KEY=sk-from-dotenv\nOTHER=sk-other\n")
report(
    dotenv=attempt(
        autogen.config_list_from_dotenv,
        dotenv_file_path="keys.env",
        model_api_key_map={
            "gpt-4": "MY_KEY",
            "gpt-3.5-turbo": {"api_key_env_var": "OTHER", "base_url": "https://example.com"},
        },
    ),
)
for name in ("MY_KEY", "OTHER", "LIST_IN_ENV", "LIST_BY_PATH"):
    os.environ.pop(name, None)
