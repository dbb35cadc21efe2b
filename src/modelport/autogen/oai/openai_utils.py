"""AutoGen 0.2's ``autogen.oai.openai_utils``: names only."""

from modelport.autogen._absent import explain_absences
from modelport.config.config_list import config_list_from_json, filter_config
from modelport.config.keys import (
    config_list_from_dotenv,
    config_list_from_models,
    config_list_gpt4_gpt35,
    config_list_openai_aoai,
    get_config_list,
)

__all__ = (
    "config_list_from_dotenv",
    "config_list_from_json",
    "config_list_from_models",
    "config_list_gpt4_gpt35",
    "config_list_openai_aoai",
    "filter_config",
    "get_config_list",
)

explain_absences(__name__)
