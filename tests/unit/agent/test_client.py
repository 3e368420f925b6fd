"""The client alone, as a vendor embeds it: against a real gateway, and against platforms that answer in their own way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import msgspec
import pytest
from bench.records import SECRET as ODD_SECRET

from support.gateway_process import SECRET, Gateway
from support.odd_platform import STORED, OddPlatform, Reply
from vipgate.agent import Client, PushFailed, PushRefused, Renewal
from vipgate.agent.responses import AccessDenied, Rejected, RetryLater, TooLarge, Unconfirmed, read_answer
from vipgate.cli.sample import sample_renewals
from vipgate.errors import UsageError
from vipgate.protocol.envelope import PUSH_PATH
from vipgate.store.interfaces.ledger import Filter

PARK = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"
UNTIL_US = 1_795_492_800_000_000
_PARKS = count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path_factory.mktemp("home"))
    gateway.start()
    yield gateway
    assert gateway.stop() == 0


@pytest.fixture
def park(running: Gateway) -> str:
    """A park of the test's own on the gateway of the module."""
    name = f"park-{next(_PARKS)}"
    running.add_park(name)
    return name


@pytest.fixture
def client(running: Gateway, park: str) -> Iterator[Client]:
    with Client(running.outside, park, SECRET, timeout_s=20) as one:
        yield one


def renewals(number: int, first: int = 1) -> list[Renewal]:
    return list(sample_renewals(number, 7, until_us=UNTIL_US, first=first))


def held(gateway: Gateway, park: str) -> dict[str, Renewal]:
    with gateway.store() as store:
        return {one.renewal.pay_partner: one.renewal for one in store.iter_records(park, Filter())}


def by_key(records: list[Renewal]) -> dict[str, Renewal]:
    return {one.pay_partner: one for one in records}


# ---- a real gateway -----------------------------------------------------------------------------------------------------


def test_records_arrive_as_they_were_and_the_receipt_names_the_push(
    client: Client, running: Gateway, park: str
) -> None:
    sent = renewals(300)
    receipt = client.push(iter(sent))
    assert len(receipt.seqno) == 32
    assert receipt.seqno.isdigit()
    assert held(running, park) == by_key(sent)
    assert client.push(sent).seqno != receipt.seqno
    assert held(running, park) == by_key(sent)


def test_complete_leaves_nothing_but_what_it_sent(client: Client, running: Gateway, park: str) -> None:
    client.push(renewals(50))
    after = renewals(20, first=41)
    client.push(after, complete=True)
    assert held(running, park) == by_key(after)
    # Without it, records are added.
    client.push(renewals(1, first=100))
    assert len(held(running, park)) == 21


def test_nothing_does_not_replace_everything(client: Client, running: Gateway, park: str) -> None:
    client.push(renewals(3))
    with pytest.raises(PushRefused, match=r"row"):
        client.push([], complete=True)
    assert len(held(running, park)) == 3


def test_refused_push_names_its_rows_and_stores_none(client: Client, running: Gateway, park: str) -> None:
    good = renewals(5)
    wrong = [*good[:3], msgspec.structs.replace(good[3], plate_color=9), msgspec.structs.replace(good[4], plate="")]
    with pytest.raises(PushRefused) as told:
        client.push(wrong)
    answer = told.value.answer
    assert isinstance(answer, Rejected)
    assert set(answer.rows) == {3, 4}
    assert all(f"row[{place}].plate" in reason for place, reason in answer.rows.items())
    assert '"9"' in str(told.value)
    assert len(answer.seqno) == 32
    assert held(running, park) == {}


def test_more_records_than_one_push_takes_are_refused_before_they_are_made(
    client: Client, running: Gateway, park: str
) -> None:
    one = renewals(1)[0]
    made = count()
    endless = (msgspec.structs.replace(one, pay_partner=f"X{next(made)}") for _ in iter(int, 1))
    with pytest.raises(PushRefused, match="more than 10000 records in one push; send them in several") as told:
        client.push(endless)
    assert isinstance(told.value.answer, TooLarge)
    assert next(made) == 10_001
    assert held(running, park) == {}


def test_ten_thousand_records_are_one_push(client: Client, running: Gateway, park: str) -> None:
    client.push(renewals(10_000))
    assert len(held(running, park)) == 10_000


def test_wrong_secret_is_refused_with_what_to_check(running: Gateway, park: str) -> None:
    with Client(running.outside, park, "another") as wrong, pytest.raises(PushRefused, match="401") as told:
        wrong.push(renewals(1))
    answer = told.value.answer
    assert isinstance(answer, AccessDenied)
    assert (answer.code, len(answer.seqno)) == ("401", 32)
    assert held(running, park) == {}


@pytest.mark.parametrize("behind", ["", "/", PUSH_PATH, f"{PUSH_PATH}/ "])
def test_address_may_have_the_path_or_not(running: Gateway, park: str, behind: str) -> None:
    with Client(running.outside.removesuffix(PUSH_PATH) + behind, park, SECRET) as one:
        assert one.push(renewals(1)).seqno


def test_platform_that_comes_back_takes_the_same_again(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.add_park(PARK)
    gateway.start()
    sent = renewals(10)
    with Client(gateway.outside, PARK, SECRET, timeout_s=5) as client:
        client.push(sent[:5])
        gateway.kill()
        with pytest.raises(PushFailed) as told:
            client.push(sent)
        assert not isinstance(told.value, PushRefused)
        gateway.start("--port", str(gateway.port))
        client.push(sent)
    assert held(gateway, PARK) == by_key(sent)
    gateway.kill()


def test_client_that_was_closed_says_so_and_sends_nothing(running: Gateway, park: str) -> None:
    one = Client(running.outside, park, SECRET)
    one.close()
    one.close()
    with pytest.raises(RuntimeError, match="closed"):
        one.push(renewals(1))
    assert held(running, park) == {}


# ---- platforms of another kind --------------------------------------------------------------------------------------------


def answered(reply: Reply) -> RetryLater | Unconfirmed | object:
    """What a push makes of this answer."""
    odd = OddPlatform(lambda _: reply)
    with odd.running(), Client(odd.url, PARK, ODD_SECRET, timeout_s=0.7) as client:
        answer = client.send([b'{"pay_partner":"1"}'])
    assert {push.path for push in odd.pushes} == {PUSH_PATH}
    return answer


def test_replace_that_is_tried_again_keeps_its_id_and_another_has_its_own() -> None:
    odd = OddPlatform(lambda push: STORED if push.number in (3, 4) else Reply.of("503", "busy", status=503))
    with odd.running(), Client(odd.url, PARK, ODD_SECRET, signature="hmac") as client:
        for _ in range(2):
            with pytest.raises(PushFailed):
                client.push(renewals(2), complete=True)
        client.push(renewals(2), complete=True)
        client.push(renewals(2), complete=True)
        with pytest.raises(PushFailed):
            client.push(renewals(3), complete=True)
        with pytest.raises(PushFailed):
            client.push(renewals(4), complete=True)
    first, second, third, again, other, another = [push.webhook_id for push in odd.pushes]
    assert first == second == third
    assert len({first, again, other, another}) == 4, "what was answered is over, and one id stands for one body"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_redirect_is_told_and_not_followed(status: int) -> None:
    # Where it leads, the same platform would store the push.
    odd = OddPlatform(lambda push: STORED if push.path != PUSH_PATH else Reply(status, b"", {"Location": "/elsewhere"}))
    told = pytest.raises(PushFailed, match=rf"HTTP {status} leads to /elsewhere: .*; fix the platform's url")
    with odd.running(), Client(odd.url, PARK, ODD_SECRET) as client, told:
        client.push(renewals(1))
    assert [push.path for push in odd.pushes] == [PUSH_PATH]
    assert odd.held == {}


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(200, b" ", is_endless=True, pause_s=0.1), "HTTP 200 with an answer that has no end after 0.7 s"),
        (Reply(200, b"x" * 99_999, is_endless=True), "HTTP 200 with an answer of over 1048576 bytes"),
        (Reply(200, b" " * 1_048_577), "HTTP 200 with an answer of over 1048576 bytes"),
        (Reply(500, b"x" * 99_999, is_endless=True), "HTTP 500 with an answer of over 1048576 bytes"),
    ],
)
def test_answer_without_an_end_is_given_up(reply: Reply, told: str) -> None:
    answer = answered(reply)
    assert answer == RetryLater(told)


def test_platform_that_says_nothing_is_given_up() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, PARK, SECRET, timeout_s=0.3) as client, pytest.raises(PushFailed, match="no answer") as told:
            client.push(renewals(1))
    assert isinstance(told.value.answer, RetryLater)
    assert told.value.answer.arrived


def test_platform_that_is_away_has_not_got_the_push() -> None:
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with Client(url, PARK, SECRET, timeout_s=2) as client, pytest.raises(PushFailed, match="cannot conn") as told:
            client.push(renewals(1))
    assert not isinstance(told.value, PushRefused)
    assert isinstance(told.value.answer, RetryLater)
    assert not told.value.answer.arrived


@pytest.mark.parametrize(
    "reply", [Reply(200, b"<html>login</html>"), Reply(200, b""), Reply(200, b'{"code":"1001","seq'), Reply(400, b"?")]
)
def test_answer_that_is_none_is_no_receipt(reply: Reply) -> None:
    assert isinstance(answered(reply), RetryLater)


def test_success_with_a_hint_is_no_receipt() -> None:
    odd = OddPlatform(lambda _: Reply.of("1001", "dropped", seqno="77"))
    refused = pytest.raises(PushFailed, match="1001 said: dropped")
    with odd.running(), Client(odd.url, PARK, ODD_SECRET) as client, refused as told:
        client.push(renewals(1))
    assert told.value.answer == Unconfirmed("1001 said: dropped", "77")
    assert not isinstance(told.value, PushRefused)


@pytest.mark.parametrize(
    ("wait", "date", "wanted_s"),
    [
        ("Wed, 21 Oct 2026 07:28:09 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 9.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 0.0),
        ("Fri, 21 Oct 2050 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 3600.0),
        ("Wed, 21 Oct 2026 07:28:09", "Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:09 GMT", "yesterday", None),
        ("Wed, 21 Oct 2026 07:28:09 GMT", None, None),
        ("soon", "Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-5", None, None),
        ("Wed, 99 Oct 2026 99:99:99 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_date_to_wait_for_is_counted_from_the_date_of_the_answer(
    wait: str, date: str | None, wanted_s: float | None
) -> None:
    assert read_answer(503, wait, b'{"code":"503"}', date) == RetryLater("503", wanted_s)


@pytest.mark.parametrize(
    "url",
    [
        "platform.example", "ftp://platform.example", "http://", "http:///x", "http://a..b", f"http://{'a' * 64}.example",
        "http://h/?park=1", "http://h/#x", "http://user:password@h", "http://h:port",
    ],
)  # fmt: skip
def test_address_that_is_none_is_told_at_once(url: str) -> None:
    with pytest.raises(UsageError, match="The platform's url must "):
        Client(url, PARK, SECRET)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_certificates_that_cannot_be_read_are_told_at_once(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "company-ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"Cannot read certificates in .*company-ca.pem: .*platform.ca_file"):
        Client("https://platform.example", PARK, SECRET, ca_file=path)
