"""A request's fields as keyword arguments, and which of them a user's code keeps. Looked up once, quick ever after."""

from collections.abc import Iterable, Mapping
from typing import Any

from modelport.adapters.shape import Shape
from modelport.errors import NotAModel, UnsupportedField
from modelport.sync.cancel import CancelToken
from modelport.types import ChatRequest, params_from_request

__all__ = ("UNKEPT", "Arguments", "accepts_of", "defaults_from")

_FIELDS = frozenset(ChatRequest.__struct_fields__) - {"messages", "extra", "model"}

_UNHEARD = CancelToken()  # for all code that takes none

UNKEPT = frozenset({"n", "stop", "response_format", "logprobs", "top_logprobs"})
"""Fields that code which takes anything cannot be trusted to keep, unless it names them."""

_NOT_PARAMS = frozenset(
    {
        # what a config list's entry says to the port, not to the model (AutoGen's lists of both kinds, and ours)
        *("agent", "allow_format_str_template", "api_rate_limit", "api_type", "api_version", "cache", "cache_seed"),
        *(
            "api_key_env",
            "context",
            "filter_func",
            "label",
            "max_concurrency",
            "name",
            "price",
            "provider",
            "role_rules",
            "spec",
            "tags",
            "tool_parser",
        ),
        *("api_key", "base_url", "organization", "project", "timeout", "max_retries", "default_headers"),
        *("default_query", "http_client", "azure_endpoint", "azure_deployment", "azure_ad_token"),
        *("azure_ad_token_provider", "webhook_secret", "websocket_base_url"),
    }
)


def defaults_from(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """What an entry of a config list sets for every call."""
    defaults = {name: value for name, value in (config or {}).items() if name not in _NOT_PARAMS}
    if not isinstance(defaults.get("model"), str | None):
        del defaults["model"]  # the thing that is being asked, where an entry has it in place of a name
    return defaults


def accepts_of(names: Iterable[str], *, takes_all: bool, also: Any = ()) -> frozenset[str]:
    """The request's fields that are kept by code that names these parameters, or takes any."""
    names = frozenset(names)
    kept = names & _FIELDS
    if takes_all:
        kept |= (_FIELDS - UNKEPT) | {"extra"}
    elif names - _FIELDS - {"model", "cancel"}:
        kept |= {"extra"}  # those that it names; Arguments refuses the others
    if isinstance(also, str):
        also = (also,)
    return kept | frozenset(str(name) for name in also or ())


class Arguments:
    """The keyword arguments of a callable for a request.

    What it does not name it is not given, unless it has ``**``; what it demands and the request leaves open is None.
    One that names ``cancel`` (``takes_cancel``) is given a :class:`CancelToken`, where neither the configuration nor
    the request has a value of that name.
    """

    __slots__ = ("_defaults", "_demanded", "_names", "_takes_all", "_where", "accepts", "takes_cancel")

    def __init__(self, shape: Shape, where: str, config: Mapping[str, Any] | None, *, also: Any = ()) -> None:
        defaults = defaults_from(config)
        defaults.pop("model_client_cls", None)
        self.accepts: frozenset[str] = accepts_of(shape.names, takes_all=shape.takes_all, also=also)
        self._names = shape.names
        self._takes_all = shape.takes_all
        self._where = where
        known = {name: value for name, value in defaults.items() if shape.takes_all or name in shape.names}
        self.takes_cancel: bool = "cancel" in shape.names and "cancel" not in known
        unknown = sorted(shape.required - _FIELDS - {"model", "cancel"} - known.keys())
        if unknown:
            raise NotAModel(
                f"{where} demands {', '.join(unknown)}, which no request has; the contract asks for one argument and "
                f"keywords: give {'it a default' if len(unknown) == 1 else 'them defaults'}, or a value in the config"
            )
        self._demanded = dict.fromkeys(shape.required)
        self._defaults = {**self._demanded, **known}

    def token(self) -> CancelToken:
        """One for an answer: a new one where somebody will look at it."""
        return CancelToken() if self.takes_cancel else _UNHEARD

    def of(self, request: ChatRequest, cancel: CancelToken | None = None) -> dict[str, Any]:
        """The arguments beside the messages; *cancel* is the token for code that takes one.

        Raises:
            UnsupportedField: the request has a field of a name that is neither known here nor there.
        """
        params = params_from_request(request)
        if not self._takes_all and params:
            if request.extra:
                self._refuse_unknown(request.extra)
            params = {name: value for name, value in params.items() if name in self._names}
        arguments = {**self._defaults, **params} if self._defaults else params
        if self.takes_cancel and arguments.get("cancel") is None:
            arguments["cancel"] = cancel or CancelToken()
        return arguments

    def _refuse_unknown(self, extra: Mapping[str, Any]) -> None:
        for name in extra:
            if name not in self._names:
                raise UnsupportedField(
                    f"{name}: {self._where} does not take it; leave it out, or name it in the signature", param=name
                )
