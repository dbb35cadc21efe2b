"""Config lists made from keys and models: the helpers of AutoGen's first examples."""

import os
from pathlib import Path

import autogen
from support import attempt, report

for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_API_BASE"):
    os.environ.pop(name, None)
os.environ["OPENAI_API_KEY"] = "sk-0000000000000000000000000000000000000000abcdefgh"
Path("keys").mkdir()
Path("keys/key_openai.txt").write_text("sk-11111111111111111111111111111111111111111abcdefgh\n")
report(
    from_models=attempt(autogen.config_list_from_models, model_list=["gpt-4", "gpt-3.5-turbo"], exclude="aoai"),
    gpt4_gpt35=attempt(autogen.config_list_gpt4_gpt35, key_file_path="keys", exclude="aoai"),
    openai=attempt(autogen.config_list_openai_aoai, key_file_path="keys", exclude="aoai"),
    get_config_list=attempt(autogen.get_config_list, ["k1"], base_urls=["https://a.example", "https://b.example"]),
)
os.environ.pop("OPENAI_API_KEY", None)
