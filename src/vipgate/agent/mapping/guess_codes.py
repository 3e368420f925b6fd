"""Finds the code that a park's own word means, or none if the word is not clear. Pure.

A word is read piece by piece, the longest known piece first. It has a code only where one meaning is found and every other piece
is known not to change it: `全天月卡` is a month card (`全天` says when it is valid). A negation, two meanings, or a piece that was
never seen (`双月卡`, `停用月卡`) has none, and is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Final

from vipgate.agent.mapping.folding import folded

_COLOURS: Final[Mapping[str, int]] = {
    "蓝": 1, "黄": 2, "白": 3, "黑": 4, "绿": 5, "blue": 1, "yellow": 2, "white": 3, "black": 4, "green": 5,
    "未知": -1, "不详": -1, "unknown": -1,
}  # fmt: skip
_MEANINGS: Final[Mapping[str, Mapping[str, int]]] = {
    "plate_color": _COLOURS,
    "vip_type": {
        "月卡": 1, "月租": 1, "月票": 1, "月保": 1, "包月": 1, "月": 1, "月度": 1, "储值": 2,
        "次卡": 3, "计次": 3, "储次": 3, "次数": 3,
        "天卡": 4, "日卡": 4, "储天": 4, "计天": 4, "年卡": 5, "年租": 5, "年票": 5, "包年": 5, "年": 5, "年度": 5,
        "季卡": 6, "季租": 6, "季票": 6, "包季": 6, "季度": 6, "季": 6, "半年卡": 7, "半年": 7, "免费": 0, "白名单": 0,
        "month": 1, "monthly": 1, "year": 5, "yearly": 5, "annual": 5, "quarter": 6, "quarterly": 6, "halfyear": 7, "half-year": 7,
        "half year": 7, "semiannual": 7, "free": 0, "whitelist": 0, "white list": 0, "stored value": 2, "prepaid": 2,
    },
    "pay_type": {
        "现金": 1, "cash": 1,
        "微信": 2, "支付宝": 2, "公众号": 2, "小程序": 2, "线上": 2, "在线": 2, "扫码": 2, "银联": 2, "云闪付": 2, "网银": 2,
        "手机": 2,
        "wechat": 2, "weixin": 2, "alipay": 2, "online": 2, "unionpay": 2, "wxpay": 2, "qrcode": 2, "qr code": 2,
    },
}  # fmt: skip
# Pieces that never change a meaning.
_NEUTRAL: Final[Mapping[str, str]] = {
    "plate_color": r"色|牌照|车牌|号牌|牌|底|渐变|小型|大型|新能源|车|plate|license|colou?r|background|small|large",
    "vip_type": (
        r"全天|白天|夜间|夜晚|晚上|日间|工作日|次月生效|当月生效|本月生效|次日生效|\d+天|\d+日|小车|大车|机动车|固定|普通|标准|地面|地下|新能源|贵宾|vip|业主|员工|内部"
        r"|车主|用户|会员|类|型|车|卡|租|费|票|套餐|停车|card|pass|ticket|user|member(?:ship)?|car|vehicle|type|parking|rent(?:al)?|plan|subscription"
        r"|(?<![a-z])[a-z](?![a-z])|\d+号"
    ),
    "pay_type": (
        r"支付|付款|缴费|收费|收款|交费|方式|付|人工|岗亭|app|h5|pay(?:ment)?|mobile|公司|平台|收银|缴纳|主扫|被扫|二维码"
    ),
}  # fmt: skip
_SEPARATORS: Final = r"[\s_\-/|,;:.()\[\]【】、，；：（）]+"
_SPACED: Final = partial(re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])").sub, "")
_DIGITS_ONLY: Final = re.compile(r"-?\d+").fullmatch
# White letters on a blue plate: the ground counts.
_GROUND: Final = re.compile(r"([蓝黄白黑绿]+)色?底.*").fullmatch
_LETTERS: Final = re.compile(r"[蓝黄白黑绿]色?字")


_NEUTRALS: Final = {member: re.compile(f"{pieces}|{_SEPARATORS}").match for member, pieces in _NEUTRAL.items()}
_WORDS: Final = {member: sorted(words, key=len, reverse=True) for member, words in _MEANINGS.items()}


def meaning(member: str, text: str) -> int | None:
    """The code of `text`, or None if its words have no single meaning."""
    plain = _SPACED(folded(text))
    if plain in _MEANINGS[member]:
        return _MEANINGS[member][plain]
    if _DIGITS_ONLY(plain):
        return None
    if member == "plate_color":
        ground = _GROUND(plain)
        plain = ground[1] if ground else _LETTERS.sub("", plain)
    found = {_MEANINGS[member][word] for word in _words(member, plain)}
    return found.pop() if len(found) == 1 else None


def _words(member: str, text: str) -> list[str]:
    """Splits `text` into known words, the longest first; empty if a part is unknown."""
    found: list[str] = []
    at = 0
    while at < len(text):
        word = next((word for word in _WORDS[member] if text.startswith(word, at)), "")
        match = _NEUTRALS[member](text, at)
        neutral_chars = 0 if match is None else len(match[0])
        if not word and not neutral_chars:
            return []
        if len(word) >= neutral_chars:
            found.append(word)
        at += max(len(word), neutral_chars)
    return found


# Words of a status: rows with the first are sales, rows with the second are none.
_GOOD: Final = frozenset({
    "已支付", "支付成功", "成功", "已缴费", "缴费成功", "已付款", "已付", "已收", "已完成", "完成", "正常", "有效", "生效",
    "已生效", "已缴", "已交费", "paid", "success", "succeeded", "successful", "completed", "complete", "active", "normal", "valid",
    "confirmed", "trade_success",
})  # fmt: skip
_BAD: Final = re.compile(
    r"未|退|作废|取消|失败|无效|待|关闭|删除|冲正|撤|注销|过期|驳回|异常|unpaid|un_?paid|refund|cancel|void|fail|pending|invalid|closed|delete|expired|inactive"
    r"|suspended|rejected|overdue|unpay"
).search


def is_good_status(text: str) -> bool:
    """Whether `text` says that a row is a sale."""
    return folded(text) in _GOOD


def is_bad_status(text: str) -> bool:
    """Whether `text` says that a row is no sale."""
    return _BAD(folded(text)) is not None


# What a note says of a row that is no sale. Narrower than a status: a note may be about anything.
_BAD_NOTE: Final = re.compile(
    r"退[款费卡钱回还]|已退|全退|退\d|作废|取消|撤销|冲正|红冲|冲红|未付|未缴|未收|未支付|欠费|误操作|错误|[输录开收]错|重复|refund|cancel|void"
    r"|unpaid|mistake|duplicate|revers"
).search


def is_bad_note(text: str) -> bool:
    """Whether a note says that its row is no sale."""
    return _BAD_NOTE(folded(text)) is not None
