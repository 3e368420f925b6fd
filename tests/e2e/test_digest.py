"""The digest path of a real gateway: what it tells on either engine, whom it refuses, and that pushes go on beside it."""

from __future__ import annotations

import asyncio
import http.client
import json
import select
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bench.cluster import running_server

from support.gateway_process import SECRET, Answer, Gateway, send
from vipgate.agent.client import Client
from vipgate.agent.reconcile import SourceRecord, compare
from vipgate.cli.sample import PAGE_BODY, PAGE_PARK_UUID, PAGE_SECRET, sample_renewals
from vipgate.clock import clock_us
from vipgate.errors import ServiceUnavailable
from vipgate.gateway import reconcile
from vipgate.gateway.reconcile import RECORDS_PER_PAGE, STEP_RECORDS, ReconcileQuery, ReconcileService
from vipgate.protocol.authentication import signed_headers
from vipgate.protocol.digest import (
    NO_MONTH,
    DigestSum,
    bucket_place,
    digest_text,
    record_digest,
    tally_buckets,
    tally_months,
)
from vipgate.protocol.envelope import DIGEST_PATH, encode_renewals
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import ParkChange, Push, PushResult, RequestOrigin, Retention, Store
from vipgate.store.open import open_store

UNTIL_US = 1_795_492_800_000_000
PARK, BIG, WRONG, AGENT = "park-small", "park-big", "park-refused", "park-agent"
ENGLISH = {"Accept-Language": "en"}
BATCH = 5_000


def sample(count: int = 500) -> list[Renewal]:
    """Records of which some have members that the contract does not list, and some no time."""
    rows = list(sample_renewals(count, 1, until_us=UNTIL_US))
    for place in range(0, count, 50):
        rows[place] = msgspec.structs.replace(rows[place], extra='{"n":1.0,"remark":"甲\\"乙"}')
        rows[place + 1] = msgspec.structs.replace(rows[place + 1], pay_time_ms=None, pay_value_fen=None)
    return rows


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    home = tmp_path_factory.mktemp("home")
    if request.param == "sqlite":
        yield from serving(Gateway(home))
    else:
        with running_server() as server:
            yield from serving(Gateway(home, {"VIPGATE_DATABASE": server.make_database("vipgate-test")}))


def serving(made: Gateway) -> Iterator[Gateway]:
    for park_uuid in (PARK, BIG, WRONG, AGENT):
        made.add_park(park_uuid)
    made.add_park(PAGE_PARK_UUID, PAGE_SECRET)
    made.start()
    push(made, PARK, sample())
    push(made, BIG, list(sample_renewals(25_000, 2, until_us=UNTIL_US)))
    yield made
    assert made.stop() == 0


def push(gateway: Gateway, park_uuid: str, rows: list[Renewal], *, complete: bool = False) -> None:
    connection = gateway.connect()
    for start in range(0, len(rows), BATCH):
        body = encode_renewals(park_uuid, rows[start : start + BATCH], complete=complete)
        assert send(connection, body).code == "1001"
    connection.close()


def question(park_uuid: str, **members: object) -> bytes:
    return json.dumps({"park_uuid": park_uuid, **members}).encode()


def post(gateway: Gateway, body: bytes, secret: str = SECRET, method: str = "POST", **headers: str) -> Answer:
    connection = gateway.connect()
    try:
        connection.request(method, DIGEST_PATH, body, signed_headers(body, secret) | ENGLISH | headers)
        response = connection.getresponse()
        envelope = json.loads(response.read())
        return Answer(response.status, {name.lower(): text for name, text in response.getheaders()}, envelope)
    finally:
        connection.close()


def ask(gateway: Gateway, park_uuid: str, **members: object) -> dict[str, Any]:
    """The payload of the answer, which is a success."""
    answer = post(gateway, question(park_uuid, **members))
    assert (answer.status, list(answer.envelope)) == (200, ["code", "message", "seqno", "payload"]), answer.envelope
    payload: dict[str, Any] = answer.envelope["payload"]
    return payload


def shown(tally: DigestSum) -> dict[str, object]:
    return {"count": tally.count, "pay_value": tally.pay_value, "digest": digest_text(tally.digest)}


def months_of(rows: list[Renewal]) -> dict[str, object]:
    return {"months": [{"month": month, **shown(tally)} for month, tally in tally_months(rows).items()]}


# ---- what is told ----------------------------------------------------------------------------------------------------


def test_months_are_those_of_what_was_pushed(gateway: Gateway) -> None:
    told = ask(gateway, PARK)
    assert told == months_of(sample())
    assert told["months"][-1]["month"] == NO_MONTH


def test_page_example_has_the_digest_of_the_document(gateway: Gateway) -> None:
    assert gateway.push(PAGE_BODY, PAGE_SECRET).code == "1001"
    answer = post(gateway, question(PAGE_PARK_UUID), PAGE_SECRET)
    assert answer.envelope["payload"] == {
        "months": [{"month": "2021-06", "count": 1, "pay_value": 10_000, "digest": "0313bedf7e054462"}]
    }


def test_park_without_records_has_no_months(gateway: Gateway) -> None:
    assert ask(gateway, WRONG) == {"months": []}


@pytest.mark.parametrize("buckets", [16, 256, 4096])
def test_buckets_are_those_of_the_months_asked_for(gateway: Gateway, buckets: int) -> None:
    months = [*list(tally_months(sample()))[4:6], NO_MONTH, "1999-01"]
    found = tally_buckets(sample(), months, buckets)
    lines = [{"month": month, "bucket": at, **shown(tally)} for (month, at), tally in found.items()]
    assert ask(gateway, PARK, months=months, buckets=buckets) == {"buckets": lines}


def test_records_are_those_of_the_places_wanted(gateway: Gateway) -> None:
    wanted = sorted({bucket_place(one, 16) for one in sample()[:20]})
    told = ask(gateway, PARK, buckets=16, wanted=wanted)
    right = [one for one in sample() if bucket_place(one, 16) in wanted]
    assert told["next"] is None
    assert sorted(told["records"]) == sorted([one.pay_partner, digest_text(record_digest(one))] for one in right)


def test_list_comes_page_by_page_and_holds_each_record_once(gateway: Gateway) -> None:
    rows = list(sample_renewals(25_000, 2, until_us=UNTIL_US))
    wanted = [[month, bucket] for month in tally_months(rows) for bucket in range(16)]
    pages, after = [], 0
    while True:
        told = ask(gateway, BIG, buckets=16, wanted=wanted, after=after)
        pages.append(told["records"])
        if told["next"] is None:
            break
        after = told["next"]
    assert [len(page) for page in pages] == [RECORDS_PER_PAGE, RECORDS_PER_PAGE, 5_000]
    assert {tuple(record) for page in pages for record in page} == {
        (one.pay_partner, digest_text(record_digest(one))) for one in rows
    }


def test_record_that_changes_between_two_pages_comes_again(gateway: Gateway) -> None:
    rows = list(sample_renewals(RECORDS_PER_PAGE + 10, 3, until_us=UNTIL_US))
    push(gateway, AGENT, rows, complete=False)
    wanted = [[month, bucket] for month in tally_months(rows) for bucket in range(16)]
    first = ask(gateway, AGENT, buckets=16, wanted=wanted)
    new = msgspec.structs.replace(rows[0], quantity=9)
    push(gateway, AGENT, [new])
    second = ask(gateway, AGENT, buckets=16, wanted=wanted, after=first["next"])
    assert [rows[0].pay_partner, digest_text(record_digest(rows[0]))] in first["records"]
    assert second["records"][-1] == [new.pay_partner, digest_text(record_digest(new))]
    assert len(second["records"]) == 11


def test_replaced_generation_is_told_no_more(gateway: Gateway) -> None:
    rows = list(sample_renewals(20, 4, until_us=UNTIL_US))
    push(gateway, AGENT, rows, complete=True)
    assert ask(gateway, AGENT) == months_of(rows)


def test_the_agent_finds_and_mends_what_differs(gateway: Gateway) -> None:
    rows = sample()
    gone, new, other = rows[60], rows[250], rows[499]
    held = [one for one in rows if one not in (new, other)] + [msgspec.structs.replace(other, quantity=7)]
    push(gateway, AGENT, held, complete=True)
    source = [one for one in rows if one is not gone]
    with Client(gateway.outside, AGENT, SECRET) as client:

        def asked(members: dict[str, object]) -> dict[str, Any]:
            payload = client.ask(members)
            assert isinstance(payload, dict), payload
            return payload

        sent: list[Renewal] = []
        report = compare(lambda: map(SourceRecord, source), asked, lambda record: sent.append(record.renewal))
        found = report.difference
        assert (found.missing, found.different, found.only_there) == (
            [new.pay_partner],
            [other.pay_partner],
            [gone.pay_partner],
        )
        client.push(sent)
        left = compare(lambda: map(SourceRecord, source), asked).difference
        assert (left.missing_count, left.different_count, left.only_there) == (0, 0, [gone.pay_partner])
        client.push([gone])
        assert compare(lambda: map(SourceRecord, rows), asked).is_alike


# ---- who is refused --------------------------------------------------------------------------------------------------


def refused(answer: Answer, status: int, named: str = "") -> None:
    assert (answer.status, answer.code) == (status, str(status)), answer.envelope
    assert list(answer.envelope) == ["code", "message", "hint", "seqno"]
    assert named in answer.envelope["hint"]


def test_wrong_signature_and_unknown_park_get_the_same_answer(gateway: Gateway) -> None:
    refused(
        post(gateway, question(PARK), "another secret"), 401, "the signature does not match, or the park is unknown"
    )
    refused(post(gateway, question("no-such-park")), 401, "the signature does not match, or the park is unknown")


def test_mistake_behind_a_wrong_signature_is_named(gateway: Gateway) -> None:
    # The search for it has a share of the time: what does not find it today finds it the next moment.
    answers = (post(gateway, question(PARK), SECRET + "\n") for _ in range(500))
    refused(next(one for one in answers if "a newline follows the secret" in one.envelope["hint"]), 401)


def test_disabled_park_is_refused(gateway: Gateway) -> None:
    park_uuid = limited(gateway, ParkChange())
    assert gateway.command("park", "disable", park_uuid).returncode == 0
    refused(post(gateway, question(park_uuid)), 401)


def test_signature_is_looked_at_before_the_question(gateway: Gateway) -> None:
    refused(post(gateway, question(PARK, rubbish=1), "another secret"), 401)


def test_body_is_looked_at_before_the_signature(gateway: Gateway) -> None:
    refused(post(gateway, b'{"park_uuid":', "another secret"), 400, "not valid JSON")
    refused(post(gateway, b"{}", "another secret"), 400, "park_uuid")


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"row": []}, "row"),
        ({"months": "2026-11"}, "months"),
        ({"months": ["2026-11"]}, "buckets"),
        ({"buckets": 16}, "months"),
        ({"buckets": 17, "months": ["2026-11"]}, "buckets: must be one of (16, 256, 4096), got 17"),
        ({"buckets": "16", "months": ["2026-11"]}, "buckets"),
        ({"buckets": 16, "months": ["2026-11"], "wanted": [["2026-11", 1]]}, "months"),
        ({"buckets": 16, "months": ["2026-11"] * 1_201}, "months: at most 1200 items, got 1201"),
        ({"buckets": 16, "wanted": [["2026-11", 1]] * 4_097}, "wanted: at most 4096 items, got 4097"),
        ({"buckets": 16, "wanted": [["2026-11"]]}, "wanted"),
        ({"wanted": [["2026-11", 1]]}, "buckets"),
        ({"after": 7}, "after: goes with wanted only, got 7"),
        ({"buckets": 16, "months": ["2026-11"], "after": 7}, "after: goes with wanted only, got 7"),
        ({"buckets": 16, "wanted": [["2026-11", 1]], "after": 2**70}, "after"),
        ({"buckets": 16, "wanted": [["2026-11", 1]], "after": -1}, "after"),
        ({"buckets": 16, "months": ["2026-11", "2026-13"]}, "months[1]: must be a month like 2026-11, or none"),
        ({"buckets": 16, "wanted": [["2026-11", 16]]}, "wanted[0][1]: must be 0 to 15, got 16"),
        ({"buckets": 16, "wanted": [["2026-11", -1]]}, "wanted[0][1]: must be 0 to 15, got -1"),
    ],
)
def test_question_that_is_none_is_refused_by_name(gateway: Gateway, members: dict[str, object], named: str) -> None:
    refused(post(gateway, question(WRONG, **members)), 400, named)


def test_question_that_is_too_long_is_refused(gateway: Gateway) -> None:
    refused(post(gateway, question(WRONG, months=["2026-11"] * 60_000, buckets=16)), 413, "524288")


def test_hint_is_chinese_unless_english_is_asked_for(gateway: Gateway) -> None:
    answer = post(gateway, question(WRONG, buckets=17, months=["2026-11"]), **{"Accept-Language": "zh"})
    assert answer.envelope["hint"] == "buckets: 应为 (16, 256, 4096) 之一, 收到 17"


def test_address_off_the_allow_list_is_refused(gateway: Gateway) -> None:
    park_uuid = limited(gateway, ParkChange(allow_list=("203.0.113.0/24",)))
    refused(post(gateway, question(park_uuid)), 403)


def test_question_counts_for_the_rate(gateway: Gateway) -> None:
    park_uuid = limited(gateway, ParkChange(rate_per_minute=1))
    answers = [post(gateway, question(park_uuid)) for _ in range(8)]
    assert {answer.status for answer in answers} == {200, 429}
    assert int(next(one for one in answers if one.status == 429).headers["retry-after"]) > 0


def limited(gateway: Gateway, change: ParkChange) -> str:
    """A park of its own with a limit; new, so that the gateway remembers nothing of it."""
    park_uuid = f"park-{clock_us()}"
    gateway.add_park(park_uuid)
    with gateway.store() as store:
        assert store.change_park(park_uuid, change)
    return park_uuid


def test_other_method_is_refused_and_the_right_one_named(gateway: Gateway) -> None:
    answer = post(gateway, b"", method="GET")
    refused(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_refusal_is_in_the_request_log(gateway: Gateway) -> None:
    answer = post(gateway, question(WRONG, rubbish=1))
    with gateway.store() as store:
        entry = store.request_log_entry(answer.envelope["seqno"])
    assert entry is not None
    assert (entry.park_uuid, entry.code) == (WRONG, "400")


# ---- beside the pushes -----------------------------------------------------------------------------------------------


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with 50,000 records of one park."""
    made = Gateway(tmp_path)
    made.add_park(BIG)
    made.start()
    push(made, BIG, list(sample_renewals(50_000, 2, until_us=UNTIL_US)))
    yield made
    if made.process is not None:
        made.kill()


def asking(gateway: Gateway) -> http.client.HTTPConnection:
    """A connection on which a question has been sent, and not answered yet."""
    connection = gateway.connect()
    body = question(BIG)
    connection.request("POST", DIGEST_PATH, body, signed_headers(body, SECRET))
    return connection


def is_answered(connection: http.client.HTTPConnection) -> bool:
    return bool(select.select([connection.sock], [], [], 0)[0])


def test_pushes_are_answered_while_a_digest_runs_and_it_tells_of_one_moment(busy: Gateway) -> None:
    rows = sample_renewals(1_000_000, 5, until_us=UNTIL_US, first=1_000_000)
    pushing = busy.connect()
    overtaken = 0
    # A push that a long pause keeps until the digest is done proves nothing: then the next digest has its turn.
    for _ in range(10):
        comparing = asking(busy)
        while not is_answered(comparing):
            assert send(pushing, encode_renewals(BIG, [next(rows) for _ in range(100)])).code == "1001"
            overtaken += not is_answered(comparing)
        payload = json.loads(comparing.getresponse().read())["payload"]
        comparing.close()
        assert sum(month["count"] for month in payload["months"]) % 100 == 0
        if overtaken:
            break
    assert overtaken


def test_server_stops_although_a_digest_runs(busy: Gateway) -> None:
    comparing = asking(busy)
    assert busy.push(encode_renewals(BIG, list(sample_renewals(1, 6, until_us=UNTIL_US)))).code == "1001"
    assert busy.stop() == 0
    response = comparing.getresponse()
    assert json.loads(response.read())["code"] in ("1001", "503")


# ---- one at a time, with rests, within bounds ------------------------------------------------------------------------


@pytest.fixture
def filled(tmp_path: Path) -> Callable[[], Store]:
    """How to open a ledger that holds enough records for three rests."""

    def opened() -> Store:
        return open_store(f"sqlite:///{tmp_path / 'ledger.db'}", clock_us, Retention())

    store = opened()
    assert store.add_park(PARK, "", b"", 0)
    rows = list(sample_renewals(3 * STEP_RECORDS + 1, 1, until_us=UNTIL_US))
    caller = RequestOrigin(received_us=UNTIL_US, peer="", body_bytes=1, body_sha256="")
    [outcome] = store.commit([Push("0" * 32, PARK, rows, len(rows), False, "current", caller)])
    assert isinstance(outcome, PushResult)
    store.close()
    return opened


class Clock:
    """Each look at it takes a second."""

    def __init__(self, step_s: float = 1.0) -> None:
        self.now_s = 0.0
        self.step_s = step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def test_each_step_is_followed_by_a_rest_as_long(filled: Callable[[], Store]) -> None:
    rests: list[float] = []
    answered = ReconcileService(filled, Clock(), rests.append)
    payload = asyncio.run(answered.answer(ReconcileQuery(PARK)))
    answered.close()
    assert sum(month["count"] for month in payload["months"]) == 3 * STEP_RECORDS + 1
    assert rests == [1.0, 1.0, 1.0]


def test_question_that_takes_too_long_is_given_up(filled: Callable[[], Store]) -> None:
    answered = ReconcileService(filled, Clock(reconcile.RUN_S_MAX), lambda _: None)
    with pytest.raises(ServiceUnavailable) as caught:
        asyncio.run(answered.answer(ReconcileQuery(PARK)))
    answered.close()
    assert caught.value.retry_after_s


def test_second_question_waits_its_turn_and_not_for_ever(
    filled: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "WAIT_S", 0.05)
    runs, go_on = threading.Event(), threading.Event()

    def rest(_: float) -> None:
        runs.set()
        assert go_on.wait(30)

    answered = ReconcileService(filled, Clock(), rest)

    async def ask_twice() -> None:
        first = asyncio.create_task(answered.answer(ReconcileQuery(PARK)))
        assert await asyncio.to_thread(runs.wait, 30)
        with pytest.raises(ServiceUnavailable) as caught:
            await answered.answer(ReconcileQuery(PARK))
        assert caught.value.retry_after_s
        go_on.set()
        assert (await first)["months"]
        assert (await answered.answer(ReconcileQuery(PARK)))["months"]

    asyncio.run(ask_twice())
    answered.close()


def test_question_ends_when_the_server_stops(filled: Callable[[], Store]) -> None:
    steps = 0

    def rest(_: float) -> None:
        nonlocal steps
        steps += 1
        answered.stop()

    answered = ReconcileService(filled, Clock(), rest)
    with pytest.raises(ServiceUnavailable, match="stopping"):
        asyncio.run(answered.answer(ReconcileQuery(PARK)))
    answered.close()
    assert steps == 1
