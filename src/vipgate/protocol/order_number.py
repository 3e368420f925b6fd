"""Recognises order numbers that are placeholders, and removes duplicates within a request. Pure."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import normalize

import msgspec

from vipgate.errors import FieldError
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import FLAG_NO_ORDER, Renewal

# In lower case without punctuation: `N/A`, `#N/A` and `n.a.` are all `na`. The last line: errors of spreadsheets.
PLACEHOLDERS: Final = frozenset({
    "无", "暂无", "空", "空值", "没有", "未知", "不详", "未填", "未填写", "待定", "待补", "默认",
    "无订单", "无订单号", "无单号", "无编号",
    "無", "暫無", "沒有", "不詳", "未填寫", "默認", "無訂單", "無訂單號", "無單號", "無編號",
    "na", "nan", "none", "null", "nil", "undefined", "unknown", "empty", "nothing", "blank", "missing", "default", "dbnull",
    "tbd", "test", "测试", "div0", "ref", "value", "name", "num",
})  # fmt: skip

# `2.02207E+18`, also with a decimal comma: a mantissa with a fraction, or an exponent with its sign.
_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(?:[.,]\d+e[+-]?|e[+-])\d+", re.ASCII | re.IGNORECASE).fullmatch
# A float that was written out has too many digits to be exact: `2022072512345928000.0`.
_WRITTEN_OUT: Final = re.compile(r"[+-]?\d{16,}[.,]0+", re.ASCII).fullmatch
_COUNTING: Final = frozenset("123456789")
_counts: Final = re.compile(r"[1-9]").search


def is_rounded(text: str) -> bool:
    """Whether `text` is a number that a spreadsheet rounded: in scientific notation, or a float written out."""
    folded = text if text.isascii() else normalize("NFKC", text)
    return _SCIENTIFIC(folded.strip()) is not None or _WRITTEN_OUT(folded.strip()) is not None


def is_no_order(text: str) -> bool:
    """Whether `text` is a placeholder that several orders may share, or a number cut to scientific notation.

    Ignores case, width and punctuation: `ＮＵＬＬ`, `(null)`, `--` and zeros alone are placeholders,
    and so is one letter repeated (`xxx`). A digit repeated is not: an order may have the number 111.
    """
    # The last character decides for most order numbers, in a third of the time of a search.
    if text.isascii() and (text[-1:] in _COUNTING or _counts(text)):
        return ("e" in text or "E" in text or "." in text or "," in text) and is_rounded(text)
    folded = normalize("NFKC", text).casefold()
    letters = "".join(filter(str.isalnum, folded))
    is_repeated = len(letters) > 2 and len(set(letters)) == 1 and not letters.isdigit()
    return not letters.strip("0") or is_repeated or letters in PLACEHOLDERS or is_rounded(folded)


def order_flags(text: str) -> int:
    """Returns FLAG_NO_ORDER for a placeholder, else 0."""
    return FLAG_NO_ORDER if is_no_order(text) else 0


def distinct_orders(renewals: list[Renewal], faults: list[FieldError]) -> list[Renewal]:
    """Removes duplicate rows; rows with the same order number but other content are errors. Ignores `flags`."""
    first: dict[str, tuple[int, Renewal]] = {}
    for index, renewal in enumerate(renewals):
        earlier, kept = first.setdefault(renewal.pay_partner, (index, renewal))
        if kept == renewal:
            continue
        flagged = msgspec.structs.replace(kept, flags=kept.flags | renewal.flags)
        if flagged == msgspec.structs.replace(renewal, flags=flagged.flags):
            first[renewal.pay_partner] = (earlier, flagged)
        else:
            faults.append(FieldError(f"row[{index}].pay_partner", _twice(earlier, renewal), f'"{renewal.pay_partner}"'))
    return [renewal for _, renewal in first.values()]


def _twice(earlier: int, renewal: Renewal) -> LocalizedText:
    if renewal.flags & FLAG_NO_ORDER:
        return LocalizedText(
            f"与 row[{earlier}] 相同, 但这不是订单号 (占位内容, 或被表格软件写成了科学计数法); 每行应有自己的完整订单号",
            f"same as row[{earlier}], but this is no order number (a placeholder, or cut short by a spreadsheet); "
            "each row needs a whole one of its own",
        )
    return LocalizedText(
        f"与 row[{earlier}] 订单号相同而内容不同; 同一订单号只应有一行",
        f"same order number as row[{earlier}] but another content; one row for each order number",
    )
