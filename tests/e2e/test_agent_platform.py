"""The agent against a platform that is not this gateway: other limits, other words, other codes; in the end it has every record."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from bench.park import insert_now, make_park, write_config

from support.fork_server import run_vipgate
from support.odd_platform import STORED, OddPlatform, Push, Reply, platform

PARK = "park-a"
ROWS = 1_200
WAIT_S = 60.0


@dataclass
class Agent:
    """The commands of a technician, in processes of their own."""

    folder: Path
    config: Path

    def edit(self, before: str, after: str) -> None:
        text = self.config.read_text(encoding="utf-8")
        assert before in text
        self.config.write_text(text.replace(before, after), encoding="utf-8")

    def words(self, command: str, *arguments: str) -> list[str]:
        return ["agent", *command.split(), str(self.config), *arguments]

    def do(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_vipgate(self.words(command, *arguments), Path.cwd(), within_s=WAIT_S)

    @contextmanager
    def running(self) -> Iterator[None]:
        with (self.folder / "errors").open("w") as errors:
            process = subprocess.Popen([sys.executable, "-m", "vipgate", *self.words("run")], stderr=errors)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT_S) == 0

    def status(self) -> dict[str, Any]:
        """What `status` shows; empty while no agent has written any yet."""
        done = self.do("status", "--format", "json")
        is_early = "There is no spool" in done.stderr or "Nothing is known yet" in done.stderr
        assert done.returncode == 0 or is_early, done.stderr
        return {} if is_early else dict(json.loads(done.stdout))

    def dead(self) -> dict[str, dict[str, Any]]:
        lines = self.do("dead list", "--format", "jsonl").stdout.splitlines()
        return {letter["pay_partner"]: letter for letter in map(json.loads, lines)}

    def change(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "park.db", timeout=30)) as db, db:
            db.execute(statement)


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    make_park(tmp_path, ROWS)
    config = write_config(tmp_path, 1, PARK, lag_s=0)
    made = Agent(tmp_path, config)
    made.edit("[platform]\n", "[platform]\ntimeout_s = 1\n")
    return made


def meets(agent: Agent, rule: Callable[[Push], Reply]) -> OddPlatform:
    """The platform of `rule`, which the agent's configuration names from now on."""
    made = platform(rule)
    agent.edit("http://127.0.0.1:1", made.url)
    return made


def eventually(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def order(number: int) -> str:
    return f"XF{number:012}"


ALL = {order(number) for number in range(1, ROWS + 1)}


# ---- replaces ----


def test_replace_that_got_no_answer_is_the_same_one_after_a_restart(agent: Agent) -> None:
    agent.edit("[platform]\n", '[platform]\nsignature = "hmac"\n')
    lost = Reply.of("503", "busy", status=503)
    with meets(agent, lambda _: lost).running() as odd:
        words = [sys.executable, "-m", "vipgate", *agent.words("run", "--replace", "--yes")]
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: bool(odd.pushes))
        finally:
            process.kill()
            process.wait(WAIT_S)
        odd.rule = lambda _: STORED
        before = len(odd.pushes)
        done = agent.do("run", "--once")
        assert done.returncode == 0, done.stderr
        again = odd.pushes[before]
        assert again.keys == odd.pushes[0].keys
        assert again.webhook_id == odd.pushes[0].webhook_id
        assert agent.do("run", "--once", "--replace", "--yes").returncode == 0
    assert len({push.webhook_id for push in odd.pushes[before:]}) == len(odd.pushes[before:]), (
        "another replace is another"
    )


# ---- too large ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [Reply.of("413", "too many rows", status=413), Reply(413, b"<html>nginx</html>")])
def test_batches_that_are_too_large_are_halved_until_they_fit(agent: Agent, reply: Reply) -> None:
    agent.edit("[platform]\n", "[platform]\nin_flight = 1\nbatch_rows = 300\n")
    with meets(agent, lambda push: STORED if len(push.rows) <= 100 else reply).running() as odd:
        done = agent.do("run", "--once")
    assert done.returncode == 0, done.stderr
    assert set(odd.held) == ALL
    # It remembers: what was read before in larger batches is not refused again.
    assert [len(push.rows) for push in odd.pushes if len(push.rows) > 100] == [300, 150]


def test_row_that_alone_is_too_large_is_a_dead_letter_and_the_rest_arrives(agent: Agent) -> None:
    large = {order(7), order(900)}

    def rule(push: Push) -> Reply:
        return Reply.of("413", "over 1 KiB", seqno=f"S{push.number}") if large & set(push.keys) else STORED

    with meets(agent, rule).running() as odd:
        done = agent.do("run", "--once")
    assert done.returncode == 3, done.stderr
    assert set(odd.held) == ALL - large
    dead = agent.dead()
    assert set(dead) == large
    for key, letter in dead.items():
        assert letter["reason"] == "413 said: over 1 KiB"
        [alone] = [push.number for push in odd.pushes if push.keys == [key]]
        assert letter["seqno"] == f"S{alone}"
        assert letter["row"]["pay_partner"] == key


# ---- refused ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hint", ["车牌有误", None, ["车牌有误"]])
def test_wrong_rows_that_nobody_names_are_found_by_halving(agent: Agent, hint: object) -> None:
    wrong = {order(1), order(2), order(500), order(ROWS)}

    def rule(push: Push) -> Reply:
        return Reply.of("400", hint, seqno=push.number) if wrong & set(push.keys) else STORED

    with meets(agent, rule).running() as odd:
        done = agent.do("run", "--once")
    assert done.returncode == 3, done.stderr
    assert set(odd.held) == ALL - wrong
    dead = agent.dead()
    assert set(dead) == wrong
    for key, letter in dead.items():
        assert letter["reason"].startswith("400 said")
        assert ("车牌有误" in letter["reason"]) == ("车牌有误" in str(hint))
        assert [letter["seqno"]] == [str(push.number) for push in odd.pushes if push.keys == [key]]


def test_wrong_rows_that_the_hint_names_are_not_asked_for_again(agent: Agent) -> None:
    wrong = {order(number) for number in (1, 2, 500, ROWS)}

    def rule(push: Push) -> Reply:
        named = [f"row[{place}].plate: 应为车牌, 收到 “?”" for place, key in enumerate(push.keys) if key in wrong]
        return Reply.of("400", "\n".join([*named, "另有 1 处错误未列出"]), seqno=push.number) if named else STORED

    with meets(agent, rule).running() as odd:
        done = agent.do("run", "--once")
    assert done.returncode == 3, done.stderr
    assert set(odd.held) == ALL - wrong
    dead = agent.dead()
    assert set(dead) == wrong
    for key, letter in dead.items():
        assert letter["reason"].endswith(".plate: 应为车牌, 收到 “?”")
        # The one push that it was in.
        assert [letter["seqno"]] == [str(push.number) for push in odd.pushes if key in push.keys]


def test_platform_that_refuses_everything_does_not_bury_the_snapshot(agent: Agent) -> None:
    with meets(agent, lambda _: Reply.of("400", "park_uuid")).running():
        done = agent.do("run", "--once")
    assert done.returncode == 1
    assert "the platform refuses every row: 400 said: park_uuid" in done.stderr
    assert len(agent.dead()) < ROWS / 10


# ---- success, and what only looks like it -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":"1000","message":{"zh":"ok"},"hint":[],"seqno":"1","payload":null}',
        b'{"code":"200","message":"ok","hint":"","seqno":null}',
        b'{"code":200,"message":null,"hint":null,"seqno":17}',
    ],
)
def test_every_published_success_without_a_hint_is_believed(agent: Agent, body: bytes) -> None:
    with meets(agent, lambda _: Reply(200, body, stores=True)).running() as odd:
        done = agent.do("run", "--once")
    assert done.returncode == 0, done.stderr
    assert set(odd.held) == ALL
    assert sum(len(push.rows) for push in odd.pushes) == ROWS


@pytest.mark.parametrize("code", ["1001", "200"])
def test_success_with_a_hint_is_not_believed_and_told(agent: Agent, code: str) -> None:
    is_dropping = True

    def rule(_: Push) -> Reply:
        return Reply.of(code, "车场未授权, 已丢弃", seqno="77") if is_dropping else STORED

    with meets(agent, rule).running() as odd, agent.running():
        eventually(lambda: "已丢弃" in str(agent.status().get("trouble")))
        status = agent.status()
        assert (status["last_seqno"], status["snapshot_acknowledged"], status["snapshot_done"]) == ("77", False, 0)
        assert "已丢弃" in (agent.folder / "errors").read_text(encoding="utf-8")
        is_dropping = False
        eventually(lambda: set(odd.held) == ALL)
        eventually(lambda: agent.status()["trouble"] is None)
    assert agent.status()["snapshot_done"] == ROWS
    assert agent.dead() == {}


# ---- not now ------------------------------------------------------------------------------------------------------------

LONG_AGO_S = 1_700_000_000


@pytest.mark.parametrize(
    ("status", "wait", "date"),
    [
        (429, "4", None),
        # A platform whose clock is wrong by years means four seconds all the same.
        (503, formatdate(LONG_AGO_S + 4, usegmt=True), formatdate(LONG_AGO_S, usegmt=True)),
    ],
)
def test_platform_is_not_asked_again_before_it_wants_to_be(
    agent: Agent, status: int, wait: str, date: str | None
) -> None:
    headers = {"Retry_After": wait} | ({"Date": date} if date else {})

    def rule(push: Push) -> Reply:
        return Reply.of(str(status), "busy", status=status, **headers) if push.number == 1 else STORED

    agent.edit("[platform]\n", "[platform]\nin_flight = 1\n")
    with meets(agent, rule).running() as odd:
        done = agent.do("run", "--once")
    assert done.returncode == 0, done.stderr
    assert set(odd.held) == ALL
    assert odd.pushes[1].at_s - odd.pushes[0].at_s >= 4.0


def test_park_that_is_not_let_in_reads_on_and_sends_nothing_until_it_is(agent: Agent) -> None:
    is_shut = True
    agent.edit("[platform]\n", "[platform]\nin_flight = 1\n")
    odd = meets(agent, lambda _: Reply.of("401", "签名不符", status=401) if is_shut else STORED)
    with odd.running(), agent.running():
        eventually(lambda: "401" in str(agent.status().get("trouble")))
        new = insert_now(agent.folder / "park.db", ROWS + 1)
        eventually(lambda: agent.status()["backlog"] == 1)
        assert len(odd.pushes) == 1
        is_shut = False
        eventually(lambda: set(odd.held) == ALL | {new})
        assert odd.pushes[1].at_s - odd.pushes[0].at_s >= 20.0
        eventually(lambda: agent.status()["trouble"] is None)
    assert agent.dead() == {}


# ---- answers that are none ----------------------------------------------------------------------------------------------


def hindered_once(reply: Reply) -> Callable[[Push], Reply]:
    return lambda push: reply if push.number == 1 else STORED


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(302, b"", {"Location": "/elsewhere"}), "HTTP 302 leads to /elsewhere"),
        (Reply(200, b" ", is_endless=True, pause_s=0.2), "an answer that has no end after 1 s"),
        (Reply(200, b'{"code":"1001"' + b" " * 65_536, is_endless=True), "an answer of over 1048576 bytes"),
        (Reply(200, b"<html>\xff</html>"), "HTTP 200 without the interface's envelope: <html>\ufffd</html>"),
    ],
)
def test_answer_that_is_none_is_given_up_told_and_the_push_made_again(agent: Agent, reply: Reply, told: str) -> None:
    agent.edit("[platform]\n", "[platform]\nin_flight = 1\n")
    with meets(agent, hindered_once(reply)).running() as odd:
        done = agent.do("run", "--once")
    assert done.returncode == 0, done.stderr
    assert told in done.stderr
    assert set(odd.held) == ALL
    assert odd.pushes[1].rows == odd.pushes[0].rows
    assert {push.path for push in odd.pushes} == {odd.pushes[0].path}
