"""Who gets in: every route of the table, against every way of not being allowed."""

from pathlib import Path

import pytest

from modelport.errors import ConfigError, Forbidden, Unauthorized
from modelport.server import Options, Route, create_app
from modelport.server.app import ROUTES
from modelport.server.auth import Gate, Keys, is_loopback, read_keys
from modelport.testing import ScriptedModel, reply
from tests.server.helpers import Answer, ask, chat

KEY = "sk-canary-1234"
OPEN = [route for route in ROUTES if route.open]
CLOSED = [route for route in ROUTES if not route.open]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "WHATEVER"]


def name(route: object) -> str:
    return route.path if isinstance(route, Route) else str(route)


def path_of(route: Route) -> str:
    return route.path + "m" if route.path.endswith("/") else route.path


async def knock(route: Route, *headers: tuple[bytes, bytes], method: str | None = None, **options: object) -> Answer:
    app = create_app([ScriptedModel(reply("in"), name="m")], Options(keys={"ann": KEY, "bob": "other"}))
    return await ask(app, method or route.method, path_of(route), chat(), headers=headers, **options)


# --- keys ---


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("route", CLOSED, ids=name)
async def test_without_a_key_no_closed_route_says_anything(route: Route, method: str) -> None:
    answer = await knock(route, method=method)

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("route", OPEN, ids=name)
async def test_what_is_open_names_no_model_to_strangers(route: Route) -> None:
    secret = ScriptedModel(reply("in"), name="project-x")
    closed = await ask(create_app([secret], Options(keys={"ann": KEY})), route.method, route.path)
    of_nobody = await ask(create_app([secret]), "GET", "/ready")

    assert closed.status == 200
    assert b"project-x" not in closed.body
    assert of_nobody.json == {"status": "ready", "models": ["project-x"]}


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/chat/completions/", "//v1/models", "/V1/MODELS", "/v1/models/../health"]
)
async def test_a_path_that_nobody_thought_of_is_closed_too(path: str) -> None:
    app = create_app([ScriptedModel(reply("in"), name="m")], Options(keys={"ann": KEY}))

    assert (await ask(app, "GET", path)).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer wrong")],
        [(b"authorization", KEY.encode())],
        [(b"authorization", b"Basic " + KEY.encode())],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Bearer " + KEY.encode() + b"x")],
        [(b"authorization", b"Bearer " + KEY[:-1].encode())],
        [(b"authorization", b"Bearer ann")],
        [(b"authorization", b"Bearer ann:" + KEY.encode())],
        [(b"x-api-key", b"wrong")],
        [(b"x-api-key", b"")],
        [(b"x-api-key", b"\xff\xfe")],
        [(b"x-api-key", KEY.upper().encode())],
        [(b"authorization", b"Bearer " + KEY.encode()), (b"x-api-key", b"wrong")],
        [(b"authorization", b"Bearer wrong"), (b"x-api-key", KEY.encode())],
    ],
    ids=repr,
)
@pytest.mark.parametrize("route", CLOSED, ids=name)
async def test_no_wrong_key_opens_any_route(route: Route, headers: list[tuple[bytes, bytes]]) -> None:
    answer = await knock(route, *headers)

    assert answer.status == 401
    assert KEY.encode() not in answer.body


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer " + KEY.encode()),
        (b"authorization", b"bearer   " + KEY.encode() + b" "),
        (b"x-api-key", KEY.encode()),
        (b"x-api-key", b"other"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("route", CLOSED, ids=name)
async def test_either_header_opens_every_route(route: Route, header: tuple[bytes, bytes]) -> None:
    assert (await knock(route, header)).status not in {401, 403}


@pytest.mark.parametrize("route", OPEN, ids=name)
async def test_probes_need_no_key(route: Route) -> None:
    assert (await knock(route)).status == 200


def test_keys_are_not_kept() -> None:
    keys = Keys({"ann": KEY})

    assert KEY not in repr(vars(keys))
    caller = keys.check({b"x-api-key": KEY.encode()})

    assert caller is not None
    assert caller.name == "ann"
    with pytest.raises(Unauthorized):
        keys.check({})


# --- Host and Origin ---


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("route", ROUTES, ids=name)
async def test_a_page_of_another_site_reaches_no_route_with_any_method(route: Route, method: str) -> None:
    key = (b"x-api-key", KEY.encode())

    for origin in (b"http://evil.example", b"null", b"http://localhost:9999", b"https://localhost:8000", b""):
        assert (await knock(route, key, (b"origin", origin), method=method)).status == 403


@pytest.mark.parametrize("route", ROUTES, ids=name)
async def test_a_name_that_is_not_ours_reaches_no_route(route: Route) -> None:
    key = (b"x-api-key", KEY.encode())

    for host in (b"evil.example", b"evil.example:8000", b"localhost.evil.example", b"127.0.0.1.evil.example", b"",
                 b"localhost:80:80", b"localhost:x", b"[::1", b"[::1]x", b"user@localhost", b"0.0.0.0"):  # fmt: skip
        assert (await knock(route, key, host=[(b"host", host)])).status == 403, host
    assert (await knock(route, key, host=[])).status == 403
    both = [(b"host", b"localhost"), (b"host", b"evil.example")]
    assert (await knock(route, key, host=both)).status == 403
    assert (await knock(route, key, host=both[::-1])).status == 403


@pytest.mark.parametrize("host", [b"localhost", b"LocalHost:8000", b"127.0.0.1:1", b"[::1]", b"[::1]:8000"])
async def test_the_names_of_this_machine_do(host: bytes) -> None:
    assert (await knock(OPEN[0], host=[(b"host", host)])).status == 200


async def test_our_own_pages_and_those_that_were_named_may_ask() -> None:
    app = create_app([ScriptedModel(reply("in"), name="m")], Options(origins=("https://app.example/",)))

    own = await ask(app, body=chat(), headers=[(b"origin", b"http://localhost:8000")])
    named = await ask(app, body=chat(), headers=[(b"origin", b"https://app.example")])

    assert (own.status, named.status) == (200, 200)
    assert not any(header.startswith("access-control") for header in (*own.headers, *named.headers))


def test_a_server_with_keys_for_everyone_may_go_by_any_name() -> None:
    Gate(None).check({b"host": b"anything.example"}, "http", hosts=1)

    with pytest.raises(Forbidden, match="one Host header"):
        Gate(None).check({b"host": b"anything.example"}, "http", hosts=2)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "", "localhost.example.org")],
)
def test_what_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


# --- the key file ---


def test_keys_are_read_with_names_or_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys"
    path.write_text("# ours\nann: sk-1\n\nsk-2\n", encoding="utf-8")
    monkeypatch.setenv("MODELPORT_API_KEYS", "eve:sk-3, sk-4")

    assert read_keys(str(path)) == {"ann": "sk-1", "key-2": "sk-2", "eve": "sk-3", "key-4": "sk-4"}
    assert read_keys(None) == {"eve": "sk-3", "key-2": "sk-4"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        ("a:1\na:2\n", "two keys are named 'a'"),
        ("a:\n", "empty"),
    ],
)
def test_a_key_file_that_is_no_use_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=complaint):
        read_keys(str(path))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_keys(f"{tmp_path}/nowhere")
