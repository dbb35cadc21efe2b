"""The error tree. Every error says three things to a program (``code``, ``status``, ``retryable``) and three to a
person (what was expected, what came, what to do).

::

    ModelportError
    ├── ConfigError                 a setting, a spec or a config list is wrong
    │   ├── NotRegistered           a config list names a class that was not registered     (also a RuntimeError)
    │   └── UnknownModelClient      a class was registered that no entry names              (also a ValueError)
    ├── LoadError                   a model's file, module or constructor failed
    ├── NotAModel                   an object has none of the known shapes                  (also a TypeError)
    ├── ModelNotFound               no model of that name                                   (also a LookupError)
    ├── InvalidRequest              a field of the request is wrong                         (also a ValueError)
    │   ├── UnsupportedField        the field is right, but this model cannot keep it
    │   ├── ContextLengthExceeded   more tokens than the model's window
    │   └── RequestTooLarge         a bound on size or count was passed
    ├── Unauthorized                no key, or a wrong one
    ├── Forbidden                   the caller may not do this (Host, Origin, allow-list)
    └── ModelError                  the model, or the way to it, failed
        ├── ContractBroken          what the model gave is not what its contract asks for
        ├── ModelTimeout            no answer within the deadline                           (also a TimeoutError)
        ├── RateLimited             asked to slow down
        ├── Overloaded              a queue is full, or the server is draining
        ├── ConnectionFailed        the far side could not be reached, or went away         (also a ConnectionError)
        ├── ProtocolError           the far side answered, but not in a form we know
        └── AllModelsFailed         every entry of a config list failed; ``errors`` has each

Below ModelportError too, for conversations::

    AgentError                      a conversation cannot go on as it was asked to
    ├── AgentNameConflict           two agents of one name where a name must tell them apart
    ├── NoEligibleSpeaker           a group chat has nobody left who may speak
    ├── SenderRequired              a reply was asked for without saying to whom
    ├── InvalidCarryOverType        carryover is neither text nor a list               (also a TypeError)
    ├── InvalidMessage              a message is neither text nor a dict of its fields (also a TypeError, a ValueError)
    ├── UndefinedNextAgent          a name or an agent that is not in the group        (also a LookupError)
    └── InvalidGroupChat            a group chat is set up so that it cannot work      (also a ValueError)
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

__all__ = (
    "AgentError",
    "AgentNameConflict",
    "AllModelsFailed",
    "BudgetSpent",
    "ConfigError",
    "ConnectionFailed",
    "ContextLengthExceeded",
    "ContractBroken",
    "Forbidden",
    "InvalidCarryOverType",
    "InvalidGroupChat",
    "InvalidMessage",
    "InvalidRequest",
    "LoadError",
    "ModelError",
    "ModelNotFound",
    "ModelTimeout",
    "ModelportError",
    "NoEligibleSpeaker",
    "NotAModel",
    "NotRegistered",
    "Overloaded",
    "ProtocolError",
    "RateLimited",
    "RequestTooLarge",
    "SenderRequired",
    "Unauthorized",
    "UndefinedNextAgent",
    "UnknownModelClient",
    "UnsupportedField",
    "error_from_data",
    "error_to_data",
)


class ModelportError(Exception):
    """The root of the tree.

    ``code`` is stable and safe to match on; ``status`` is a hint (an HTTP status) to whoever is serving;
    ``retryable`` says whether the same call may succeed later. ``param`` names the field at fault, if one is;
    ``retry_after`` is in seconds, if the far side said. ``request_id`` is what a server calls the request that failed
    there, in its answer and in its log.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    request_id: str | None = None

    def __init__(self, message: str, *, param: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.retry_after = retry_after

    @property
    def message(self) -> str:
        """The sentence for people."""
        return str(self.args[0]) if self.args else ""


class AgentError(ModelportError):
    """A conversation cannot go on as it was asked to."""

    code = "agent_error"


class AgentNameConflict(AgentError):
    """Two agents of one name, where the name must tell them apart."""

    code = "agent_name_conflict"

    def __init__(self, message: str = "Found multiple agents with the same name.", **details: Any) -> None:
        super().__init__(message, **details)


class NoEligibleSpeaker(AgentError):
    """A group chat has nobody left who may speak next: it ends early."""

    code = "no_eligible_speaker"

    def __init__(self, message: str = "No eligible speakers.", **details: Any) -> None:
        super().__init__(message, **details)


class SenderRequired(AgentError):
    """A reply was asked for without saying to whom it goes."""

    code = "sender_required"

    def __init__(self, message: str = "Sender is required but not provided.", **details: Any) -> None:
        super().__init__(message, **details)


class InvalidCarryOverType(AgentError, TypeError):
    """What is carried over from one chat to the next is neither text nor a list."""

    code = "invalid_carryover_type"

    def __init__(
        self,
        message: str = "Carryover should be a string or a list of strings. Not adding carryover to the message.",
        **details: Any,
    ) -> None:
        super().__init__(message, **details)


class InvalidMessage(AgentError, TypeError, ValueError):
    """What an agent is to say is neither text nor a dict, or a field of it has a form that nobody can read."""

    code = "invalid_message"


class UndefinedNextAgent(AgentError, LookupError):
    """The next speaker that was named is not in the group."""

    code = "undefined_next_agent"

    def __init__(
        self, message: str = "The provided agents list does not overlap with agents in the group.", **details: Any
    ) -> None:
        super().__init__(message, **details)


class InvalidGroupChat(AgentError, ValueError):
    """A group chat is set up so that it cannot work, or was given something that it cannot use; ``param`` names it."""

    code = "group_chat_invalid"


class ConfigError(ModelportError):
    """A setting, a spec or a config list is wrong."""

    code = "config_invalid"


class NotRegistered(ConfigError, RuntimeError):
    """A config list names a model client class that has not been registered yet."""

    code = "model_client_not_registered"


class UnknownModelClient(ConfigError, ValueError):
    """A model client class was registered that no entry of the config list names."""

    code = "model_client_unknown"


class LoadError(ModelportError):
    """A model's file, module or constructor failed."""

    code = "model_load_failed"


class NotAModel(ModelportError, TypeError):
    """An object has none of the shapes that a model can have."""

    code = "not_a_model"


class ModelNotFound(ModelportError, LookupError):
    """No model of that name."""

    code = "model_not_found"
    status = 404


class InvalidRequest(ModelportError, ValueError):
    """A field of the request is wrong; ``param`` names it."""

    code = "invalid_request"
    status = 400


class UnsupportedField(InvalidRequest):
    """The field is well formed, but this model cannot keep it; ``param`` names it."""

    code = "unsupported_field"


class ContextLengthExceeded(InvalidRequest):
    """The prompt, with the answer asked for, is longer than the model's context window."""

    code = "context_length_exceeded"


class RequestTooLarge(InvalidRequest):
    """A bound on a request's size or count was passed."""

    code = "request_too_large"
    status = 413


class Unauthorized(ModelportError):
    """No API key, or one that is not known."""

    code = "unauthorized"
    status = 401


class Forbidden(ModelportError):
    """The caller may not do this."""

    code = "forbidden"
    status = 403


class ModelError(ModelportError):
    """The model, or the way to it, failed."""

    code = "model_error"
    status = 502


class ContractBroken(ModelError):
    """What a user's model gave is not what its contract asks for."""

    code = "contract_broken"


class ModelTimeout(ModelError, TimeoutError):
    """No answer within the deadline."""

    code = "model_timeout"
    status = 504
    retryable = True


class RateLimited(ModelError):
    """Asked to slow down; ``retry_after`` is in seconds, if the far side said."""

    code = "rate_limited"
    status = 429
    retryable = True


class BudgetSpent(RateLimited):
    """What may be spent on an API key is spent; trying again helps only once the next day, or month, has begun."""

    code = "budget_spent"
    retryable = False


class Overloaded(ModelError):
    """A queue is full, or the server is going down; another try later may succeed."""

    code = "overloaded"
    status = 503
    retryable = True


class ConnectionFailed(ModelError, ConnectionError):
    """The far side could not be reached, or went away before its answer ended."""

    code = "connection_failed"
    status = 503
    retryable = True


class ProtocolError(ModelError):
    """The far side answered, but not in a form we know: a wrong address, or not a modelport server."""

    code = "protocol_error"


class AllModelsFailed(ModelError):
    """Every entry of a config list failed. ``errors`` has one ``(entry's label, error)`` pair per try, in order."""

    code = "all_models_failed"

    def __init__(self, message: str, *, errors: Iterable[tuple[str, Exception]] = (), **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.errors: tuple[tuple[str, Exception], ...] = tuple(errors)


_FAR = 1e9  # seconds; more than that is never


def _codes(root: type[ModelportError]) -> Iterable[tuple[str, type[ModelportError]]]:
    if "code" in vars(root):  # a class that inherits its code, as a user's own may, does not stand for it
        yield root.code, root
    for child in root.__subclasses__():
        yield from _codes(child)


def error_to_data(error: ModelportError) -> dict[str, Any]:
    """The error as plain data, to cross a process border. :func:`error_from_data` is its inverse.

    Whatever somebody put into it, this gives text that every wire can carry, and numbers.
    """
    data: dict[str, Any] = {"code": _plain(error.code), "message": _plain(error.message)}
    if error.param is not None:
        data["param"] = _plain(error.param)
    if isinstance(error.retry_after, int | float):
        data["retry_after"] = float(min(error.retry_after, _FAR))
    return data


def _plain(text: object) -> str:
    return str(text).encode("utf-8", "backslashreplace").decode()


def error_from_data(data: Mapping[str, Any]) -> ModelportError:
    """Rebuild an error by its ``code``. A code that is not known here becomes a plain :class:`ModelError`."""
    kind = dict(_codes(ModelportError)).get(str(data.get("code")), ModelError)
    return kind(str(data.get("message", "")), param=data.get("param"), retry_after=data.get("retry_after"))
