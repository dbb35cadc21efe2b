import pytest
from hypothesis import given, strategies as st

from modelport import errors
from modelport.errors import ModelError, ModelportError, error_from_data, error_to_data

EVERY_ERROR = [
    kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and issubclass(kind, ModelportError)
]


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
def test_every_error_crosses_a_process_border_as_data(kind: type[ModelportError]) -> None:
    again = error_from_data(error_to_data(kind("lost", param="n", retry_after=2.5)))

    assert type(again) is kind
    assert (again.message, again.param, again.retry_after) == ("lost", "n", 2.5)


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in EVERY_ERROR]

    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
def test_every_error_hints_a_status_of_its_side(kind: type[ModelportError]) -> None:
    blames_the_caller = issubclass(kind, errors.InvalidRequest | errors.Unauthorized | errors.Forbidden)

    assert 400 <= kind.status < 600
    assert not blames_the_caller or kind.status < 500


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.NotRegistered, RuntimeError),
        (errors.UnknownModelClient, ValueError),
        (errors.NotAModel, TypeError),
        (errors.ModelTimeout, TimeoutError),
        (errors.ConnectionFailed, ConnectionError),
        (errors.ModelNotFound, LookupError),
        (errors.InvalidRequest, ValueError),
    ],
)
def test_callers_who_expect_the_builtin_error_catch_ours(kind: type[ModelportError], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)


@given(st.dictionaries(st.sampled_from(["code", "message", "param"]), st.text()))
def test_data_with_a_code_that_is_not_known_becomes_a_model_error(data: dict[str, str]) -> None:
    error = error_from_data({**data, "code": "of another version"})

    assert type(error) is ModelError
    assert error.message == data.get("message", "")


def test_a_users_own_subclass_does_not_take_the_place_of_ours() -> None:
    class Theirs(ModelError):
        pass

    assert type(error_from_data(error_to_data(Theirs("lost")))) is ModelError
