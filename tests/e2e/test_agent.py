"""The agent as a technician runs it: a real park database, a real gateway, the commands in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bench.park import insert_now, make_park, write_config
from bench.records import SECRET

from support.fork_server import run_vipgate
from support.gateway_process import Gateway
from support.table_files import HEADER, RECORD, html_text, text_of, xlsx_bytes, xml_rows, xml_text
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import Filter

PARK = "park-a"
WAIT_S = 30.0


@dataclass
class Park:
    """One park's folder: its database, and the agent's configuration."""

    folder: Path
    gateway: Gateway
    config: Path

    def agent(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_vipgate(["agent", *command.split(), str(self.config), *arguments], Path.cwd())

    def start(self) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "vipgate", "agent", "run", str(self.config)]
        return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)

    def change(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "park.db", timeout=30)) as db, db:
            db.execute(statement)

    def edit(self, before: str, after: str) -> None:
        text = self.config.read_text(encoding="utf-8")
        assert before in text
        self.config.write_text(text.replace(before, after), encoding="utf-8")

    def held(self) -> dict[str, Renewal]:
        with self.gateway.store() as store:
            return {one.renewal.pay_partner: one.renewal for one in store.iter_records(PARK, Filter())}

    def dead(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.agent("dead list", "--format", "jsonl").stdout.splitlines()]


@pytest.fixture
def park(tmp_path: Path) -> Iterator[Park]:
    gateway = Gateway(tmp_path)
    gateway.add_park(PARK, SECRET)
    gateway.start()
    folder = tmp_path / "park"
    folder.mkdir(0o700)
    make_park(folder, 2_500)
    made = Park(folder, gateway, write_config(folder, gateway.port, PARK, lag_s=0))
    # What an older copy may overtake is sent again after three of these.
    made.edit("[platform]\n", "[platform]\ntimeout_s = 2\n")
    yield made
    if gateway.process is not None:
        gateway.kill()


def eventually(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_snapshot_arrives_exactly_and_a_second_run_sends_nothing(park: Park) -> None:
    assert park.agent("run", "--once").returncode == 0
    held = park.held()
    assert len(held) == 2_500
    one = held["XF000000000007"]
    assert (one.plate, one.plate_color, one.vip_type, one.pay_type) == ("粤B55433", 2, 6, 2)
    assert one.pay_value_fen == 30_007
    # 2024-01-01 00:07 in Beijing.
    assert one.pay_time_ms == 1_704_038_820_000
    status = json.loads(park.agent("status", "--format", "json").stdout)
    assert (status["snapshot_done"], status["backlog"], status["dead_letters"]) == (2_500, 0, 0)
    # Behind the newest row by the cursor's grain, which is a minute here.
    assert status["acknowledged_to"] == status["read_to"] == '["2024-01-02 17:39:00"]'
    assert (status["sweep_total"], status["sweep_found"], status["warnings"]) == (2_500, {}, [])
    assert 0 < status["truth_age_s"] < WAIT_S
    again = park.agent("run", "--once")
    assert '"acknowledged": 0' in again.stderr


def test_changes_arrive_while_it_runs_and_after_a_kill(park: Park) -> None:
    agent = park.start()
    try:
        eventually(lambda: len(park.held()) == 2_500)
        order = insert_now(park.folder / "park.db", 5_000)
        eventually(lambda: order in park.held())
        agent.send_signal(signal.SIGKILL)
        agent.wait(WAIT_S)
        park.change("UPDATE 续费记录 SET 实收 = 1.01, 更新时间 = '2030-01-01 00:00:00' WHERE 编号 = 3")
        agent = park.start()
        eventually(lambda: park.held()["XF000000000003"].pay_value_fen == 101)
    finally:
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(WAIT_S) == 0


def test_row_that_is_wrong_is_a_dead_letter_until_the_mapping_is_mended(park: Park) -> None:
    park.change("UPDATE 续费记录 SET 类型 = '周卡' WHERE 编号 IN (10, 11)")
    park.change("UPDATE 续费记录 SET 数量 = -1 WHERE 编号 = 12")
    done = park.agent("run", "--once")
    assert done.returncode == 3
    assert "3 dead letters" in done.stderr
    assert len(park.held()) == 2_497
    letters = {letter["pay_partner"]: letter for letter in park.dead()}
    assert letters["XF000000000010"]["place"] == "编号=10"
    assert "类型" in letters["XF000000000010"]["reason"]
    assert "周卡" in letters["XF000000000010"]["reason"]
    assert letters["XF000000000012"]["source"]["数量"] == -1
    park.edit('"月租" = 1', '"月租" = 1, "周卡" = 4')
    assert "2 queued, 1 still wrong" in park.agent("dead retry", "--all").stdout
    assert park.agent("run", "--once").returncode == 3
    assert park.held()["XF000000000010"].vip_type == 4
    # Fixed at the source, it is read by itself.
    park.change("UPDATE 续费记录 SET 数量 = 1, 更新时间 = '2030-01-01 00:00:00' WHERE 编号 = 12")
    assert park.agent("run", "--once").returncode == 0
    assert park.dead() == []
    assert len(park.held()) == 2_500


def test_dead_letters_are_shown_exported_and_discarded(park: Park) -> None:
    park.change("UPDATE 续费记录 SET 套餐 = '' , 收费员 = '=1+1' WHERE 编号 = 10")
    park.agent("run", "--once")
    [letter] = park.dead()
    number = str(letter["number"])
    assert "charge_type" in park.agent("dead show", number).stdout
    assert "'=" not in park.agent("dead export", "--format", "text").stdout.splitlines()[0]
    assert json.loads(park.agent("dead export").stdout)["pay_partner"] == "XF000000000010"
    assert "no dead letter 99" in park.agent("dead show", "99").stderr
    assert park.agent("dead discard", number, "--yes").returncode == 0
    assert park.dead() == []


def test_what_differs_is_found_and_only_that_is_sent(park: Park) -> None:
    park.agent("run", "--once")
    assert park.agent("verify").returncode == 0
    # Changes that the cursor does not tell of.
    park.change("UPDATE 续费记录 SET 实收 = 7 WHERE 编号 = 100")
    park.change("DELETE FROM 续费记录 WHERE 编号 = 200")
    found = park.agent("verify", "--format", "json")
    assert found.returncode == 1
    report = json.loads(found.stdout)
    assert report["different"]["pay_partner"] == ["XF000000000100"]
    assert report["only_on_the_platform"]["pay_partner"] == ["XF000000000200"]
    assert report["missing_on_the_platform"]["count"] == 0
    repaired = park.agent("verify", "--repair")
    assert repaired.returncode == 0
    assert "1 sent" in repaired.stderr
    assert park.held()["XF000000000100"].pay_value_fen == 700
    assert "XF000000000200" in park.held()


def test_replace_deletes_what_the_source_has_no_more(park: Park) -> None:
    park.agent("run", "--once")
    park.change("DELETE FROM 续费记录 WHERE 编号 > 2000")
    asked = park.agent("run", "--once", "--replace")
    assert asked.returncode == 1
    assert "holds 2500 records" in asked.stdout
    assert len(park.held()) == 2_500
    assert park.agent("run", "--once", "--replace", "--yes").returncode == 0
    assert len(park.held()) == 2_000


def test_source_without_a_cursor_is_compared(park: Park) -> None:
    park.edit('cursor = ["更新时间", "编号"]\n', "")
    assert park.agent("run", "--once").returncode == 0
    park.change("UPDATE 续费记录 SET 实收 = 9 WHERE 编号 = 42")
    done = park.agent("run", "--once")
    assert done.returncode == 0
    # Twice where a copy of the version before may still be under way.
    assert '"acknowledged": 1' in done.stderr or '"acknowledged": 2' in done.stderr
    assert park.held()["XF000000000042"].pay_value_fen == 900


def test_file_that_a_spreadsheet_rounded_becomes_dead_letters_until_it_is_exported_again(park: Park) -> None:
    park.edit(
        'database = "sqlite:///park.db"\ntable = "续费记录"\ncursor = ["更新时间", "编号"]\n', 'file = "park.csv"\n'
    )
    names = [
        "订单号", "车牌号", "颜色", "卡号", "套餐", "类型", "数量", "支付方式", "实收", "收费时间", "开始时间", "结束时间",
        "收费员",
    ]  # fmt: skip
    cells = ["粤B12345", "蓝", "", "A", "月租", "1", "现金", "300", *["2026-09-01 08:00:00"] * 3, ""]
    whole = [f"2024110512{number:05}{number:03}" for number in range(101, 2_301)]
    table = park.folder / "park.csv"

    def write(orders: list[str]) -> None:
        table.write_bytes(text_of([names, *([order, *cells] for order in orders)]).encode())

    write([f"{order[:15]}000" for order in whole])
    assert park.agent("run", "--once").returncode == 3
    assert (len(park.held()), len(park.dead())) == (0, 2_200)
    assert "has rounded the long numbers" in park.dead()[0]["reason"]
    write(whole)
    assert park.agent("run", "--once").returncode == 0
    assert (set(park.held()), park.dead()) == (set(whole), [])


def test_value_that_no_filter_names_is_named_until_somebody_judges_it(park: Park) -> None:
    park.change("UPDATE 续费记录 SET 类型 = '周卡' WHERE 编号 <= 3")
    filters = '\n[[filter]]\ncolumn = "类型"\nin = ["{sent}"]\nnot_in = ["{other}"]\n'
    with closing(sqlite3.connect(park.folder / "park.db")) as db:
        kinds = {kind for (kind,) in db.execute("SELECT DISTINCT 类型 FROM 续费记录")} - {"周卡"}
    with park.config.open("a", encoding="utf-8") as file:
        file.write(filters.format(sent='", "'.join(sorted(kinds)), other="x"))
    assert park.agent("run", "--once").returncode == 0
    assert not {"XF000000000001", "XF000000000002"} & set(park.held())
    [warning] = json.loads(park.agent("status", "--format", "json").stdout)["warnings"]
    assert warning.startswith("3 rows are not sent because of values that no filter names: 类型 = '周卡' (3)")
    park.edit('not_in = ["x"]', 'not_in = ["周卡"]')
    assert park.agent("run", "--once").returncode == 0
    assert json.loads(park.agent("status", "--format", "json").stdout)["warnings"] == []


def test_second_agent_on_a_spool_says_so_and_stops(park: Park) -> None:
    agent = park.start()
    try:
        eventually(lambda: len(park.held()) == 2_500)
        second = park.agent("run", "--once")
        assert second.returncode == 1
        assert f"locked by process {agent.pid}" in second.stderr
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(WAIT_S)


def test_wrong_secret_stops_the_sending_and_says_what_to_check(park: Park) -> None:
    park.edit(SECRET, "another")
    done = park.agent("run", "--once")
    assert done.returncode == 1
    assert "401" in done.stderr
    assert park.held() == {}
    checked = park.agent("check")
    assert checked.returncode == 1
    assert "check park_uuid and secret" in checked.stdout
    park.edit("another", SECRET)
    assert park.agent("check").returncode == 0
    assert park.agent("run", "--once").returncode == 0
    assert len(park.held()) == 2_500


def test_park_of_another_charset_stops_the_sending_and_no_row_is_blamed(park: Park) -> None:
    assert park.gateway.command("park", "set", PARK, "--charset", "gbk").returncode == 0
    done = park.agent("run", "--once")
    assert done.returncode == 1
    assert "--charset utf-8" in done.stderr
    assert (park.held(), park.dead()) == ({}, [])
    checked = park.agent("check")
    assert checked.returncode == 1
    assert "an agent writes UTF-8" in checked.stdout
    assert park.gateway.command("park", "set", PARK, "--charset", "utf-8").returncode == 0
    # The gateway remembers a park for half a second.
    assert any(park.agent("check").returncode == 0 for _ in range(20))
    assert park.agent("run", "--once").returncode == 0
    assert len(park.held()) == 2_500


def test_platform_that_is_away_is_waited_for(park: Park) -> None:
    park.gateway.kill()
    agent = park.start()
    try:
        eventually(lambda: "cannot connect" in park.agent("status").stdout)
        park.gateway.start("--port", str(park.gateway.port))
        eventually(lambda: len(park.held()) == 2_500)
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(WAIT_S)


def test_spool_of_another_source_is_refused(park: Park) -> None:
    park.agent("run", "--once")
    park.edit(PARK, "park-b")
    done = park.agent("run", "--once")
    assert done.returncode == 1
    assert "belongs to another park or source" in done.stderr


def test_init_proposes_a_mapping_that_sends(park: Park) -> None:
    made = park.folder / "made.toml"
    words = [
        sys.executable, "-m", "vipgate", "agent", "init", str(made), "--url", f"http://127.0.0.1:{park.gateway.port}",
        "--park-uuid", PARK, "--secret", "env:PARK_SECRET", "--source", "sqlite:///park.db", "--table", "续费记录",
    ]  # fmt: skip
    environment = os.environ | {"PARK_SECRET": SECRET}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"pay_partner"') == 10
    words = [sys.executable, "-m", "vipgate", "agent", "run", str(made), "--once"]
    assert subprocess.run(words, env=environment, timeout=60, check=False, capture_output=True).returncode == 0
    assert park.held()["XF000000000007"].pay_value_fen == 30_007


def test_unit_that_systemd_reads_names_the_files(park: Park) -> None:
    unit = park.agent("install-service", "--print", "--user", "parking").stdout
    assert f'"agent" "run" "{park.config}" "--spool" "{park.config.with_suffix(".spool")}"' in unit
    assert "User=parking" in unit
    assert "Restart=always" in unit
    assert f'ReadWritePaths="{park.folder}"' in unit


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is who sudo makes one")
def test_service_that_sudo_installs_runs_as_its_caller(park: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "technician")
    assert "User=technician\n" in park.agent("install-service", "--print").stdout
    assert "User=parking\n" in park.agent("install-service", "--print", "--user", "parking").stdout


def pushed(park: Park, *words: str) -> subprocess.CompletedProcess[str]:
    address = ["--url", f"http://127.0.0.1:{park.gateway.port}", "--park", PARK, "--secret", "env:PARK_SECRET", "--yes"]
    command = [sys.executable, "-m", "vipgate", "push", *words, *([] if "--config" in words else address)]
    environment = os.environ | {"PARK_SECRET": SECRET}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def test_files_are_pushed_by_hand(park: Park) -> None:
    lines = park.folder / "some.jsonl"
    good = '{"plate":"粤B12345","plate_color":1,"charge_type":"1","vip_type":1,"quantity":1,"pay_partner":"L1","pay_type":1}'
    lines.write_text(f"{good}\n{good.replace('L1', 'L2').replace('粤B12345', '')}\n", encoding="utf-8")
    table = park.folder / "some.csv"
    table.write_text("车牌号,订单号,金额,套餐\n粤B54321,C1,12.50,A\n粤B54322,C2,abc,A\n", encoding="gbk")
    said = ["--constant", "vip_type=1", "--constant", "quantity=1", "--constant", "pay_type=1"]
    assert "pay_type (no column found: was every one paid in cash (1)?)" in pushed(park, str(lines), str(table)).stderr
    done = pushed(park, str(lines), str(table), *said)
    assert done.returncode == 3, done.stderr
    assert done.stdout.splitlines()[-1] == "2 sent, 2 refused"
    assert "some.jsonl, line 2: plate: required" in done.stderr
    assert "some.csv, line 3: " in done.stderr
    assert {key: one.pay_value_fen for key, one in park.held().items()} == {"L1": None, "C1": 1250}


MESSY = [
    (xlsx_bytes(说明=[["填写说明"]], 续费=[["九月续费"], HEADER, RECORD, ["合计", "", "300"]]), "row 4 (合计)"),
    (html_text([["九月续费"], HEADER, RECORD, HEADER]).encode("gb18030"), "row 4 (订单号)"),
    (xml_text({"Sheet1": xml_rows([HEADER, RECORD, ["共 1 条"]])}).encode(), "row 3 (共 1 条)"),
    (text_of([["sep=\t"], HEADER, ["'A1", *RECORD[1:-1], f'="{RECORD[-1]}"'], ["Total", "300"]], "\t").encode("utf-16"),
     "line 4 (Total)"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "left_out"), MESSY, ids=["xlsx", "html", "xml", "tabs"])
def test_file_is_pushed_by_what_it_is(park: Park, content: bytes, left_out: str) -> None:
    (park.folder / "九月.xls").write_bytes(content)
    done = pushed(park, str(park.folder / "九月.xls"))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 sent, 0 refused"), done.stderr
    assert f"1 lines that are no records left out: {left_out}" in done.stderr
    [held] = park.held().values()
    assert (held.pay_partner, held.plate, held.pay_value_fen, held.pay_time_ms) == (
        "A1",
        "粤B12345",
        30_000,
        1_788_220_800_000,
    )


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("实收金额", "#DIV/0!", "the cell holds an error, not a value; correct it in the sheet, got #DIV/0!"),
        ("实收金额", "=150*2", "the cell holds a formula without its value"),
        ("实收金额", "3.0E+02", "a number in scientific notation is rounded"),
        ("订单号", "2.02207E+18", "a number in scientific notation is rounded"),
        ("订单号", 2022072512345928259, "a number too long to be exact has been rounded"),
    ],
)
def test_cell_without_a_value_refuses_its_row(park: Park, name: str, value: object, told: str) -> None:
    record = [value if column == name else cell for column, cell in zip(HEADER, RECORD, strict=True)]
    others = [["A2", *RECORD[1:]], ["A3", *RECORD[1:]]]
    (park.folder / "a.xlsx").write_bytes(xlsx_bytes(S=[HEADER, others[0], record, others[1]]))
    done = pushed(park, str(park.folder / "a.xlsx"))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (3, "2 sent, 1 refused"), done.stderr
    assert f"a.xlsx, row 3: {name}: {told}" in done.stderr
    assert set(park.held()) == {"A2", "A3"}


def test_push_is_told_where_the_table_is(park: Park) -> None:
    lines = [["甲", "乙"], HEADER, ["订单号", "车牌号", *HEADER[2:]], RECORD]
    (park.folder / "a.xlsx").write_bytes(xlsx_bytes(八月=[HEADER, ["A0", *RECORD[1:]]], 九月=lines))
    done = pushed(park, str(park.folder / "a.xlsx"))
    assert "九月 hold tables, too, and are not: set source.sheet (vipgate push: --sheet)" in done.stderr
    assert set(park.held()) == {"A0"}
    assert pushed(park, str(park.folder / "a.xlsx"), "--sheet", "九月", "--header-line", "3").returncode == 0
    assert set(park.held()) == {"A0", "A1"}
    (park.folder / "b.csv").write_bytes(text_of([HEADER, ["A3", *RECORD[1:]]]).encode("gb18030"))
    assert (
        "fix source.encoding (vipgate push: --encoding)"
        in pushed(park, str(park.folder / "b.csv"), "--encoding", "ascii").stderr
    )
    assert pushed(park, str(park.folder / "b.csv"), "--encoding", "gbk").returncode == 0
    assert set(park.held()) == {"A0", "A1", "A3"}


def test_push_uses_the_mapping_of_a_configuration(park: Park) -> None:
    config = park.folder / "file.toml"
    config.write_text(
        f"""
        [platform]
        url = "http://127.0.0.1:{park.gateway.port}"
        park_uuid = "{PARK}"
        secret = "env:PARK_SECRET"
        [source]
        file = "elsewhere.csv"
        [map]
        plate = "甲"
        plate_color = {{ constant = -1 }}
        charge_type = {{ constant = "M1" }}
        vip_type = {{ constant = 1 }}
        quantity = {{ constant = 2 }}
        pay_partner = "乙"
        pay_type = {{ constant = 1 }}
        [[filter]]
        column = "丙"
        in = ["已付"]
        """,
        encoding="utf-8",
    )
    (park.folder / "a.csv").write_text("月报\n甲,乙,丙\n粤B12345,X1,已付\n粤B12345,X2,作废\n", encoding="utf-8")
    done = pushed(park, str(park.folder / "a.csv"), "--config", str(config))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 sent, 0 refused"), done.stderr
    [held] = park.held().values()
    assert (held.pay_partner, held.quantity) == ("X1", 2)
