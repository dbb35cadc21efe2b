"""Wrong keys: how many are looked at, whose key still opens, and what is remembered."""

from pathlib import Path

import anyio
import pytest

from modelport.errors import RateLimited
from modelport.server import Limits
from modelport.server.strangers import Strangers
from modelport.testing import ScriptedModel, reply
from tests.attacks.peers import Peer, answers_in
from tests.server.helpers import running
from tests.server.keyring import Ring


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def guess(strangers: Strangers, address: str, count: int = 1) -> int:
    """How many of so many wrong keys are looked at."""
    looked_at = 0
    for number in range(count):
        try:
            strangers.check(address, b"guess %d" % number)
        except RateLimited:
            continue
        strangers.wrong(address)
        looked_at += 1
    return looked_at


def test_of_many_guesses_some_are_looked_at_and_then_one_now_and_again() -> None:
    clock = Clock()
    strangers = Strangers(30, clock=clock)

    at_once = guess(strangers, "10.0.0.1", 1000)
    in_a_minute = 0
    for _ in range(60):
        clock.now += 1
        in_a_minute += guess(strangers, "10.0.0.1", 100)

    assert at_once == 30
    assert 29 <= in_a_minute <= 31


def test_whoever_waits_as_long_as_was_said_is_heard_again() -> None:
    clock = Clock()
    strangers = Strangers(30, clock=clock)
    guess(strangers, "10.0.0.1", 30)

    with pytest.raises(RateLimited, match=r"too many wrong API keys came from 10\.0\.0\.1") as caught:
        strangers.check("10.0.0.1", b"right")

    clock.now += caught.value.retry_after or 0
    strangers.check("10.0.0.1", b"right")


def test_a_key_that_was_right_before_is_heard_and_other_addresses_are() -> None:
    strangers = Strangers(30, clock=Clock())
    strangers.right("10.0.0.1", b"anns")
    guess(strangers, "10.0.0.1", 100)

    strangers.check("10.0.0.1", b"anns")
    strangers.check("10.0.0.2", b"anything")
    with pytest.raises(RateLimited):
        strangers.check("10.0.0.1", b"bobs")


def test_a_network_of_one_customer_counts_as_one_address() -> None:
    strangers = Strangers(30, clock=Clock())

    looked_at = sum(guess(strangers, f"2001:db8:1:2::{number:x}") for number in range(1, 100))
    mapped = guess(strangers, "::ffff:10.0.0.1", 20) + guess(strangers, "10.0.0.1", 20)

    assert looked_at == 30
    assert mapped == 30
    assert guess(strangers, "2001:db8:1:3::1") == 1


def test_what_is_remembered_is_bounded() -> None:
    strangers = Strangers(30, clock=Clock())
    for number in range(20_000):
        strangers.wrong(f"10.0.{number >> 8}.{number & 255}")
        strangers.right(f"10.0.{number >> 8}.{number & 255}", b"key")

    assert len(strangers._wrong) <= 4096
    assert len(strangers._good) <= 4096


async def test_a_server_stops_looking_at_keys_and_goes_on_answering_those_it_knows(tmp_path: Path) -> None:

    keys = Ring(tmp_path / "keys")
    ann, bob = await keys.add("ann"), await keys.add("bob")
    app = await keys.app(ScriptedModel(reply("in"), name="m"), limits=Limits(wrong_keys=5))

    def attack() -> list[int]:
        with running(app) as port:
            peer = Peer(port)

            def knock(key: str, header: str = "x-api-key: ") -> int:
                head = f"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n{header}{key}\r\nConnection: close\r\n\r\n"
                [answer] = answers_in(peer.says(head.encode()))
                if answer.status == 429:
                    assert int(answer.headers["retry-after"]) >= 1
                return answer.status

            bearer = "authorization: Bearer "
            first = knock(ann)
            wrong = [knock(f"guess-{number}", bearer if number % 2 else "x-api-key: ") for number in range(8)]
            return [first, *wrong, knock(ann), knock(ann, bearer), knock(bob)]

    statuses = await anyio.to_thread.run_sync(attack)

    assert statuses == [200, *[401] * 5, *[429] * 3, 200, 200, 429]
