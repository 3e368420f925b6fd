"""`vipgate agent init`: the written file asks where names and values do not tell, and `run` sends what it says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from bench.records import SECRET

from support.odd_platform import STORED, OddPlatform
from vipgate.cli.agent_run import run
from vipgate.cli.agent_setup import init

Init = Callable[..., str]
RENEW = (
    "create table renew(park_id int, id integer primary key, order_no text, plate_no text, plate_color text, card_type text, "
    "months int, pay_way text, amount numeric, updated_at text)"
)


@pytest.fixture
def platform() -> Iterator[OddPlatform]:
    with OddPlatform(lambda _: STORED).running() as one:
        yield one


@pytest.fixture
def written(platform: OddPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Init:
    """The file that `init` writes for a table of these rows."""
    monkeypatch.setenv("PARK_SECRET", SECRET)

    def do(table: str, rows: Sequence[Sequence[object]]) -> str:
        with closing(sqlite3.connect(tmp_path / "park.db")) as db, db:
            db.execute(table)
            name = table.split("(")[0].split()[-1]
            for row in rows:
                db.execute(f"insert into {name} values ({','.join('?' * len(row))})", row)  # noqa: S608 - our own names
        init(tmp_path / "a.toml", platform.url, "p", "env:PARK_SECRET", "sqlite:///park.db", name)
        return (tmp_path / "a.toml").read_text(encoding="utf-8")

    monkeypatch.chdir(tmp_path)
    return do


def line_of(text: str, member: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"{member} = "))


def renewals(count: int, time: str = "2026-09-01 08:00:00") -> list[tuple[object, ...]]:
    return [(7, n, f"T{n}", f"粤B{n:05}", "蓝", "月卡", 1, "现金", "300.00", time) for n in range(1, count + 1)]


def test_cursor_ends_with_a_column_that_is_unique(written: Init) -> None:
    text = written(RENEW, renewals(250))
    assert line_of(text, "cursor") == 'cursor = ["updated_at", "id"]'


def test_id_of_something_else_is_no_part_of_a_cursor(written: Init) -> None:
    table = "create table renew(park_id int, user_id int, order_no text, updated_at text)"
    text = written(table, [(7, n, f"T{n}", "2026-09-01 08:00:00") for n in range(5)])
    assert "\ncursor" not in text
    assert (
        "# ? changes are found by comparing all rows only: no column is known that tells rows with the same updated_at apart"
        in text
    )


def test_times_whose_order_as_text_is_not_that_of_time_are_no_cursor(written: Init) -> None:
    text = written(
        RENEW,
        [
            *renewals(1, "2026-9-1 8:05:00"),
            (7, 2, "X2", "粤B10002", "蓝", "月卡", 1, "现金", "1.00", "2026-9-9 8:05:00"),
        ],
    )
    assert "\ncursor" not in text
    assert (
        '# ? changes are found by comparing all rows only: the order of updated_at is not that of time: it holds "2026-9-1 8:05:00"'
        in text
    )


def test_seconds_and_a_renamed_end_are_found_and_what_is_not_used_is_listed(
    written: Init, platform: OddPlatform, tmp_path: Path
) -> None:
    table = (
        "create table card_renew_tb(id integer primary key,trade_no text,card_id text,pay_time integer,amount_receivable text,"
        "amount_pay text,collector text,pay_type text,car_number text,user_id text,resume text,buy_month integer,comid text,"
        "create_time integer,update_time integer,limit_time integer,start_time integer)"
    )
    rows = [
        (1, "20260901080000123", "K1", 1788220800, "300.0", "280.0", "李收费", "现金", "粤B12345", "u1", "", 1, "123",
         1788220800, 1788220800, 1790812799, 1788192000),
        (2, "20260902080000123", "K2", 1788307200, "600.0", "600.0", "公众号", "微信公众号", "粤B67890", "u2", "", 2, "123",
         1788307200, 1788307200, 1793404799, 1788278400),
    ]  # fmt: skip
    text = written(table, rows)
    assert line_of(text, "pay_value") == 'pay_value = { column = "amount_pay", unit = "yuan" }'
    assert line_of(text, "renewal_end_time") == 'renewal_end_time = { column = "limit_time", format = "s" }'
    assert line_of(text, "quantity") == 'quantity = "buy_month"'
    assert "# not used: id, amount_receivable, user_id, resume, comid, create_time, update_time" in text
    run(tmp_path / "a.toml", once=True)
    assert {key: (row["pay_value"], row["renewal_end_time"]) for key, row in platform.held.items()} == {
        "20260901080000123": (28_000, "2026-09-30T23:59:59Z"),
        "20260902080000123": (60_000, "2026-10-30T23:59:59Z"),
    }


def test_status_of_payment_is_asked_about(written: Init) -> None:
    table = (
        "create table renew_record(id integer primary key,open_id text,order_sn text,prepay_id text,pay_id text,car_number text,"
        "parking_id integer,month_count integer,cost decimal(10,2),service_charge decimal(10,2),pay_status integer,"
        "create_time datetime)"
    )
    rows = [
        (1, "o1", "SN001", "wx1", "p1", "粤B12345", 7, 3, "900.50", "5.40", 1, "2026-09-01 08:00:00"),
        (2, "o2", "SN002", "wx2", None, "粤B67890", 7, 1, "300.00", "1.80", 0, "2026-09-01 09:00:00"),
    ]
    text = written(table, rows)
    assert line_of(text, "pay_partner") == 'pay_partner = "order_sn"'
    assert line_of(text, "pay_value") == 'pay_value = { column = "cost", unit = "yuan" }'
    assert line_of(text, "quantity") == 'quantity = "month_count"'
    assert "# ? is this the time of the payment" in line_of(text, "pay_time")
    assert "# ? pay_status has the values 1, 0: which of them are paid renewals" in text
    assert "# ? renewal_end_time: no column found" in text


def test_fractions_of_seven_digits_need_no_format(written: Init, platform: OddPlatform, tmp_path: Path) -> None:
    table = (
        "create table RenewalRecords(Id integer primary key,OrderNo text,PlateNumber text,PlateColor int,ChargeTypeId text,"
        "VipType int,"
        "Quantity int,PayMethod int,PaidAmount text,PaidAt text,ValidFrom text,ValidTo text,UpdatedAt text)"
    )
    times = ["2026-09-01 08:00:00.1234567", "2026-09-01 08:00:00", "2026-09-01 08:00:00.12"]
    rows = [
        (
            n,
            f"N{n}",
            f"粤B6789{n}",
            1,
            "M1",
            1,
            1,
            1,
            "300.0",
            time,
            "2026-09-01 00:00:00",
            "2026-09-30 23:59:59.9999999",
            time,
        )
        for n, time in enumerate(times, 1)
    ]
    text = written(table, rows)
    assert line_of(text, "pay_time") == 'pay_time = "PaidAt"'
    assert line_of(text, "renewal_end_time") == 'renewal_end_time = "ValidTo"'
    assert "are they the interface's codes" in line_of(text, "pay_type")
    run(tmp_path / "a.toml", once=True)
    assert sorted(platform.held) == ["N1", "N2", "N3"]


def test_midnight_as_an_end_is_asked_about_and_the_answer_is_sent(
    written: Init, platform: OddPlatform, tmp_path: Path
) -> None:
    table = "create table renew(order_no text, plate text, pay_type text, start_date text, end_date text)"
    text = written(table, [("A1", "粤B12345", "现金", "2026-09-01 00:00:00", "2026-09-30 00:00:00")])
    line = line_of(text, "renewal_end_time")
    assert line.startswith(
        'renewal_end_time = { column = "end_date", end_of_day = true }   # ? 1 of 1 ends are midnights'
    )
    run(tmp_path / "a.toml", once=True)
    assert platform.held["A1"]["renewal_end_time"] == "2026-09-30T15:59:59Z"
