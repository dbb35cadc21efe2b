"""AutoGen 0.2's ``autogen.oai``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.autogen.cache.cache import Cache
from modelport.autogen.oai.client import ModelClient, OpenAIWrapper
from modelport.autogen.oai.openai_utils import (
    config_list_from_dotenv,
    config_list_from_json,
    config_list_from_models,
    config_list_gpt4_gpt35,
    config_list_openai_aoai,
    filter_config,
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

explain_absences(__name__)
