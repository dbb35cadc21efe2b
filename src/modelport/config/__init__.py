"""Finding and configuring models: specs, the models directory, config lists, settings."""

from modelport.config.config_list import config_list_from_json, filter_config, read_config_list
from modelport.config.discovery import Found
from modelport.config.entry import Entry, entries, entry_from
from modelport.config.opening import open_entry
from modelport.config.settings import Settings, read_settings
from modelport.config.spec import available_models, load

__all__ = (
    "Entry",
    "Found",
    "Settings",
    "available_models",
    "config_list_from_json",
    "entries",
    "entry_from",
    "filter_config",
    "load",
    "open_entry",
    "read_config_list",
    "read_settings",
)
