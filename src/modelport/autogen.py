"""AutoGen 0.2's names, for programs written for it: ``import modelport.autogen as autogen``."""

from modelport.client.openai_wrapper import OpenAIWrapper
from modelport.client.protocol import ModelClient
from modelport.client.seed_cache import Cache
from modelport.config.config_list import config_list_from_json, filter_config
from modelport.config.keys import (
    config_list_from_dotenv,
    config_list_from_models,
    config_list_gpt4_gpt35,
    config_list_openai_aoai,
    get_config_list,
)

__all__ = (
    "Cache",
    "ModelClient",
    "OpenAIWrapper",
    "config_list_from_dotenv",
    "config_list_from_json",
    "config_list_from_models",
    "config_list_gpt4_gpt35",
    "config_list_openai_aoai",
    "filter_config",
    "get_config_list",
)
