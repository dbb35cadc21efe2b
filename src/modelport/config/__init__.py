"""Finding and configuring models: specs, the models directory, config lists, settings."""

from modelport.config.discovery import Found
from modelport.config.settings import Settings, read_settings
from modelport.config.spec import available_models, load

__all__ = ("Found", "Settings", "available_models", "load", "read_settings")
