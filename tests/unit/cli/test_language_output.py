"""What the agent's commands print in Chinese: no English but for names."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from typer import rich_utils

from vipgate.agent.translations import CHINESE
from vipgate.cli.app import command_line
from vipgate.cli.translated_help import _FIXED, run_translated, translated_command
from vipgate.errors import VipgateError
from vipgate.i18n import register_chinese, set_language

Run = Callable[..., str]

# Names: of this program and its parts, of formats, protocols and other programs, of settings and arguments.
NAMES: Final = re.compile(
    r"\b(?:vipgate|agent|push|run|status|init|check|verify|dead|list|show|export|retry|discard|install-service|page"
    r"|CONFIG|FILE|NUMBER|NAME|PATH|TOML|UUID|URL|HTTP|JSON|json|jsonl|CSV|HTML|XML|Excel|OpenDocument|PDF|SQLite|SELECT"
    r"|Linux|Windows|systemd|VIPGATE_LANGUAGE|UTF-8|MiB|NTP|env|file|zh|en|text|query|table|database|map|filter|sudo|docs"
    r"|toml|xlsx|xls|csv|sqlite|spool|Path|chmod|park|uuid|secret|GBK|yuan|fen|column|constant|quantity|id|NULL)\b"
)
# Arguments, types, addresses, quoted words and names with dots, underscores or slashes.
NOTATION: Final = re.compile(
    r"--[\w-]+|<[^<>]*>|\[\d+<=x<=\d+\]|https?://\S+|[a-z]+:///?\S*|'[^']*'|\"[^\"]*\"|`[^`]*`|[\w./-]*[_/.][\w./-]*|\[[yY]/N\]"
)
CONFIG: Final = """
[platform]
url = "http://127.0.0.1:9"
park_uuid = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"
secret = "env:NO_SUCH_VARIABLE"
timeout = 3
[source]
file = "续费.csv"
table = "续费"
[map]
plate = 3
vip_type = { column = "卡", codes = 3, unit = "yuan" }
pay_value = { column = "钱", unit = "dollar" }
"""


@pytest.fixture(autouse=True)
def in_chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*_FIXED, "rich_format_error"):
        monkeypatch.setattr(rich_utils, name, getattr(rich_utils, name))
    monkeypatch.setenv("COLUMNS", "200")
    register_chinese(CHINESE)
    set_language("zh")
    yield
    set_language("en")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; returns what it prints and how it fails."""

    def call(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["vipgate", *words])
        error = ""
        try:
            run_translated(command_line(words))
        except SystemExit:
            pass
        except VipgateError as found:
            error = str(found)
        printed = capsys.readouterr()
        return printed.out + printed.err + error

    return call


def english(text: str, folder: Path | None = None) -> list[str]:
    """The English words in a text that are no names."""
    bare = text if folder is None else text.replace(str(folder), "")
    return re.findall("[A-Za-z]{2,}", NAMES.sub(" ", NOTATION.sub(" ", bare)))


def all_commands() -> list[str]:
    root = translated_command(command_line())
    found = ["push", "agent"]
    for name, command in root.commands["agent"].commands.items():
        found += [f"agent {name}", *(f"agent {name} {inner}" for inner in getattr(command, "commands", {}))]
    return found


@pytest.mark.parametrize("command", all_commands())
def test_help_is_chinese(command: str, run: Run) -> None:
    shown = run(*command.split(), "--help")
    assert "用法：" in shown
    assert english(shown) == []


@pytest.mark.parametrize("command", ["agent", "agent run", "push"])
def test_help_is_whole_in_a_narrow_terminal(command: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich cuts off what does not fit into a column, and Chinese has no blanks to break it at."""
    monkeypatch.setenv("COLUMNS", "80")
    assert not re.search(r"[\u3000-\u9fff]…", run(*command.split(), "--help"))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("agent", "命令"),
        ("agent nothing", "没有命令 'nothing'。"),
        ("agent run", "缺少参数 'CONFIG'。"),
        ("agent run x.toml --onse", "没有选项 --onse"),
        ("agent run x.toml y.toml", "多余的参数：y.toml"),
        ("agent run x.toml --spool", "选项 '--spool' 后面要写一个值。"),
        ("agent run x.toml --once=1", "选项 '--once' 后面不能写值。"),
        ("agent dead show x.toml one", "应为整数"),
        ("agent status x.toml --format csv", "不是"),
        ("push x.csv --header-line 0", "应不小于 1"),
        ("push x.csv --header-line 2000", "应不大于 1000"),
        ("push x.csv", "请写 --url、--park 和 --secret"),
        ("agent status /no/such.toml", "无法读取 /no/such.toml：没有这个文件或目录"),
    ],
)
def test_wrong_arguments_are_named_in_chinese(words: str, shown: str, run: Run) -> None:
    found = run(*words.split())
    assert shown in found
    assert english(found) == []


def test_all_faults_of_a_configuration_are_chinese(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "park.toml"
    path.write_text(CONFIG, encoding="utf-8")
    found = run("agent", "status", str(path))
    assert len(found.splitlines()) > 9
    assert english(found, tmp_path) == []


def test_check_status_and_dead_letters_are_chinese(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPGATE_PARK_SECRET", "s" * 16)
    rows = [(1, "粤B10001", "A1", "月卡"), (2, "粤B10002", "A2", "双月卡"), (3, "粤B10003", "无", "月卡")]
    with sqlite3.connect(tmp_path / "park.db") as db:
        db.execute("CREATE TABLE 续费 (编号 INTEGER PRIMARY KEY, 车牌号 TEXT, 订单号 TEXT, 卡类型 TEXT)")
        db.executemany("INSERT INTO 续费 VALUES (?, ?, ?, ?)", rows)
    path = tmp_path / "park.toml"
    source = ["--source", "sqlite:///park.db", "--table", "续费"]
    park = ["--url", "http://127.0.0.1:9", "--park-uuid", "p", "--secret", "env:VIPGATE_PARK_SECRET"]
    monkeypatch.chdir(tmp_path)
    made = run("agent", "init", str(path), *park, *source)
    assert "已写入" in made
    assert re.findall("[a-z]{3,} [a-z]{2,}", path.read_text(encoding="utf-8")) == []
    checked = run("agent", "check", str(path))
    assert "无法连接 http://127.0.0.1:9" in checked
    assert english(checked, tmp_path) == []
    assert english(run("agent", "status", str(path)), tmp_path) == []
    assert english(run("agent", "dead", "list", str(path)), tmp_path) == []
    assert english(run("agent", "dead", "discard", str(path)), tmp_path) == []
