"""Texts of the page on which a person names the columns that identify a row."""

from __future__ import annotations

from typing import Final

from vipgate.i18n import LocalizedText

TEXTS: Final = {
    "key.title": LocalizedText("用哪些列区分每一行", "Columns that identify a row"),
    "key.lead": LocalizedText(
        "这张表（或查询）没有主键。请勾选合起来不重复、也从不为空的列，例如编号或流水号：有了它，代理可以分页读取，并更快发现变更。"
        "不勾选也能运行，但每轮核对都是一次长时间读取。",
        "This table (or query) has no primary key. Tick the columns that together are never the same in two rows and never empty, "
        "such as a number of the row: then the agent reads in pages and finds changes sooner. Without them it works too, but "
        "each comparison of all rows is one long read.",
    ),
    "key.likely": LocalizedText(
        "前面各行中不重复的列：{columns}", "Never the same in two of the first rows: {columns}"
    ),
    "key.columns": LocalizedText("列", "Columns"),
    "key.save": LocalizedText("检查并保存", "Check and save"),
    "key.none": LocalizedText(
        "这张表（或查询）没有主键：每轮核对都是一次长时间读取。",
        "This table (or query) has no primary key: all rows are compared in one long read.",
    ),
    "key.set": LocalizedText("区分每一行的列：{columns}", "Columns that identify a row: {columns}"),
    "key.change": LocalizedText("指定区分每一行的列", "Name the columns that identify a row"),
}
