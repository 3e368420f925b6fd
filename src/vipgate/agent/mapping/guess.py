"""Guesses a mapping from column names and sample values, and renders it as a file for review. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from vipgate.agent.config import TIME_MEMBERS, SourceConfig
from vipgate.agent.mapping.values import as_text, is_absent
from vipgate.errors import truncate
from vipgate.protocol.row import REQUIRED

CODES_MAX: Final = 30
_UNKNOWN: Final = "?"
# Column names by member, as found in parks' systems; the most specific members first.
_NAMES: Final[Mapping[str, str]] = {
    "pay_partner": r"pay_partner|订单(号|编号|流水)?|流水(号)?|单号|交易号"
    r"|order_?(no|id|num\w*)|trade_?no|bill_?no|serial\w*|out_trade_no",
    "plate_color": r"plate_?colou?r|(车牌)?颜色|车牌颜色|colou?r",
    "plate": r"plate|车牌(号码?)?|车号|plate_?(no|num\w*)|car_?(no|num\w*|plate)|license(_?plate)?",
    "card_id": r"card_?id|物理卡号|ic_?card|card_?serial",
    "card_no": r"card_?no|(逻辑)?卡号|card_?num\w*|卡编号",
    "charge_type": r"charge_?type|收费(类型|规则|标准)(编号|id)?|套餐(编号|id|名称)?|资费\w*|rule_?id|package\w*|产品\w*",
    "vip_type": r"vip_?type|(固定车|卡|月卡|车辆|会员)?类型|类别|card_?type|pass_?type|type",
    "quantity": r"quantity|(续费|购买)?数量|(续费)?(月数|个数|份数)|qty|months?|num",
    "pay_type": r"pay_?type|(支付|付款|缴费|收费)(方式|类型|渠道)|pay_?(way|method|mode|channel)",
    "pay_value": r"pay_?value|实收(金额)?|(支付|缴费|收费|付款|续费|实付)?金额|amount|money|fee|price|paid\w*|total\w*",
    "pay_time": r"pay_?time|(支付|收费|缴费|付款|交易|续费|充值)(时间|日期)|pay_?date|trade_?time|charge_?time",
    "renewal_start_time": r"renewal_start_time|(有效期?|续费|生效)?(开始|起始|起)(时间|日期)?|生效(时间|日期)"
    r"|start_?(time|date)|begin\w*|valid_?from",
    "renewal_end_time": r"renewal_end_time|(有效期?|续费)?(结束|截止|到期|终止|止)(时间|日期|日)?|有效期(至|止)?"
    r"|end_?(time|date)|expir\w*|valid_?(to|until)",
    "value": r"value|面额|面值|储值(金额)?|次数|天数",
    "operator": r"operator|操作(员|人)|收费(员|人)|经办人|user_?name|cashier|staff",
}
_TIMES: Final = (
    r"(更新|修改|最后(修改|更新)|变更)(时间|日期)|update_?(time|date|d_?at)|updated_?at|modif\w*"
    r"|last_?(update|modified)\w*|row_?version"
)
_IDS: Final = r"id|编号|序号|自增\w*|record_?id|主键|\w*_id"
_CODES: Final[Mapping[str, Mapping[str, int]]] = {
    "plate_color": {"蓝": 1, "黄": 2, "白": 3, "黑": 4, "绿": 5, "blue": 1, "yellow": 2, "white": 3, "black": 4, "green": 5},
    "vip_type": {
        "月": 1, "储值": 2, "次": 3, "天": 4, "年": 5, "季": 6, "半年": 7, "免费": 0, "白名单": 0,
        "month": 1, "year": 5, "quarter": 6, "free": 0,
    },
    "pay_type": {
        "现金": 1, "微信": 2, "支付宝": 2, "线上": 2, "在线": 2, "扫码": 2, "银联": 2,
        "cash": 1, "wechat": 2, "alipay": 2, "online": 2,
    },
}  # fmt: skip
_FORMATS: Final = (
    (re.compile(r"\d{4}-\d\d?-\d\d? \d\d?:\d\d:\d\d"), "%Y-%m-%d %H:%M:%S"),
    (re.compile(r"\d{4}-\d\d?-\d\d? \d\d?:\d\d"), "%Y-%m-%d %H:%M"),
    (re.compile(r"\d{4}/\d\d?/\d\d? \d\d?:\d\d:\d\d"), "%Y/%m/%d %H:%M:%S"),
    (re.compile(r"\d{4}/\d\d?/\d\d? \d\d?:\d\d"), "%Y/%m/%d %H:%M"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"), "%Y-%m-%dT%H:%M:%S"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+"), "%Y-%m-%d %H:%M:%S.%f"),
    (re.compile(r"\d{4}-\d\d?-\d\d?"), "%Y-%m-%d"),
    (re.compile(r"\d{4}/\d\d?/\d\d?"), "%Y/%m/%d"),
    (re.compile(r"(19|20)\d{12}"), "%Y%m%d%H%M%S"),
    (re.compile(r"1\d{12}"), "ms"),
    (re.compile(r"1\d{9}"), "s"),
    (re.compile(r"(19|20)\d{6}"), "%Y%m%d"),
)
# These contain their zone and need no format.
_ISO_ZONED: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
# The most likely values if there is no such column.
_CONSTANTS: Final[Mapping[str, str | int]] = {
    "plate_color": -1,
    "vip_type": 1,
    "quantity": 1,
    "pay_type": 1,
    "charge_type": "DEFAULT",
}


@dataclass(frozen=True, slots=True)
class Guess:
    """One line of [map]. `doubt` is a question for the reviewer."""

    column: str | None = None
    constant: str | int | None = None
    codes: Mapping[str, str | int] | None = None
    unit: str | None = None
    format: str | None = None
    doubt: str = ""

    def toml(self) -> str:
        """The value as TOML."""
        if self.column is None:
            return f"{{ constant = {_quoted(self.constant)} }}"
        parts = [f"column = {_quoted(self.column)}"]
        if self.codes is not None:
            parts.append(
                "codes = { "
                + ", ".join(f"{_quoted(code)} = {_quoted(meant)}" for code, meant in self.codes.items())
                + " }"
            )
        parts += [f"unit = {_quoted(self.unit)}"] if self.unit else []
        parts += [f"format = {_quoted(self.format)}"] if self.format else []
        return _quoted(self.column) if len(parts) == 1 else "{ " + ", ".join(parts) + " }"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping, and a cursor if the column names suggest one."""

    members: Mapping[str, Guess]
    cursor: tuple[str, str] | None = None


def propose(columns: Sequence[str], samples: Sequence[Sequence[object]]) -> Proposal:
    """Returns the most likely mapping of `columns`, judged by their names and sample rows."""
    values = {
        name: [row[at] for row in samples if at < len(row) and not is_absent(row[at])]
        for at, name in enumerate(columns)
    }
    free = list(columns)
    members: dict[str, Guess] = {}
    for member in _NAMES:
        name = _named(_NAMES[member], free)
        if name is not None:
            free.remove(name)
            members[member] = _guess(member, name, values[name])
        elif member in REQUIRED:
            members[member] = _guess_without(member)
    if members["pay_partner"].column == _UNKNOWN and (key := _named(_IDS, free)) is not None:
        members["pay_partner"] = Guess(key, doubt="? no order number found: is this one never given out again")
    ordered = {member: members[member] for member in sorted(members, key=list(_NAMES).index)}
    return Proposal(ordered, _cursor(columns))


def _guess(member: str, name: str, values: Sequence[object]) -> Guess:
    if member in _CODES:
        return _coded(member, name, values)
    if member in TIME_MEMBERS:
        return _timed(name, values)
    if member == "pay_value":
        texts = [_text(value) for value in values]
        # A float without decimals proves nothing: spreadsheets store all numbers as floats.
        has_point = any("." in text for text in texts)
        doubt = "" if has_point else "? yuan or fen: the values have no decimals"
        return Guess(name, unit="yuan", doubt=doubt)
    return Guess(name)


def _coded(member: str, name: str, values: Sequence[object]) -> Guess:
    """Maps words to codes; numbers are assumed to be the interface's codes, to be confirmed by a person."""
    texts = list(dict.fromkeys(_text(value) for value in values))
    if all(re.fullmatch(r"-?\d+", text) for text in texts):
        return Guess(
            name, doubt="? the values are numbers: are they the interface's codes" if texts else "? no value seen"
        )
    codes = {text: meant for text in texts[:CODES_MAX] if (meant := _meaning(member, text)) is not None}
    unknown = [truncate(text) for text in texts if text not in codes]
    doubt = f"? not known: {', '.join(unknown[:5])}" if unknown else ""
    return Guess(name, codes=codes, doubt=doubt)


def _meaning(member: str, text: str) -> int | None:
    found = [(len(word), meant) for word, meant in _CODES[member].items() if word in text.lower()]
    return max(found)[1] if found else None


def _timed(name: str, values: Sequence[object]) -> Guess:
    if values and all(isinstance(value, datetime | date) for value in values):
        return Guess(name)
    texts = [_text(value) for value in values]
    if texts and all(_ISO_ZONED.fullmatch(text) for text in texts):
        return Guess(name)
    for shape, form in _FORMATS:
        if texts and all(shape.fullmatch(text) for text in texts):
            return Guess(name, format=form)
    return Guess(name, format="%Y-%m-%d %H:%M:%S", doubt="? the form of these times is not known")


def _guess_without(member: str) -> Guess:
    if member in _CONSTANTS:
        return Guess(constant=_CONSTANTS[member], doubt="? no column found")
    return Guess(_UNKNOWN, doubt="? no column found: the interface wants it")


def _cursor(columns: Sequence[str]) -> tuple[str, str] | None:
    when, which = _named(_TIMES, columns), _named(_IDS, columns)
    return (when, which) if when is not None and which is not None else None


def _named(pattern: str, columns: Sequence[str]) -> str | None:
    """The first column whose whole name matches `pattern`."""
    whole = re.compile(pattern, re.IGNORECASE).fullmatch
    return next((name for name in columns if whole(name.strip())), None)


def _text(value: object) -> str:
    text = as_text(value)
    return text if isinstance(text, str) else ""


def _quoted(value: object) -> str:
    """A TOML string or number: JSON strings are valid TOML."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _pair(key: str, value: object) -> str:
    return f"{key} = {_quoted(str(value))}"


def render_config(proposal: Proposal, *, url: str, park_uuid: str, secret: str, source: SourceConfig) -> str:
    """Renders the configuration file, with a question mark where a person has to check."""
    lines = ["# The agent's configuration; docs/agent.md explains every line. Look at each ? before you start it.", ""]
    lines += ["[platform]", _pair("url", url), _pair("park_uuid", park_uuid), _pair("secret", secret), "", "[source]"]
    for key in ("database", "file", "query", "table", "encoding", "delimiter", "sheet"):
        value = getattr(source, key)
        lines += [] if value is None else [_pair(key, value)]
    if source.header_line > 1:
        lines.append(f"header_line = {source.header_line}")
    if source.file is None:
        lines += _cursor_lines(source.cursor or proposal.cursor)
    lines += [_pair("time_zone", source.time_zone), "", "[map]"]
    for member, guess in proposal.members.items():
        lines.append(f"{member} = {guess.toml()}" + (f"   # {guess.doubt}" if guess.doubt else ""))
    return "\n".join([*lines, ""])


def _cursor_lines(cursor: tuple[str, ...] | None) -> list[str]:
    if cursor:
        return [f"cursor = {_quoted(list(cursor))}", "lag_s = 5"]
    return ['# cursor = ["time of the last change", "id"]   # without it every row is compared at every look']
