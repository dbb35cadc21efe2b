"""Models over HTTP. The app is plain ASGI; the HTTP server under it is imported only when it is started."""

from modelport.server.app import App, Options, Route, create_app
from modelport.server.limits import Limits
from modelport.server.serving import Served, Serving

__all__ = ("App", "Limits", "Options", "Route", "Served", "Serving", "create_app")
