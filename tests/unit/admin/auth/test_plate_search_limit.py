"""The bound on searches while plates are hidden: per account or token, over any way of asking, noted once an hour."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from vipgate.admin.auth.plate_search_limit import (
    BURST_HOURS,
    FLOOD,
    SEARCHERS_MAX,
    TEXTS_KEPT,
    MaskedSearches,
    Searcher,
)
from vipgate.errors import RateLimited, StoreUnavailable
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open_database import open_database

PER_HOUR = 4
BURST = BURST_HOURS * PER_HOUR
NOW_US = 1_795_492_800_000_000
HOUR_US = 3_600_000_000
NUMBERS = count()
REMEDY = LocalizedText("问管理员", "ask somebody")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = open_database(f"sqlite:///{tmp_path / 'v.db'}", lambda: NOW_US, Retention())
    yield made
    made.close()


def tried(searches: MaskedSearches, database: Database, who: str, now_us: int, times: int, *, hit: bool = False) -> int:
    """How many of so many searches were done."""
    done = 0

    def work() -> bool:
        nonlocal done
        done += 1
        return hit

    for _ in range(times):
        with suppress(RateLimited):
            searches.run(Searcher(database, who, "192.0.2.1", now_us, REMEDY), f"plate {next(NUMBERS)}", work)
    return done


@pytest.mark.parametrize("hit", [False, True])
def test_hits_and_misses_cost_alike_and_come_back_at_a_steady_rate(database: Database, hit: bool) -> None:
    searches = MaskedSearches(PER_HOUR)
    assert tried(searches, database, "reader", NOW_US, 100, hit=hit) == BURST
    for hour in range(1, 25):
        assert tried(searches, database, "reader", NOW_US + hour * HOUR_US, 100, hit=hit) == PER_HOUR


def test_each_account_and_token_has_its_own(database: Database) -> None:
    searches = MaskedSearches(PER_HOUR)
    assert tried(searches, database, "reader", NOW_US, 100) == BURST
    assert tried(searches, database, "token:reader", NOW_US, 100) == BURST
    assert tried(searches, database, "reader", NOW_US, 1) == 0


def test_flood_is_noted_once_an_hour_with_who_and_how_many(database: Database) -> None:
    searches = MaskedSearches(PER_HOUR)
    tried(searches, database, "reader", NOW_US, 2, hit=True)
    tried(searches, database, "reader", NOW_US, 500)
    [noted] = database.accounts.audit_entries(None, None, None, 10)
    assert (noted.who, noted.action, noted.peer) == ("reader", FLOOD, "192.0.2.1")
    assert noted.detail == f"found 2, missed {BURST - 2}, refused 1"
    tried(searches, database, "reader", NOW_US + HOUR_US, PER_HOUR + 1)
    again, _ = database.accounts.audit_entries(None, None, None, 10)
    assert again.detail == f"found 0, missed {PER_HOUR}, refused {500 - BURST + 2}"


def test_every_search_is_counted_and_every_refusal(database: Database) -> None:
    counted: Counter[str] = Counter()
    searches = MaskedSearches(PER_HOUR, lambda outcome: counted.update([outcome]))
    tried(searches, database, "reader", NOW_US, 3, hit=True)
    tried(searches, database, "reader", NOW_US, 50)
    assert counted == {"found": 3, "missed": BURST - 3, "rejected": 50 - BURST + 3}


def test_search_that_fails_has_cost_its_token(database: Database) -> None:
    searches = MaskedSearches(PER_HOUR)

    def fail() -> object:
        raise ValueError("too many fit")

    for number in range(BURST):
        with pytest.raises(ValueError, match="too many fit"):
            searches.run(Searcher(database, "reader", "", NOW_US, REMEDY), str(number), fail)
    assert tried(searches, database, "reader", NOW_US, 1) == 0


def test_same_text_again_costs_nothing_and_is_remembered_within_a_bound(database: Database) -> None:
    searches = MaskedSearches(per_hour=TEXTS_KEPT)
    searcher = Searcher(database, "reader", "", NOW_US, REMEDY)
    for _ in range(1_000):
        assert searches.run(searcher, "粤B12345", lambda: [1])
    assert tried(searches, database, "reader", NOW_US, 1_000) == BURST_HOURS * TEXTS_KEPT - 1
    assert len(searches._kept["reader"].texts) == TEXTS_KEPT
    with pytest.raises(RateLimited):
        searches.run(searcher, "粤B12345", list)


def test_text_says_the_bound_the_wait_and_what_else_to_do(database: Database) -> None:
    searches = MaskedSearches(PER_HOUR)
    tried(searches, database, "reader", NOW_US, BURST)
    with pytest.raises(RateLimited) as refused:
        searches.run(Searcher(database, "reader", "", NOW_US, REMEDY), "", list)
    assert refused.value.retry_after_s == HOUR_US // 1_000_000 // PER_HOUR
    assert refused.value.hint.en.endswith(
        "4 searches an hour by plate or card are allowed; try again in 15 min, or ask somebody"
    )
    assert refused.value.hint.zh.endswith("最多按车牌或卡号查找 4 次；请 15 分钟后重试，或问管理员")


def test_flood_is_refused_where_the_audit_log_cannot_be_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(type(database.accounts), "write_audit_entry", full)
    assert tried(MaskedSearches(PER_HOUR), database, "reader", NOW_US, 100) == BURST


def test_searches_of_many_threads_at_once_are_all_counted(database: Database) -> None:
    searches, threads_max = MaskedSearches(PER_HOUR), 6
    start = threading.Barrier(threads_max)

    def go() -> None:
        start.wait(10)
        assert tried(searches, database, "reader", NOW_US, BURST // threads_max) == BURST // threads_max

    with ThreadPoolExecutor(threads_max) as threads:
        for done in [threads.submit(go) for _ in range(threads_max)]:
            done.result()
    assert tried(searches, database, "reader", NOW_US, 1) == 0


def test_who_has_his_whole_bucket_makes_room_and_nobody_else(database: Database) -> None:
    searches = MaskedSearches(PER_HOUR)
    tried(searches, database, "busy", NOW_US, BURST)
    for number in range(SEARCHERS_MAX - 1):
        tried(searches, database, f"seldom{number}", NOW_US - HOUR_US, 1)
    tried(searches, database, "one more", NOW_US, 1)
    assert len(searches._kept) == 2
    assert tried(searches, database, "busy", NOW_US, 1) == 0
