"""The agent's configuration: all that is wrong is told at once, by place, value and remedy; nothing is read over in silence."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from vipgate.agent.config import Config, load_config
from vipgate.agent.config_map import Member
from vipgate.agent.mapping.mapper import Mapper
from vipgate.errors import UsageError
from vipgate.protocol.renewal import MEMBERS

PLATFORM = """
[platform]
url = "http://127.0.0.1:8080"
park_uuid = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"
secret = "12323232323"
"""
SOURCE = """
[source]
database = "sqlite:///park.db"
query = "SELECT * FROM 续费记录"
cursor = ["更新时间", "编号"]
lag_s = 5
poll_s = 1
time_zone = "Asia/Shanghai"
"""
MAP = """
[map]
plate = "车牌号"
plate_color = { column = "颜色", codes = { "蓝" = 1, "黄" = 2, "绿" = 5 }, default = -1 }
charge_type = "套餐"
vip_type = { constant = 1 }
quantity = "数量"
pay_partner = "订单号"
pay_type = { column = "支付方式", codes = { "现金" = 1 } }
pay_value = { column = "实收", unit = "yuan" }
pay_time = { column = "收费时间", format = "%Y-%m-%d %H:%M:%S" }
lane = "车道"
"""

Load = Callable[[str], Config]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def from_text(text: str) -> Config:
        path = tmp_path / "park.toml"
        path.write_text(text, encoding="utf-8")
        return load_config(path)

    return from_text


def faults_of(load: Load, text: str) -> list[str]:
    with pytest.raises(UsageError) as told:
        load(text)
    return str(told.value).splitlines()


def test_form_that_was_promised_is_read(load: Load, tmp_path: Path) -> None:
    config = load(PLATFORM + SOURCE + MAP + '[[filter]]\ncolumn = "状态"\nin = [" 已付 ", 1, 2.0, true]\n')
    assert config.path == tmp_path / "park.toml"
    assert (config.platform.secret, config.platform.batch_rows, config.platform.in_flight) == ("12323232323", 1000, 4)
    assert config.source.cursor == (("更新时间",), ("编号",))
    assert (config.source.lag_s, config.source.poll_s) == (5.0, 1.0)
    assert config.members["plate"] == Member(column="车牌号")
    assert config.members["plate_color"] == Member(column="颜色", codes={"蓝": 1, "黄": 2, "绿": 5}, default=-1)
    assert config.members["vip_type"] == Member(constant=1)
    assert config.members["lane"] == Member(column="车道")
    assert config.filters[0].allowed == frozenset({"已付", "1", "2"})
    assert config.spool.bytes_max == 2 * 1024**3
    assert (config.log.bytes_max, config.log.keep, config.metrics.port) == (10 * 1024**2, 5, None)


def test_filter_may_name_what_is_sent_and_what_is_not(load: Load) -> None:
    made = load(
        PLATFORM + "[source]\nfile = 'a.csv'\n" + MAP + "[[filter]]\ncolumn = 'a'\nin = ['x', 1]\nnot_in = ['y']\n"
    )
    [found] = made.filters
    assert (found.allowed, found.refused) == (frozenset({"x", "1"}), frozenset({"y"}))


def test_all_settings_are_taken(load: Load, tmp_path: Path) -> None:
    text = PLATFORM + "timeout_s = 2\nbatch_rows = 7\nin_flight = 2\nca_file = 'ca.pem'\n"
    text += "[source]\nfile = '续费.csv'\nencoding = 'gbk'\ndelimiter = ';'\nheader_line = 3\n" + MAP
    text += "[[filter]]\ncolumn = 'a'\nnot_in = ['x']\n[spool]\nbytes_max = 2000000\n"
    text += (
        "[log]\nfile = 'a.log'\nbytes_max = 5000\nkeep = 2\n[metrics]\nfile = 'm.prom'\nport = 9105\nhost = '0.0.0.0'\n"
    )
    config = load(text)
    assert (config.platform.timeout_s, config.platform.batch_rows, config.platform.in_flight) == (2.0, 7, 2)
    assert (config.platform.ca_file, config.log.file) == (tmp_path / "ca.pem", tmp_path / "a.log")
    assert (config.source.file, config.source.encoding) == (tmp_path / "续费.csv", "gbk")
    assert (config.source.delimiter, config.source.header_line) == (";", 3)
    assert (config.filters[0].refused, config.filters[0].allowed) == (frozenset({"x"}), None)
    assert (config.spool.bytes_max, config.log.bytes_max, config.log.keep) == (2_000_000, 5000, 2)
    assert (config.metrics.file, config.metrics.port, config.metrics.host) == (tmp_path / "m.prom", 9105, "0.0.0.0")  # noqa: S104


def test_word_for_exact_numbers_does_not_change_what_the_mapping_sends(load: Load) -> None:
    plain, exact = (
        load(PLATFORM + SOURCE + MAP.replace('"订单号"', to))
        for to in ('"订单号"', '{ column = "订单号", exact = true }')
    )
    assert (plain.members["pay_partner"].exact, exact.members["pay_partner"].exact) == (None, True)
    assert plain.mapping_fingerprint == exact.mapping_fingerprint


def test_every_fault_is_told_at_once(load: Load) -> None:
    text = PLATFORM.replace("http://", "ftp://") + "timeout = 3\nin_flight = 99\n" + SOURCE + MAP + "[spol]\n"
    assert faults_of(load, text) == [
        "park.toml: platform.in_flight: must be a whole number from 1 to 16, got 99",
        "park.toml: platform.url: must begin with http:// or https://, got 'ftp://127.0.0.1:8080'",
        "park.toml: platform.timeout: there is no such setting; did you mean timeout_s?",
        "park.toml: spol: there is no such setting; did you mean spool?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('park_uuid = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"', "", "platform.park_uuid: is missing"),
        ('query = "SELECT * FROM 续费记录"', "", "source.table: give either table or query"),
        ('query = "SELECT * FROM 续费记录"', 'query = "a"\ntable = "b"', "source.table: give either table or query"),
        ('database = "sqlite:///park.db"', "", "source.database: give either database or file"),
        ('database = "sqlite:///park.db"', 'file = "a.csv"', "source.table: a file has neither table nor query"),
        ('["更新时间", "编号"]', "[1]", "source.cursor: must be"),
        ('["更新时间", "编号"]', '["a", "b", "c"]', "source.cursor: must be"),
        ('"Asia/Shanghai"', '"Asia/Beijing"', "source.time_zone: is no time zone; for example Asia/Shanghai"),
        ("poll_s = 1", "poll_s = 0", "source.poll_s: must be a number from 0.1"),
        ("poll_s = 1", "poll_s = true", "source.poll_s: must be a number from 0.1"),
        ("poll_s = 1", 'delimiter = ";;"', "source.delimiter: must be one character"),
        ('plate = "车牌号"', 'plat = "车牌号"', "map.plate: is missing: the interface wants it; did you mean it by plat?"),
        ('plate = "车牌号"', "plate = 3", "map.plate: must be a column's name"),
        ('plate = "车牌号"', "plate = {}", "map.plate.column: give either column or constant"),
        ('plate = "车牌号"', 'plate = { column = "a", colum = 1 }', "map.plate.colum: there is no such setting; did you mean"),
        ("{ constant = 1 }", '{ constant = 1, column = "a" }', "map.vip_type.column: give either column or constant"),
        ("{ constant = 1 }", "{ constant = true }", "map.vip_type.constant: must be a text or a number, got True"),
        ("{ constant = 1 }", "{ constant = 99999999999999999999 }", "map.vip_type.constant: must be a text or a number"),
        ("{ constant = 1 }", "{ constant = 1, default = 2 }", "map.vip_type.default: a constant is sent as it is"),
        ('unit = "yuan"', 'unit = "dollar"', "map.pay_value.unit: must be one of yuan, fen, got 'dollar'"),
        ('plate = "车牌号"', 'plate = { column = "a", unit = "yuan" }', "map.plate.unit: this member has none"),
        ('plate = "车牌号"', 'plate = { column = "a", format = "%Y" }', "map.plate.format: only times have one"),
        ('"套餐"', '{ column = "套餐", exact = true }', "map.charge_type.exact: only pay_partner has one; leave it out"),
        ('"订单号"', '{ column = "订单号", exact = 1 }', "map.pay_partner.exact: must be true or false, got 1"),
        ('"订单号"', '{ constant = "A", exact = true }', "map.pay_partner.exact: a constant is sent as it is"),
        ('codes = { "现金" = 1 }', 'codes = ["现金"]', "map.pay_type.codes: must be a table like"),
        ('codes = { "现金" = 1 }', 'codes = { "现金" = [1] }', "map.pay_type.codes: must be a table like"),
        ('unit = "yuan"', 'unit = "yuan", codes = { "a" = 1 }', "map.pay_value.codes: give one of codes, unit and format"),
        (
            "[map]", "[[filter]]\ncolumn = 'a'\nin = ['x', 'y']\nnot_in = ['y']\n[map]",
            'filter[0].not_in: has a value that is in `in`, too',
        ),
        ("[map]", "[[filter]]\ncolumn = 'a'\n[map]", "filter[0].in: give in = […], not_in = […] or both"),
        ("[map]", "[[filter]]\ncolumn = 'a'\nin = 'x'\n[map]", "filter[0].in: must be a list of texts or numbers, got 'x'"),
        ("[map]", "[[filter]]\ncolumn = 'a'\nin = []\n[map]", "filter[0].in: must be a list of texts or numbers, got []"),
        ("[map]", "[[filter]]\nin = ['x']\n[map]", "filter[0].column: is missing"),
        ("[map]", "[filter]\ncolumn = 'a'\n[map]", "filter: must be written as [[filter]]"),
    ],
)  # fmt: skip
def test_fault_is_named_by_place_and_remedy(load: Load, old: str, new: str, told: str) -> None:
    text = PLATFORM + SOURCE + MAP
    assert old in text
    faults = faults_of(load, text.replace(old, new))
    assert [fault for fault in faults if fault.startswith(f"park.toml: {told}")], faults


def test_money_constant_with_a_unit_that_counts_for_nothing_is_refused(load: Load) -> None:
    text = (PLATFORM + SOURCE + MAP).replace('{ column = "实收", unit = "yuan" }', '{ constant = 300, unit = "yuan" }')
    [fault] = faults_of(load, text)
    assert "map.pay_value.unit: a constant is sent as it is" in fault


def test_missing_tables_are_named(load: Load) -> None:
    faults = faults_of(load, "")
    for name in ("platform", "source", "map"):
        assert f"park.toml: {name}: the table [{name}] is missing" in faults
    assert "park.toml: map.plate: is missing: the interface wants it" in faults


def test_secret_comes_out_of_variable_and_file(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PLATFORM + SOURCE + MAP
    monkeypatch.setenv("PARK_SECRET", "of-variable\n")
    monkeypatch.setenv("PARK_DATABASE", "sqlite:///other.db")
    text = text.replace('"sqlite:///park.db"', '"env:PARK_DATABASE"')
    config = load(text.replace('"12323232323"', '"env:PARK_SECRET"'))
    assert (config.platform.secret, config.source.database) == ("of-variable", "sqlite:///other.db")
    (tmp_path / "park.secret").write_text("\ufeffof-file\r\n", encoding="utf-8")
    assert load(text.replace('"12323232323"', '"file:park.secret"')).platform.secret == "of-file"


def test_secret_comes_out_of_the_file_of_variables_where_the_process_has_none(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (PLATFORM + SOURCE + MAP).replace('"12323232323"', '"env:PARK_SECRET"')
    monkeypatch.delenv("PARK_SECRET", raising=False)
    (tmp_path / "park.env").write_text("\ufeff# of the park\n\nOTHER=1\nPARK_SECRET = 'a=b c'\n", encoding="utf-8")
    assert load(text).platform.secret == "a=b c"
    monkeypatch.setenv("PARK_SECRET", "of the process")
    assert load(text).platform.secret == "of the process"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"OTHER=1\n", "write PARK_SECRET=… into"),
        (b"PARK_SECRET=\xff\n", "(cannot read park.env: "),
        (b"PARK_SECRET=x\n" + b"#" * 70_000, "more than 65536 characters"),
    ],
)
def test_file_of_variables_that_does_not_help_is_told(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, told: str
) -> None:
    monkeypatch.delenv("PARK_SECRET", raising=False)
    (tmp_path / "park.env").write_bytes(content)
    [fault] = faults_of(load, (PLATFORM + SOURCE + MAP).replace('"12323232323"', '"env:PARK_SECRET"'))
    assert "the variable PARK_SECRET is not set" in fault
    assert told in fault


def test_secret_that_is_not_there_is_told_with_a_remedy(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PLATFORM + SOURCE + MAP
    monkeypatch.delenv("PARK_SECRET", raising=False)
    [fault] = faults_of(load, text.replace('"12323232323"', '"env:PARK_SECRET"'))
    assert "the variable PARK_SECRET is not set" in fault
    [fault] = faults_of(load, text.replace('"12323232323"', '"file:nowhere"'))
    assert f"cannot read {tmp_path / 'nowhere'}: No such file" in fault
    (tmp_path / "empty").write_text(" \n")
    [fault] = faults_of(load, text.replace('"12323232323"', '"file:empty"'))
    assert "is empty" in fault


@pytest.mark.parametrize("kind", ["env", "file"])
@pytest.mark.parametrize("blank", ["", "  "])
def test_secret_that_names_nothing_is_no_secret(load: Load, kind: str, blank: str) -> None:
    text = PLATFORM + SOURCE + MAP
    for place, given in (("platform.secret", '"12323232323"'), ("source.database", '"sqlite:///park.db"')):
        [fault] = faults_of(load, text.replace(given, f'"{kind}:{blank}"'))
        assert fault == f'park.toml: {place}: "{kind}:" names nothing; write env:NAME or file:PATH'


@pytest.mark.parametrize(("chars", "is_taken"), [(4096, True), (4097, False), (9_000_000, False)])
def test_secret_file_is_read_within_a_bound(load: Load, tmp_path: Path, chars: int, is_taken: bool) -> None:
    text = (PLATFORM + SOURCE + MAP).replace('"12323232323"', '"file:park.secret"')
    (tmp_path / "park.secret").write_text("x" * chars)
    if is_taken:
        assert load(text).platform.secret == "x" * chars
        return
    [fault] = faults_of(load, text)
    wanted = f"{tmp_path / 'park.secret'} holds more than 4096 characters; is it the right file?"
    assert fault == f"park.toml: platform.secret: {wanted}"


def test_secret_file_that_is_no_text_or_no_file_is_told(load: Load, tmp_path: Path) -> None:
    text = PLATFORM + SOURCE + MAP
    (tmp_path / "key.der").write_bytes(b"\xff\x00\x01")
    for name in ("key.der", "."):
        [fault] = faults_of(load, text.replace('"12323232323"', f'"file:{name}"'))
        assert fault.startswith(f"park.toml: platform.secret: cannot read {tmp_path / name}: ")
        assert fault.endswith("fix the path or its rights")


def test_secret_is_never_shown(load: Load) -> None:
    text = PLATFORM + SOURCE + MAP
    config = load(text.replace("sqlite:///park.db", "postgresql://u:hidden@h/d"))
    assert "12323232323" not in repr(config)
    assert "hidden" not in repr(config)
    faults = faults_of(load, text.replace('"12323232323"', "12323232323").replace("poll_s = 1", "poll_s = 0"))
    assert "12323232323" not in "".join(faults)


def test_file_that_is_no_configuration_is_told(load: Load, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="vipgate agent init writes one"):
        load_config(tmp_path / "nowhere.toml")
    with pytest.raises(UsageError, match=r"is not valid TOML: .*line 2"):
        load("[platform]\nurl = \n")
    path = tmp_path / "gbk.toml"
    path.write_bytes('url = "车"'.encode("gb18030"))
    with pytest.raises(UsageError, match="is not UTF-8 at byte"):
        load_config(path)
    path.write_bytes(b"#" * 2_000_000)
    with pytest.raises(UsageError, match="that is no configuration"):
        load_config(path)


def test_mark_that_an_editor_puts_before_the_text_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "park.toml"
    path.write_text(PLATFORM + SOURCE + MAP, encoding="utf-8-sig")
    assert load_config(path).platform.url == "http://127.0.0.1:8080"


def test_file_of_the_manual_is_read_as_it_stands(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPGATE_PARK_SECRET", "of-variable")
    manual = (Path(__file__).parents[3] / "docs" / "agent.md").read_text(encoding="utf-8")
    _, _, behind = manual.partition("```toml\n")
    config = load(behind.partition("```")[0])
    assert (config.platform.secret, config.platform.timeout_s) == ("of-variable", 30.0)
    assert (config.source.query, config.source.cursor) == ("SELECT * FROM 续费记录", (("更新时间",), ("编号",)))
    assert set(MEMBERS) > set(config.members) > {"pay_value", "renewal_end_time"}
    assert (config.filters[0].column, config.filters[0].allowed) == ("状态", frozenset({"已付"}))
    assert (config.spool.bytes_max, config.log.bytes_max, config.log.keep) == (2147483648, 10485760, 5)


@pytest.mark.parametrize("form", ["%Q", "%", "%H:%M", "yyyy-MM-dd", "S", "%Y-%Y", "%c %Y", "%-d %Y"])
def test_format_that_reads_no_time_is_refused(load: Load, form: str) -> None:
    [fault] = faults_of(load, (PLATFORM + SOURCE + MAP).replace("%Y-%m-%d %H:%M:%S", form))
    assert fault.startswith("park.toml: map.pay_time.format: must be that of strptime, with the year")
    assert fault.endswith(f", got {form!r}")


@pytest.mark.parametrize(
    "form", ["s", "ms", "%Y年%m月%d日 %H时", "%d/%b/%y", "%c", "%Y-%m-%d %H:%M:%S.%f %z", "100%% %Y", "%G-%V-%u"]
)
def test_format_that_reads_times_is_taken(load: Load, form: str) -> None:
    config = load((PLATFORM + SOURCE + MAP).replace("%Y-%m-%d %H:%M:%S", form))
    assert config.members["pay_time"].format == form


@pytest.mark.parametrize("mark", ['"\\n"', '"\\r"', "'\"'", '""'])
def test_delimiter_that_parts_nothing_is_refused(load: Load, mark: str) -> None:
    [fault] = faults_of(load, PLATFORM + f"[source]\nfile = 'a.csv'\ndelimiter = {mark}\n" + MAP)
    assert fault.startswith("park.toml: source.delimiter: must be one character, and neither a quote nor the end")


def test_code_that_is_there_twice_is_refused(load: Load) -> None:
    [fault] = faults_of(load, (PLATFORM + SOURCE + MAP).replace('{ "现金" = 1 }', '{ "现金" = 1, " 现金 " = 2 }'))
    assert fault.startswith("park.toml: map.pay_type.codes: has one code twice, blanks aside, got")


def test_number_of_a_filter_meets_the_number_in_a_cell(load: Load) -> None:
    config = load(PLATFORM + SOURCE + MAP + "[[filter]]\ncolumn = 'a'\nin = [1e-7, 1.50, 2.0, -3, 12345678.25]\n")
    mapper = Mapper({"plate": Member(constant="x")}, config.filters, ZoneInfo("UTC"), ["a"])
    for value in (1e-7, 1.5, "1.5", 2, "2", -3, Decimal("-3.00"), 12345678.25):
        assert mapper([value]) == {"plate": "x"}, value
    assert mapper([1e-8]) is None
